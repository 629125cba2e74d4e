"""How old a membership may be, and where a newer one comes from.

A membership counts for 10 minutes. Then tenancy is asked, which asks Jira. While that fails, the
last known counts until it is 15 minutes old (the 10 and the 5 of an outage); after that reads go
on with it and writes are denied. Source: issue B, point 5; architecture rule 6.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from contracts.permissions import Membership
from kit.clock import Clock
from kit.directory.permissions import roles_known
from kit.errors import OstroError, Unavailable

FRESH = timedelta(minutes=10)
TRUSTED = FRESH + timedelta(minutes=5)

_CACHED_SECONDS = 0.9
_FAILED_SECONDS = 5.0
"""So long nobody asks again after a failure; it is the Retry-After of a 503, too."""
_CACHED_ACCOUNTS = 50_000

Stored = Callable[[str, str], Awaitable[Membership | None]]
"""(tenant, account) to the copy's membership."""
Ask = Callable[[str, str, int | None], Awaitable[Membership]]
"""(tenant, account, project whose roles must be among it) to tenancy's answer."""
_Question = tuple[str, str, int | None]


@dataclass(frozen=True)
class Standing:
    """A membership, and whether it is young enough to decide about writes."""

    membership: Membership
    trusted: bool


class Memberships:
    """The memberships of one process: read at most a second ago, asked for once at a time."""

    def __init__(self, stored: Stored, ask: Ask, clock: Clock) -> None:
        self._stored = stored
        self._ask = ask
        self._clock = clock
        self._known: OrderedDict[tuple[str, str], tuple[float, Membership]] = OrderedDict()
        self._failed: OrderedDict[_Question, float] = OrderedDict()
        self._looking: dict[_Question, asyncio.Task[Membership]] = {}

    async def of(self, tenant: str, account: str, roles_in: int | None = None) -> Standing:
        """Return what is known of a user, with the roles in a project where that is asked for.

        Raises ``Unavailable`` when nothing is known and tenancy cannot say.
        """
        read_at, known = self._known.get((tenant, account), (0.0, None))
        young = asyncio.get_running_loop().time() - read_at < _CACHED_SECONDS
        if known is not None and young and self._will_do(known, roles_in):
            return self._standing(known)
        question = (tenant, account, roles_in)
        if question not in self._looking:
            # a burst of one user looks once; a task of its own outlives a cancelled request
            self._looking[question] = asyncio.create_task(self._look(question))
        return self._standing(await asyncio.shield(self._looking[question]))

    async def _look(self, question: _Question) -> Membership:
        tenant, account, roles_in = question
        try:
            cached = self._known.get((tenant, account))
            found = _newer(
                await self._stored(tenant, account), cached[1] if cached is not None else None
            )
            if found is None or not self._will_do(found, roles_in):
                found = _newer(await self._asked(question), found)
            if found is None:
                raise Unavailable(
                    "Your permissions cannot be looked up at present; try again.",
                    retry_after=int(_FAILED_SECONDS),
                )
            self._remember(tenant, account, found)
            return found
        finally:
            del self._looking[question]

    async def _asked(self, question: _Question) -> Membership | None:
        """Ask the owner, unless it just failed; None when it cannot say."""
        now = asyncio.get_running_loop().time()
        if now - self._failed.get(question, float("-inf")) < _FAILED_SECONDS:
            return None
        try:
            found = await self._ask(*question)
        except OstroError:
            found = None
        if found is None or not self._will_do(found, question[2]):
            self._failed[question] = asyncio.get_running_loop().time()
            self._failed.move_to_end(question)
            while len(self._failed) > _CACHED_ACCOUNTS:
                self._failed.popitem(last=False)
        return found

    def _will_do(self, found: Membership, roles_in: int | None) -> bool:
        fresh = self._clock.now() - found.resolved_at <= FRESH
        return fresh and (roles_in is None or roles_known(found, roles_in))

    def _standing(self, found: Membership) -> Standing:
        return Standing(found, trusted=self._clock.now() - found.resolved_at <= TRUSTED)

    def _remember(self, tenant: str, account: str, found: Membership) -> None:
        self._known[tenant, account] = (asyncio.get_running_loop().time(), found)
        self._known.move_to_end((tenant, account))
        while len(self._known) > _CACHED_ACCOUNTS:
            self._known.popitem(last=False)


def _newer(one: Membership | None, other: Membership | None) -> Membership | None:
    if one is None or other is None:
        return one or other
    return one if one.resolved_at >= other.resolved_at else other
