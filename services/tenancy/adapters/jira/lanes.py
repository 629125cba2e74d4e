"""How many calls may be under way, per site and in all, and when a dead site is left alone."""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from kit.errors import Unavailable
from services.tenancy.adapters.jira.retries import Pace

PER_SITE = 16
IN_ALL = 64
OPEN_SECONDS = 2
_WAIT_SECONDS = 2.0
_FAILURES = 8
_REMEMBERED = 10_000


@dataclass
class _Site:
    free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PER_SITE))
    users: int = 0


@dataclass
class _Health:
    failures: int = 0
    closed_until: float = 0.0


class Lanes:
    """A site that is slow or down takes its own lanes only, and after some failures none.

    After ``OPEN_SECONDS`` one call is let through at a time until one succeeds.
    """

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._all = asyncio.Semaphore(IN_ALL)
        self._sites: dict[str, _Site] = {}
        self._health: OrderedDict[str, _Health] = OrderedDict()

    @contextlib.asynccontextmanager
    async def lane(self, tenant: str) -> AsyncIterator[None]:
        """Hold a lane for one call; raise ``Unavailable`` when there is none to be had."""
        self._admit(tenant)
        site = self._sites.setdefault(tenant, _Site())
        site.users += 1
        try:
            async with contextlib.AsyncExitStack() as held:
                try:
                    async with asyncio.timeout(_WAIT_SECONDS):
                        # its own first: who waits for a site holds nothing of the others
                        await held.enter_async_context(site.free)
                        await held.enter_async_context(self._all)
                except TimeoutError:
                    raise Unavailable(
                        "Too many calls to Jira are under way; try again.", retry_after=1
                    ) from None
                yield
        finally:
            site.users -= 1
            if not site.users:
                self._sites.pop(tenant, None)

    def worked(self, tenant: str) -> None:
        """The site answered."""
        self._health.pop(tenant, None)

    def failed(self, tenant: str) -> None:
        """The site did not answer, or said that it is down."""
        health = self._health.setdefault(tenant, _Health())
        self._health.move_to_end(tenant)
        health.failures += 1
        if health.failures >= _FAILURES:
            health.closed_until = self._pace.seconds() + OPEN_SECONDS
        while len(self._health) > _REMEMBERED:
            self._health.popitem(last=False)

    def _admit(self, tenant: str) -> None:
        health = self._health.get(tenant)
        if health is None or health.failures < _FAILURES:
            return
        now = self._pace.seconds()
        if now < health.closed_until:
            raise Unavailable(
                "The Jira site did not answer lately; try again.", retry_after=OPEN_SECONDS
            )
        # this one call finds out; the others wait for what it finds
        health.closed_until = now + OPEN_SECONDS
