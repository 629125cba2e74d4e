"""Imports an archive: all of it is checked before the first row is written, and then written once.

A service gives a ``Destination``; the order of things, leases and going on after a breakdown are
here. Why the client waits for it: docs/adr/0023-import-while-the-client-waits.md.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

import structlog

from contracts.importing import JiraIds, Missing
from contracts.tenancy import ProjectState
from contracts.transfer import Member, Part
from kit.directory.access import Access
from kit.errors import Conflict, OstroError
from kit.ids import Ids
from kit.mongo import MongoError, is_transient
from kit.transfer.reading import ArchiveReader, ReadLimits
from kit.transfer.references import Reference, Resolved
from kit.transfer.rows import Claim, Import, ImportRows, ImportState
from kit.transfer.spooling import Spooled

log = structlog.get_logger(__name__)

_RENEW_SECONDS = 8.0
_OPTIONS = Member.OPTIONS.name.lower()
_TOLD = 20
"""Things of a project that is not empty which a message names."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How an archive is to be read."""

    jira: JiraIds = JiraIds.AUTO
    missing: Missing = Missing.REFUSE
    coming: frozenset[str] = frozenset()
    """Keys of projects that are imported along: what an archive names there need not be there."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where an archive goes, and for whom."""

    access: Access
    project: ProjectState
    keep_jira: bool
    missing: Missing = Missing.REFUSE
    coming: frozenset[str] = frozenset()

    @property
    def tenant(self) -> str:
        """The tenant."""
        return self.access.tenant


@dataclass(frozen=True)
class Checked:
    """What a check found out; services put what writing needs beside it."""

    left_out: Mapping[str, int]
    references: Resolved
    """To things of other projects."""

    @property
    def lost(self) -> Mapping[str, int]:
        """What is left out, references too."""
        dropped = self.references.dropped.count
        return {**self.left_out, **({"references": dropped} if dropped else {})}


C = TypeVar("C", bound=Checked)


class Destination(Protocol[C]):
    """What a service does with an archive."""

    @property
    def part(self) -> Part:
        """The part that it takes."""
        ...

    async def present(self, target: Target, most: int) -> Sequence[str]:
        """Return what stands in the way of an import, in words: at most so many things."""
        ...

    async def unlike(self, target: Target, checked: C) -> Sequence[str]:
        """Return, in words, what the project set up otherwise than a new one and the archive."""
        ...

    async def leaving(self, target: Target) -> bool:
        """Whether something that was deleted is still being erased."""
        ...

    async def holds(self, target: Target, written: Mapping[str, int]) -> bool:
        """Whether something is there of what an import has written, by member."""
        ...

    async def check(
        self, target: Target, archive: ArchiveReader, library: ArchiveReader | None = None
    ) -> C:
        """Read all of the archive; raise ``InvalidInput`` for whatever cannot be stored.

        ``library`` is the project's, which is going to be imported before this.
        """
        ...

    async def reserve(self, target: Target, archive: ArchiveReader, checked: C) -> None:
        """Make sure that nobody gets one of the archive's numbers from now on."""
        ...

    def write(
        self, target: Target, archive: ArchiveReader, checked: C, ident: str
    ) -> AsyncIterator[tuple[str, int]]:
        """Store what is not stored yet; yield what was done, and how many of it.

        Everything stored is marked with ``ident``; ``Conflict`` where something else has a number.
        """
        ...


@dataclass(frozen=True, slots=True)
class Progress:
    """How an import fares."""

    state: ImportState | None
    """None: it broke off; ``message`` says why."""
    written: Mapping[str, int]
    total: Mapping[str, int]
    left_out: Mapping[str, int]
    message: str | None = None
    dropped: Sequence[Reference] = ()
    """References that are left out, as many as are told."""


class Outlook(StrEnum):
    """What an import would do."""

    READY = "ready"
    """It would write."""
    CONTINUES = "continues"
    """It would go on with one that broke off."""
    DONE = "done"
    """It would change nothing: all of it was imported."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a check found out."""

    outlook: Outlook
    total: Mapping[str, int]
    left_out: Mapping[str, int] = field(default_factory=dict)
    references: Resolved = field(default_factory=Resolved)


@dataclass(frozen=True, slots=True)
class _Looked(Generic[C]):
    """An archive, and where it would go; ``checked`` is None for one that is imported already."""

    target: Target
    archive: ArchiveReader
    name: str
    known: Import | None
    checked: C | None
    again: bool


class Importer(Generic[C]):
    """Imports for one service."""

    def __init__(
        self,
        destination: Destination[C],
        rows: ImportRows,
        limits: ReadLimits,
        ids: Ids,
    ) -> None:
        self._destination = destination
        self._rows = rows
        self._limits = limits
        self._ids = ids

    async def last(self, access: Access, project: ProjectState) -> Import | None:
        """Return the last import into a project."""
        return await self._rows.get(access.tenant, project.id)

    async def check(
        self,
        access: Access,
        project: ProjectState,
        spooled: Spooled,
        wish: Wish,
        library: Spooled | None = None,
    ) -> Forecast:
        """Check an archive as ``start`` does; nothing is changed.

        ``library`` is the archive of the project's library where that is not imported yet.
        """
        beside = None
        if library is not None:
            beside = await asyncio.to_thread(
                ArchiveReader, library.file, Part.LIBRARY, self._limits
            )
        looked = await self._look(access, project, spooled, wish, beside)
        total = _total(looked.archive)
        if looked.checked is None:
            return Forecast(Outlook.DONE, total)
        outlook = Outlook.CONTINUES if looked.again else Outlook.READY
        return Forecast(outlook, total, looked.checked.lost, looked.checked.references)

    async def start(
        self, access: Access, project: ProjectState, spooled: Spooled, wish: Wish
    ) -> AsyncGenerator[Progress, None]:
        """Check an archive; return what writes it. Nothing is changed when this raises.

        Raises ``InvalidInput``, ``TooLarge``, ``Conflict``.
        """
        looked = await self._look(access, project, spooled, wish)
        known, checked, target = looked.known, looked.checked, looked.target
        if checked is None:
            assert known is not None
            return _done(known)
        again = looked.again
        ident = known.id if known is not None and again else self._ids.token()
        claim = Claim(access.tenant, project.id, ident, self._ids.token())
        if again:
            taken = await self._rows.take_up(claim)
        else:
            former = known.id if known is not None else None
            taken = await self._rows.begin(claim, looked.name, checked.lost, former)
        if not taken:
            raise Conflict("Another import into the project is under way.")
        try:
            await self._destination.reserve(target, looked.archive, checked)
            if not again:
                # what was made since the first look has numbers of the archive
                await self._check_empty(target)
                await self._check_alike(target, checked)
        except BaseException:
            await asyncio.shield(self._rows.let_go(claim) if again else self._rows.forget(claim))
            raise
        return self._writing(claim, target, looked.archive, checked)

    async def _look(
        self,
        access: Access,
        project: ProjectState,
        spooled: Spooled,
        wish: Wish,
        library: ArchiveReader | None = None,
    ) -> _Looked[C]:
        """Check an archive, and what stands in its way."""
        archive = await asyncio.to_thread(
            ArchiveReader, spooled.file, self._destination.part, self._limits
        )
        same_site = archive.manifest.source.site_url == access.view.tenant.site_url
        keep = wish.jira is JiraIds.KEEP or (wish.jira is JiraIds.AUTO and same_site)
        target = Target(access, project, keep, wish.missing, wish.coming)
        name = f"{spooled.sha256}/{'keep' if keep else 'drop'}"
        known = await self._rows.get(access.tenant, project.id)
        if known is not None and known.leased:
            raise Conflict("Another import into the project is under way.")
        again = known is not None and known.archive == name
        if known is not None and again and known.state is ImportState.DONE:
            if await self._stands(target, known):
                return _Looked(target, archive, name, known, None, again)
            again = False
        if not again:
            await self._check_empty(target)
        checked = await self._destination.check(target, archive, library)
        if not again:
            await self._check_alike(target, checked)
        return _Looked(target, archive, name, known, checked, again)

    async def _stands(self, target: Target, known: Import) -> bool:
        """Whether the project was not emptied since an import; one of nothing stands."""
        await self._check_left(target)
        brought = any(count for what, count in known.written.items() if what != _OPTIONS)
        return not brought or await self._destination.holds(target, known.written)

    async def _check_left(self, target: Target) -> None:
        if await self._destination.leaving(target):
            raise Conflict(
                "Something of the project was deleted, and that deletion is still being done; "
                "try again in a few minutes."
            )

    async def _check_empty(self, target: Target) -> None:
        await self._check_left(target)
        found = await self._destination.present(target, _TOLD)
        if found:
            raise Conflict(f"The project is not empty: it has {', '.join(found)}.")

    async def _check_alike(self, target: Target, checked: C) -> None:
        found = await self._destination.unlike(target, checked)
        if found:
            raise Conflict(
                "The project is set up otherwise than a new one, and otherwise than the archive: "
                f"{'; '.join(found)}."
            )

    async def _writing(
        self, claim: Claim, target: Target, archive: ArchiveReader, checked: C
    ) -> AsyncGenerator[Progress, None]:
        written: Counter[str] = Counter()
        total = _total(archive)
        dropped = checked.references.dropped.told

        def progress(state: ImportState | None, message: str | None = None) -> Progress:
            # named once they are left out for good: a line a batch would repeat them
            told = () if state is ImportState.WRITING else dropped
            return Progress(state, dict(written), total, checked.lost, message, told)

        archive.restart()
        try:
            yield progress(ImportState.WRITING)
            async with _renewed(self._rows, claim, written) as lost:
                done = self._destination.write(target, archive, checked, claim.id)
                async for what, count in done:
                    if lost.is_set():
                        raise _taken_over()
                    written[what] += count
                    yield progress(ImportState.WRITING)
            if not await self._rows.end(claim, written):
                raise _taken_over()
            yield progress(ImportState.DONE)
        except (OstroError, MongoError) as error:
            if isinstance(error, MongoError) and not is_transient(error):
                raise
            log.warning("an import broke off", cause=type(error).__name__)
            text = error.message if isinstance(error, OstroError) else "The database failed."
            yield progress(None, f"{text} Send the same archive again to go on.")
        finally:
            with contextlib.suppress(OstroError, MongoError):
                await asyncio.shield(self._rows.let_go(claim))


@contextlib.asynccontextmanager
async def _renewed(
    rows: ImportRows, claim: Claim, written: Mapping[str, int]
) -> AsyncIterator[asyncio.Event]:
    """Keep the lease while the block runs; the event says that it was lost."""
    lost = asyncio.Event()

    async def renew() -> None:
        while not lost.is_set():
            await asyncio.sleep(_RENEW_SECONDS)
            with contextlib.suppress(MongoError, OstroError):
                if not await rows.advance(claim, written):
                    lost.set()

    task = asyncio.create_task(renew())
    try:
        yield lost
    finally:
        task.cancel()


def _total(archive: ArchiveReader) -> dict[str, int]:
    return {m.name.lower(): e.rows for m, e in archive.manifest.members.items()}


async def _done(known: Import) -> AsyncGenerator[Progress, None]:
    yield Progress(ImportState.DONE, known.written, known.written, known.left_out)


def _taken_over() -> Conflict:
    return Conflict("The import was taken over by another request.")
