"""Puts every sealed secret under the key that wraps now; the secrets themselves stay as they are.

The work that is left is what stands under another key, so the job may be killed at any point and
started again, and it may run beside the service.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from services.tenancy.domain.audit import Action
from services.tenancy.domain.secret import Place, Sealed
from services.tenancy.usecases.ports import (
    By,
    ChangedMeanwhile,
    KeyProvider,
    Note,
    SealBroken,
    Vault,
)

_BATCH = 20
_PASSES = 8
Advance = Callable[[str, int], None]
"""Gets a collection and how many secrets more are done."""


@dataclass(frozen=True)
class SealedValue:
    """One sealed secret and where it lies."""

    path: str
    place: Place
    sealed: Sealed


@dataclass(frozen=True)
class SealedRecord:
    """One document with those of its secrets that stand under another key."""

    collection: str
    id: str
    rev: int | None
    values: tuple[SealedValue, ...]


@dataclass(frozen=True)
class KeyCount:
    """How many secrets of a collection a key has wrapped."""

    collection: str
    key_id: str
    secrets: int


class SealedSecrets(Protocol):
    """All sealed secrets. ``store`` raises ``ChangedMeanwhile``, everything ``Unavailable``."""

    @property
    def collections(self) -> Sequence[str]:
        """Return the names of the collections that hold some."""
        ...

    async def counts(self) -> Sequence[KeyCount]:
        """Count them by collection and key."""
        ...

    async def batch(
        self, collection: str, key_id: str, after: str | None, limit: int
    ) -> Sequence[SealedRecord]:
        """Return the next documents, by id, with secrets under another key than this one."""
        ...

    async def store(self, record: SealedRecord, rewrapped: Mapping[str, Sealed]) -> None:
        """Replace wrapped keys, by path, unless something of the document has changed."""
        ...

    async def note(self, key_id: str, note: Note) -> None:
        """Record that secrets were put under a key."""
        ...


@dataclass(frozen=True)
class Broken:
    """A secret that does not open."""

    collection: str
    id: str
    path: str
    reason: str


@dataclass
class Outcome:
    """What became of one collection. ``contended``: documents that others kept changing."""

    collection: str
    done: int = 0
    broken: list[Broken] = field(default_factory=list)
    contended: int = 0


class Rewrap:
    """The job."""

    def __init__(self, secrets: SealedSecrets, vault: Vault, keys: KeyProvider) -> None:
        self._secrets = secrets
        self._vault = vault
        self._keys = keys

    @property
    def collections(self) -> Sequence[str]:
        """Return the names of the collections that hold secrets."""
        return self._secrets.collections

    async def counts(self) -> Sequence[KeyCount]:
        """Return how many secrets each key has wrapped."""
        return await self._secrets.counts()

    async def run(self, by: By, advance: Advance, *, dry_run: bool) -> Sequence[Outcome]:
        """Do what is left; a dry run only opens. Raise ``Unavailable``, keeping what is done."""
        outcomes = []
        try:
            for collection in self._secrets.collections:
                outcomes.append(Outcome(collection))
                await self._collection(outcomes[-1], advance, dry_run=dry_run)
        finally:
            if not dry_run and any(outcome.done for outcome in outcomes):
                await self._secrets.note(self._keys.key_id, Note(Action.SECRETS_REWRAPPED, by))
        return outcomes

    async def _collection(self, outcome: Outcome, advance: Advance, *, dry_run: bool) -> None:
        for _ in range(_PASSES):
            outcome.broken, outcome.contended = [], 0
            after: str | None = None
            while records := await self._secrets.batch(
                outcome.collection, self._keys.key_id, after, _BATCH
            ):
                after = records[-1].id
                work = (self._record(r, outcome, advance, dry_run=dry_run) for r in records)
                results = await asyncio.gather(*work, return_exceptions=True)
                # all of them have ended, nothing goes on behind the error
                for error in results:
                    if error is not None:
                        raise error
            if not outcome.contended:
                return

    async def _record(
        self, record: SealedRecord, outcome: Outcome, advance: Advance, *, dry_run: bool
    ) -> None:
        fresh: dict[str, Sealed] = {}
        for value in record.values:
            try:
                if dry_run:
                    await self._vault.open(value.sealed, value.place)
                    fresh[value.path] = value.sealed
                else:
                    fresh[value.path] = await self._vault.rewrap(value.sealed, value.place)
            except SealBroken as error:
                broken = Broken(record.collection, record.id, value.path, str(error))
                outcome.broken.append(broken)
        if not fresh:
            return
        if not dry_run:
            try:
                await self._secrets.store(record, fresh)
            except ChangedMeanwhile:
                outcome.contended += 1
                return
        outcome.done += len(fresh)
        advance(record.collection, len(fresh))
