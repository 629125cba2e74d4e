"""Memberships of users that were seen lately are resolved again before they are too old."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog

from kit.clock import Clock
from kit.errors import OstroError
from services.tenancy.usecases.memberships import SEEN, Memberships, MembershipStore

log = structlog.get_logger(__name__)

_AT_ONCE = 8
_BATCH = 64
_DOWN = timedelta(seconds=30)
"""So long a site that does not answer is left alone, so that others do not wait behind it."""


class Refreshing:
    """One process resolves, oldest first; a site that is down holds nobody else up."""

    def __init__(
        self,
        memberships: Memberships,
        store: MembershipStore,
        life: timedelta,
        clock: Clock,
    ) -> None:
        self._memberships = memberships
        self._store = store
        # a tenth of its life is left for a round
        self._due = life * 0.9
        self._clock = clock
        self._down: dict[str, datetime] = {}

    async def rounds(self, still_ours: Callable[[], Awaitable[bool]]) -> None:
        """Refresh until nothing is due or the turn is another process's."""
        while await self.round() and await still_ours():
            pass

    async def round(self) -> int:
        """Resolve the oldest again; return how many were."""
        now = self._clock.now()
        self._down = {t: since for t, since in self._down.items() if now - since < _DOWN}
        due = await self._store.due(now - self._due, now - SEEN, tuple(self._down), _BATCH)
        done = 0
        for start in range(0, len(due), _AT_ONCE):
            done += await self._together(due[start : start + _AT_ONCE])
        return done

    async def _together(self, due: Sequence[tuple[str, str]]) -> int:
        wanted = [(tenant, account) for tenant, account in due if tenant not in self._down]
        answers = await asyncio.gather(
            *(self._memberships.refresh(tenant, account) for tenant, account in wanted),
            return_exceptions=True,
        )
        for (tenant, _), answer in zip(wanted, answers, strict=True):
            if isinstance(answer, OstroError):
                self._down[tenant] = self._clock.now()
                log.info("Jira does not tell memberships", tenant=tenant)
            elif isinstance(answer, BaseException):
                raise answer
        return sum(answer is None for answer in answers)
