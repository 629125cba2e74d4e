"""Publishes what is decided of flags: of everybody, and of each tenant that differs from it.

One process at a time does it, by lease. What stands in the topic is compared with what is decided
now, so a crash, a second leader or a lost record is made good by the next look.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import structlog

from contracts.flags import EVERYBODY
from kit.errors import OstroError
from kit.flags import Flags, Values, accepted
from kit.mongo import MongoError
from services.telemetry.domain.flags import ANONYMOUS, Subject
from services.telemetry.metrics import FLAG_STATES
from services.telemetry.usecases.leadership import Leadership

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
_READ_BACK_SECONDS = 10.0


class FlagSource(Protocol):
    """Who decides."""

    @property
    def generation(self) -> int | None:
        """Number of the decisions' present version, None while nothing is known."""
        ...

    async def look(self) -> None:
        """See whether anything changed, where nobody tells."""
        ...

    def decide(self, subjects: Sequence[Subject]) -> Sequence[Mapping[str, object]]:
        """Return for each what is decided, by flag; blocking, called in a thread."""
        ...


class FlagSubjects(Protocol):
    """The tenants that may be told apart."""

    async def consenting(self) -> Mapping[str, Subject]:
        """Return the active tenants that consent to LaunchDarkly, at most ten seconds old."""
        ...


class FlagOutlet(Protocol):
    """Where states go."""

    async def publish(self, states: Mapping[str, Values | None]) -> None:
        """Return when the broker has them; None says that a tenant has none of its own."""
        ...


class FlagPublishing:
    """``published`` is what this process reads from the topic; ``nudged`` saves it the wait for the
    next look: decisions may have changed.
    """

    def __init__(
        self,
        source: FlagSource,
        subjects: FlagSubjects,
        outlet: FlagOutlet,
        published: Flags,
        lease: Leadership,
        nudged: asyncio.Event,
    ) -> None:
        self._source = source
        self._subjects = subjects
        self._outlet = outlet
        self._published = published
        self._lease = lease
        self._nudged = nudged
        self._generation: int | None = None
        self._decided: dict[Subject, Values] = {}

    async def run(self) -> None:
        """Keep the topic at what is decided, until cancelled."""
        await self._published.known()
        try:
            while True:
                self._nudged.clear()
                try:
                    await self._source.look()
                    if await self._lease.hold():
                        await self.once()
                except (OstroError, MongoError, TimeoutError) as error:
                    log.warning("flags are not being published", cause=type(error).__name__)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._nudged.wait()
        finally:
            with contextlib.suppress(MongoError):
                await self._lease.release()

    async def once(self) -> None:
        """Publish what differs; nothing while the source knows nothing: what stands there holds."""
        generation = self._source.generation
        if generation is None:
            return
        subjects = await self._subjects.consenting()
        await self._decide(generation, {ANONYMOUS, *subjects.values()})
        everybodys = self._decided[ANONYMOUS]
        wanted = {EVERYBODY: everybodys}
        for tenant, subject in subjects.items():
            if (values := self._decided[subject]) != everybodys:
                wanted[tenant] = values
        changes = _changes(self._published.states, wanted)
        if changes:
            await self._outlet.publish(changes)
            FLAG_STATES.inc(len(changes))
            # read back, so that the next look does not publish it again
            async with asyncio.timeout(_READ_BACK_SECONDS):
                await self._published.until(_shows(wanted))

    async def _decide(self, generation: int, subjects: set[Subject]) -> None:
        if generation != self._generation:
            self._decided, self._generation = {}, generation
        new = [subject for subject in subjects if subject not in self._decided]
        if new:
            found = await asyncio.to_thread(self._source.decide, new)
            self._decided |= dict(zip(new, map(accepted, found), strict=True))


def _changes(
    published: Mapping[str, Values], wanted: Mapping[str, Values]
) -> dict[str, Values | None]:
    changes: dict[str, Values | None] = {
        key: values for key, values in wanted.items() if published.get(key) != values
    }
    if EVERYBODY not in published and not wanted[EVERYBODY]:
        del changes[EVERYBODY]  # the defaults hold anyway
    return changes | {key: None for key in published if key not in wanted}


def _shows(wanted: Mapping[str, Values]) -> Callable[[Mapping[str, Values]], bool]:
    return lambda states: not _changes(states, wanted)
