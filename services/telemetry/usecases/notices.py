"""Notices of Beamer for pages in Jira, and whom Beamer knows: pseudonyms and coarse facts only.

Consent is read right before each request that concerns somebody. Whatever Beamer answers, or does
not, pages get what is known: notices are no reason for an error.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import orjson
import structlog

from contracts.telemetry import ProcessorName
from contracts.tenancy import TenantState
from kit.clock import Clock
from services.telemetry.domain import buckets
from services.telemetry.domain.erasure import digest_of
from services.telemetry.domain.pseudonyms import Domain, pseudonym
from services.telemetry.metrics import BEAMER_REQUESTS
from services.telemetry.usecases.anonymizing import Tenants
from services.telemetry.usecases.browser_events import BrowserCaller
from services.telemetry.usecases.consent import Consents
from services.telemetry.usecases.keys import Keys
from services.telemetry.usecases.suppression import Suppressions

log = structlog.get_logger(__name__)

FRESH_SECONDS = 300.0
_QUIET_SECONDS = 60.0
_CACHED_USERS = 10_000
_EXPECTED = frozenset({"quiet", "no consent", "inactive tenant", "rate"})


class NoAnswer(Exception):
    """Beamer was not asked, or did not say what it should; holds no ids."""


@dataclass(frozen=True, slots=True)
class Post:
    """One notice, in the vendor's first language of it."""

    id: str
    date: str
    category: str
    title: str
    content: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page gets. ``unread`` is None where nobody may be asked about, or nothing is known."""

    posts: Sequence[Post] = ()
    unread: int | None = None


class Beamer(Protocol):
    """The vendor; each method is one request and raises ``NoAnswer``."""

    async def upsert(self, user: str, attributes: Mapping[str, str]) -> None:
        """Make a user known, or change what is known."""
        ...

    async def posts(self) -> Sequence[Post]:
        """Return the newest notices; says nothing of anybody."""
        ...

    async def unread(self, user: str) -> int:
        """Return how many a user has not seen."""
        ...


class KnownUsers(Protocol):
    """Whom Beamer knows, and with what."""

    async def attributes(self, tenant: str, user: str) -> str | None:
        """Return the hash of what was sent, None for a user that was not."""
        ...

    async def note(self, tenant: str, user: str, attributes: str) -> None:
        """Write down what was sent."""
        ...

    async def of(self, tenant: str) -> Sequence[str]:
        """Return the users of a tenant."""
        ...

    async def forget(self, tenant: str, pseudonyms: Collection[str] | None = None) -> None:
        """Forget some users, or all of a tenant."""
        ...


class Notices:
    """What is asked is kept for five minutes, so that pages do not use up the month's quota."""

    def __init__(
        self,
        *,
        beamer: Beamer | None,
        known: KnownUsers,
        tenants: Tenants,
        consents: Consents,
        keys: Keys,
        suppressions: Suppressions,
        suppression_key: bytes,
        clock: Clock,
        now: Callable[[], float],
    ) -> None:
        self._beamer = beamer
        self._known = known
        self._tenants = tenants
        self._consents = consents
        self._keys = keys
        self._suppressions = suppressions
        self._suppression_key = suppression_key
        self._clock = clock
        self._now = now
        self._posts: Sequence[Post] = ()
        self._posts_until = float("-inf")
        self._unread: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._quiet_until = float("-inf")
        self._turn = asyncio.Lock()

    async def of(self, caller: BrowserCaller) -> Shown:
        """Return notices for a caller; nothing without consent, or when the caller was erased."""
        beamer = self._beamer
        if beamer is None or not await self._consented(caller.tenant):
            return Shown()
        if caller.account_id is not None and await self._erased(caller.tenant, caller.account_id):
            return Shown()
        posts = await self._newest(beamer)
        user = await self._user(caller)
        if user is None:
            return Shown(posts)
        try:
            await self._introduce(beamer, caller.tenant, user)
            return Shown(posts, await self._unread_of(beamer, caller.tenant, user))
        except NoAnswer as no:
            self._failed(no)
            return Shown(posts)

    async def _consented(self, tenant: str) -> bool:
        granted = await self._consents.granted([tenant])
        return ProcessorName.BEAMER in granted.get(tenant, frozenset())

    async def _erased(self, tenant: str, account_id: str) -> bool:
        digests = (await self._suppressions.accounts()).get(tenant)
        return digests is not None and (
            digest_of(self._suppression_key, tenant, account_id) in digests
        )

    async def _user(self, caller: BrowserCaller) -> str | None:
        if caller.account_id is None:
            return None
        key = await self._keys.key(caller.tenant, self._keys.epoch(self._clock.now()))
        return None if key is None else pseudonym(key, Domain.USER, caller.account_id)

    async def _newest(self, beamer: Beamer) -> Sequence[Post]:
        async with self._turn:
            if self._now() >= max(self._posts_until, self._quiet_until):
                try:
                    self._posts = await beamer.posts()
                except NoAnswer as no:
                    self._failed(no)
                else:
                    self._posts_until = self._now() + FRESH_SECONDS
                    BEAMER_REQUESTS.labels("answered").inc()
        return self._posts

    async def _introduce(self, beamer: Beamer, tenant: str, user: str) -> None:
        view = await self._tenants.tenant(tenant)
        if view is None or not view.active:
            raise NoAnswer("inactive tenant")
        attributes = attributes_of(view.tenant)
        digest = hashlib.sha256(orjson.dumps(attributes)).hexdigest()[:32]
        if await self._known.attributes(tenant, user) == digest:
            return
        await self._may_ask(tenant)
        await beamer.upsert(user, attributes)
        BEAMER_REQUESTS.labels("answered").inc()
        await self._known.note(tenant, user, digest)

    async def _unread_of(self, beamer: Beamer, tenant: str, user: str) -> int:
        until, number = self._unread.get(user, (float("-inf"), 0))
        if self._now() < until:
            return number
        await self._may_ask(tenant)
        number = await beamer.unread(user)
        BEAMER_REQUESTS.labels("answered").inc()
        self._unread[user] = self._now() + FRESH_SECONDS, number
        self._unread.move_to_end(user)
        while len(self._unread) > _CACHED_USERS:
            self._unread.popitem(last=False)
        return number

    async def _may_ask(self, tenant: str) -> None:
        if self._now() < self._quiet_until:
            raise NoAnswer("quiet")
        if not await self._consented(tenant):
            raise NoAnswer("no consent")

    def _failed(self, no: NoAnswer) -> None:
        cause = str(no)
        BEAMER_REQUESTS.labels(cause).inc()
        if cause not in _EXPECTED:
            log.warning("no answer of Beamer", cause=cause)
            self._quiet_until = self._now() + _QUIET_SECONDS


def attributes_of(tenant: TenantState) -> dict[str, str]:
    """Return what Beamer may tell users apart by: buckets of their site, nothing of themselves."""
    tier, kind, version = tenant.licence_tier, tenant.licence_type, tenant.jira_version
    found = {
        "licenceTier": None if tier is None else buckets.licence_tier(tier),
        "licenceType": None if kind is None else buckets.licence_type(kind),
        "jiraVersion": None if version is None else buckets.jira_version(version),
    }
    return {name: str(value) for name, value in found.items() if value is not None}
