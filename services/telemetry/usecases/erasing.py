"""Erasure of an account, or of a whole tenant, at every processor.

First suppression, then all pseudonyms, then one open request that a background job works through:
asks each processor, polls it for days, and at the very end of a tenant's destroys its keys.
Each answer is written down at once, so a crash costs at most one question asked twice, which no
processor minds: deleting what is deleted changes nothing.
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from contracts.telemetry import ProcessorName
from kit.clock import Clock
from kit.errors import NotFound, OstroError
from kit.ids import Ids
from kit.mongo import MongoError
from services.telemetry.domain.erasure import (
    Erasure,
    Names,
    Part,
    State,
    Subject,
    digest_of,
    parts_of,
)
from services.telemetry.domain.pseudonyms import Domain, Period, late_epochs
from services.telemetry.usecases.anonymizing import Tenants
from services.telemetry.usecases.consent import Choices, Consents
from services.telemetry.usecases.keys import KeyRing, Keys
from services.telemetry.usecases.leadership import Leadership

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
BY_ERASURE = "erasure"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a processor said. ``reference`` is kept to ask for its state."""

    state: State
    reference: str | None = None
    reason: str | None = None


class NotNow(Exception):
    """The processor cannot be asked at present; the same again later. Holds no ids."""

    def __init__(self, cause: str, wait: float | None = None) -> None:
        super().__init__(cause)
        self.cause = cause
        self.wait = wait


class Deleting(Protocol):
    """Deletion at one processor."""

    async def request(self, pseudonyms: Sequence[str]) -> Asked:
        """Ask to delete all it has of them; raise ``NotNow``."""
        ...

    async def status(self, reference: str) -> Asked:
        """Return how far it is; raise ``NotNow``."""
        ...


class Erasures(Protocol):
    """Where requests are kept."""

    async def add(self, erasure: Erasure) -> None:
        """Store a new one."""
        ...

    async def open_of(self, tenant: str, digest: str) -> Erasure | None:
        """Return the one that is still going on for the same subject."""
        ...

    async def one(self, tenant: str, erasure_id: str) -> Erasure | None:
        """Return one of a tenant."""
        ...

    async def newest(self, tenant: str, most: int) -> Sequence[Erasure]:
        """Return the newest of a tenant, newest first."""
        ...

    async def due(self, now: datetime) -> Sequence[Erasure]:
        """Return open ones of all tenants with something to do."""
        ...

    async def settle(self, erasure: Erasure, index: int, part: Part) -> None:
        """Write down what became of one part."""
        ...

    async def reschedule(self, erasure: Erasure, at: datetime) -> None:
        """Say when the next part is due."""
        ...

    async def end(self, erasure: Erasure, at: datetime, keys_destroyed: int | None) -> None:
        """Close it."""
        ...


class SuppressionList(Protocol):
    """Where erased accounts are kept."""

    async def add_account(self, tenant: str, digest: str) -> None:
        """Drop the account's events from now on."""
        ...

    async def add_users(self, tenant: str, pseudonyms: Collection[str]) -> None:
        """Drop what was anonymised already and is still on its way."""
        ...

    async def forget(self, tenant: str) -> None:
        """Forget the accounts of a tenant that has no keys any more."""
        ...


class BeamerUsers(Protocol):
    """Whom Beamer knows; see ``usecases.notices``."""

    async def of(self, tenant: str) -> Sequence[str]:
        """Return their pseudonyms."""
        ...

    async def forget(self, tenant: str, pseudonyms: Collection[str] | None = None) -> None:
        """Forget some, or all of a tenant."""
        ...


class ErasureRequests:
    """Takes requests. ``settle`` is the time that what is being sent may still take."""

    def __init__(
        self,
        *,
        erasures: Erasures,
        suppressions: SuppressionList,
        beamer_users: BeamerUsers,
        keys: Keys,
        ring: KeyRing,
        tenants: Tenants,
        consents: Consents,
        suppression_key: bytes,
        period: Period,
        settle: timedelta,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._erasures = erasures
        self._suppressions = suppressions
        self._beamer_users = beamer_users
        self._keys = keys
        self._ring = ring
        self._tenants = tenants
        self._consents = consents
        self._suppression_key = suppression_key
        self._period = period
        self._settle = settle
        self._clock = clock
        self._ids = ids

    async def of_account(self, tenant: str, account_id: str, by: str) -> Erasure:
        """Begin; the same account again while one is open is the same request."""
        digest = digest_of(self._suppression_key, tenant, account_id)
        await self._suppressions.add_account(tenant, digest)
        # an event that is being anonymised now may be of any of these: none may get a key later
        now = self._clock.now()
        await self._keys.keys([(tenant, epoch) for epoch in late_epochs(now, self._period)])
        users = await self._pseudonyms(tenant, account_id, Domain.USER)
        await self._suppressions.add_users(tenant, users)
        await self._beamer_users.forget(tenant, users)
        return await self._begin(tenant, Subject.ACCOUNT, digest, Names(users=users), by)

    async def of_tenant(self, tenant: str, by: str) -> Erasure:
        """Begin; consent is withdrawn from everybody, so nothing more is sent."""
        await self._consents.replace(tenant, Choices(), by, self._clock)
        view = await self._tenants.tenant(tenant)
        instance = None if view is None else view.tenant.jira_instance
        names = Names(
            instances=await self._pseudonyms(tenant, instance, Domain.INSTANCE) if instance else (),
            tenants=await self._pseudonyms(tenant, tenant, Domain.TENANT),
            beamer_users=await self._beamer_users.of(tenant),
        )
        return await self._begin(tenant, Subject.TENANT, Subject.TENANT.value, names, by)

    async def one(self, tenant: str, erasure_id: str) -> Erasure:
        """Return one; raise ``NotFound``."""
        found = await self._erasures.one(tenant, erasure_id)
        if found is None:
            raise NotFound("There is no such erasure.")
        return found

    async def newest(self, tenant: str, most: int) -> Sequence[Erasure]:
        """Return the newest, newest first."""
        return await self._erasures.newest(tenant, most)

    async def _pseudonyms(self, tenant: str, value: str, domain: Domain) -> list[str]:
        found = [
            await self._ring.pseudonym_of(tenant, epoch, value, domain)
            for epoch in await self._ring.epochs(tenant)
        ]
        return [pseudonym for pseudonym in found if pseudonym is not None]

    async def _begin(
        self, tenant: str, subject: Subject, digest: str, names: Names, by: str
    ) -> Erasure:
        going_on = await self._erasures.open_of(tenant, digest)
        if going_on is not None:
            return going_on
        now = self._clock.now()
        parts = parts_of(subject, names, now + self._settle)
        erasure = Erasure(tenant, self._ids.uuid7(), subject, digest, parts, now, by)
        await self._erasures.add(erasure)
        return erasure


class Shredder(Protocol):
    """See ``usecases.keys.Shredding``."""

    async def all_of(self, tenant: str, by: str) -> int:
        """Destroy all keys of a tenant."""
        ...


@dataclass(frozen=True, slots=True)
class Times:
    """How often a processor is asked how far it is, and when nobody waits for it any longer."""

    poll: timedelta
    deadline: timedelta


class Erasing:
    """The background job. ``backoff`` gives seconds after so many failures in a row."""

    def __init__(
        self,
        *,
        erasures: Erasures,
        processors: Mapping[ProcessorName, Deleting],
        shredder: Shredder,
        suppressions: SuppressionList,
        beamer_users: BeamerUsers,
        lease: Leadership,
        times: Times,
        backoff: Callable[[int], float],
        clock: Clock,
    ) -> None:
        self._erasures = erasures
        self._processors = processors
        self._shredder = shredder
        self._suppressions = suppressions
        self._beamer_users = beamer_users
        self._lease = lease
        self._times = times
        self._backoff = backoff
        self._clock = clock

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            while True:
                try:
                    if await self._lease.hold():
                        await self.once()
                except (OstroError, MongoError) as error:
                    log.warning("erasures do not move", cause=type(error).__name__)
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            with contextlib.suppress(MongoError):
                await self._lease.release()

    async def once(self) -> None:
        """Do what is due."""
        for erasure in await self._erasures.due(self._clock.now()):
            parts = list(erasure.parts)
            for index, part in enumerate(parts):
                if part.state.final or part.next_at > self._clock.now():
                    continue
                if not await self._lease.hold():
                    return
                parts[index] = await self._step(erasure, part)
                await self._erasures.settle(erasure, index, parts[index])
            await self._close(erasure, parts)

    async def _close(self, erasure: Erasure, parts: Sequence[Part]) -> None:
        going_on = [part.next_at for part in parts if not part.state.final]
        if going_on:
            await self._erasures.reschedule(erasure, min(going_on))
            return
        destroyed = None
        # without the keys nobody could ask once more for what failed
        failed = any(part.state is State.FAILED for part in parts)
        if erasure.subject is Subject.TENANT and not failed:
            destroyed = await self._shredder.all_of(erasure.tenant, BY_ERASURE)
            await self._suppressions.forget(erasure.tenant)
            await self._beamer_users.forget(erasure.tenant)
        await self._erasures.end(erasure, self._clock.now(), destroyed)
        for name, state in replace(erasure, parts=parts).states.items():
            log.info("erasure ended", processor=name.value, state=state.value)

    async def _step(self, erasure: Erasure, part: Part) -> Part:
        now = self._clock.now()
        if now >= erasure.requested_at + self._times.deadline:
            days = self._times.deadline.days
            return replace(part, state=State.FAILED, reason=f"not within {days} days")
        processor = self._processors[part.processor]
        try:
            if part.reference is None:
                answer = await processor.request(part.ids)
            else:
                answer = await processor.status(part.reference)
        except NotNow as no:
            log.warning("erasure waits", processor=part.processor.value, cause=no.cause)
            wait = self._backoff(part.attempts + 1) if no.wait is None else no.wait
            later = now + timedelta(seconds=wait)
            return replace(part, attempts=part.attempts + 1, next_at=later, reason=no.cause)
        return replace(
            part,
            state=answer.state,
            reference=answer.reference or part.reference,
            reason=answer.reason,
            attempts=0,
            next_at=now + self._times.poll,
        )
