"""Product events of pages inside Jira: proved by a context token, limited, then like any other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from contracts.envelope import Event
from contracts.topics import USAGE
from contracts.usage import ProductEvent, UsageEventName
from kit.clock import Clock
from kit.errors import Forbidden
from kit.ids import Ids, stable_uuid
from services.telemetry.domain.pseudonyms import Domain, pseudonym
from services.telemetry.usecases.anonymizing import Tenants
from services.telemetry.usecases.keys import Keys

SOURCE = "ostro/browser"
_NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class BrowserCaller:
    """Who sends: somebody, or a visitor who is not logged in."""

    tenant: str
    account_id: str | None


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that a page reports. ``key`` is the page's own id of it, for repeats."""

    name: UsageEventName
    url_path: str | None = None
    app_version: str | None = None
    key: str | None = None


class Allowance(Protocol):
    """How many requests a browser, and all browsers of a tenant, may make in a minute."""

    async def take(self, tenant: str, browser: str) -> None:
        """Count a request; raise ``TooManyRequests``."""
        ...


class Intake(Protocol):
    """Where product events go."""

    async def publish(self, events: Sequence[Event[ProductEvent]]) -> None:
        """Return when the broker has all of them; raise ``Unavailable``."""
        ...


class BrowserEvents:
    """Takes what pages report."""

    def __init__(
        self,
        tenants: Tenants,
        keys: Keys,
        allowance: Allowance,
        intake: Intake,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._tenants = tenants
        self._keys = keys
        self._allowance = allowance
        self._intake = intake
        self._clock = clock
        self._ids = ids

    async def admit(self, caller: BrowserCaller) -> None:
        """Let a request pass, before its body is read; raise ``Forbidden``, ``TooManyRequests``."""
        view = await self._tenants.tenant(caller.tenant)
        if view is None or not view.active:
            raise Forbidden("The app is not active on this site.")
        await self._allowance.take(caller.tenant, await self._browser(caller))

    async def take(self, caller: BrowserCaller, seen: Sequence[Seen], agent: str | None) -> None:
        """Publish; a repeat with the same key is the same event to every processor."""
        await self._intake.publish([self._event(caller, one, agent) for one in seen])

    async def _browser(self, caller: BrowserCaller) -> str:
        # counters are stored: not under the account's own id
        if caller.account_id is None:
            return _NOBODY
        epoch = self._keys.epoch(self._clock.now())
        key = await self._keys.key(caller.tenant, epoch)
        return _NOBODY if key is None else pseudonym(key, Domain.USER, caller.account_id)

    def _event(self, caller: BrowserCaller, seen: Seen, agent: str | None) -> Event[ProductEvent]:
        ident = (
            self._ids.uuid7()
            if seen.key is None
            else stable_uuid(caller.tenant, SOURCE, caller.account_id or _NOBODY, seen.key)
        )
        return Event[ProductEvent](
            id=ident,
            source=SOURCE,
            type=USAGE.type,
            subject=caller.tenant,
            time=self._clock.now(),
            tenantid=caller.tenant,
            data=ProductEvent(
                name=seen.name.value,
                account_id=caller.account_id,
                url_path=seen.url_path,
                user_agent=agent,
                app_version=seen.app_version,
            ),
        )
