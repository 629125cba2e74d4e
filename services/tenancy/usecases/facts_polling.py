"""The daily round over all Jira sites, by one process at a time: who left, projects, facts."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from kit.clock import Clock
from kit.errors import OstroError
from services.tenancy.domain.facts import Reading, pause_after
from services.tenancy.usecases.facts import Facts, FactStore
from services.tenancy.usecases.leavers import Leavers
from services.tenancy.usecases.project_changes import ProjectComparison
from services.tenancy.usecases.together import together

log = structlog.get_logger(__name__)

_PER_ROUND = 20
_AT_ONCE = 4
_REMEMBERED = 10_000


class FactsPolling:
    """Reads what is due, a few sites at a time; a site that fails is left alone for a while."""

    def __init__(
        self,
        leavers: Leavers,
        projects: ProjectComparison,
        facts: Facts,
        store: FactStore,
        clock: Clock,
    ) -> None:
        self._leavers = leavers
        self._projects = projects
        self._facts = facts
        self._store = store
        self._clock = clock
        # in memory: after a restart everybody gets a new chance
        self._failed: OrderedDict[str, tuple[int, datetime]] = OrderedDict()

    async def round(self, still_ours: Callable[[], Awaitable[bool]]) -> int:
        """Read at most ``_PER_ROUND`` sites; return how many. Stops when the lease is lost."""
        now = self._clock.now()
        resting = [tenant for tenant, (_, until) in self._failed.items() if now < until]
        due = [r for r in await self._store.readings(now, resting) if r.due(now)]
        done = 0
        for at in range(0, min(len(due), _PER_ROUND), _AT_ONCE):
            if not await still_ours():
                break
            some = due[at : min(at + _AT_ONCE, _PER_ROUND)]
            done += len(await together(self._one, some, _AT_ONCE))
        return done

    async def _one(self, reading: Reading) -> None:
        try:
            # before: what fails comes again, and only the facts say that all of it was done
            await self._leavers.sweep(reading.tenant)
            await self._projects.compare(reading.tenant)
            await self._facts.refresh(reading.tenant)
        except OstroError as error:
            failures = self._failed.get(reading.tenant, (0, self._clock.now()))[0] + 1
            self._failed[reading.tenant] = failures, self._clock.now() + pause_after(failures)
            self._failed.move_to_end(reading.tenant)
            while len(self._failed) > _REMEMBERED:
                self._failed.popitem(last=False)
            log.info("a Jira site was not read", tenant=reading.tenant, cause=type(error).__name__)
        else:
            self._failed.pop(reading.tenant, None)
