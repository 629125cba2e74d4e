"""Keeping each site's webhooks: registered for the projects in use, refreshed, compared, swept.

One process at a time does it, for every tenant, so that the rows have one writer.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from kit.clock import Clock
from kit.errors import InvalidInput, OstroError, Unavailable
from services.tenancy.domain.site_webhooks import LIFE, SiteWebhook, SiteWebhooks, plan
from services.tenancy.metrics import FAILED_DELIVERIES
from services.tenancy.usecases.jira import JiraSite, Sites
from services.tenancy.usecases.together import together
from services.tenancy.usecases.webhooks import JiraChanges

log = structlog.get_logger(__name__)

_AT_ONCE, _PER_ROUND = 4, 40
_WHOLE = timedelta(hours=1)
_OVERLAP = timedelta(minutes=2)
"""Clocks differ, and a change is stored a while after its time was taken."""
_PAGES = 50
_PAGE, _LARGEST_PAGE = 20, 320


@dataclass(frozen=True)
class FailedDelivery:
    """A delivery that Jira gave up. ``failed_at`` in milliseconds since 1970."""

    identifier: str
    body: str | None
    failed_at: int


@dataclass(frozen=True)
class FailedPage:
    """Deliveries by the time they failed; ``full``: there may be more of the last moment."""

    deliveries: Sequence[FailedDelivery]
    full: bool


class JiraWebhooks(Protocol):
    """Dynamic webhooks of the app on a site. All raise what ``usecases.jira`` says."""

    async def listed(self, site: JiraSite) -> Sequence[SiteWebhook]:
        """Return all; ``projects`` is empty for one that we would not make."""
        ...

    async def register(self, site: JiraSite, projects: Sequence[int]) -> int | None:
        """Register for issues of these projects; None when Jira does not take the filter."""
        ...

    async def remove(self, site: JiraSite, webhooks: Sequence[int]) -> None:
        """Remove; unknown ids do no harm."""
        ...

    async def refresh(self, site: JiraSite, webhooks: Sequence[int]) -> datetime:
        """Let them live for 30 days more; return until when."""
        ...

    async def failed(self, site: JiraSite, after: int, size: int) -> FailedPage:
        """Return a page of what failed after a time, the oldest first."""
        ...


@dataclass(frozen=True)
class Installed:
    """A tenant with the app on its site, and the ``iat`` of the last install."""

    tenant: str
    install: int


Tenants = Collection[str] | None
"""Which of them; None means all."""


class WebhookStore(Protocol):
    """Rows, and what they are made from."""

    async def due(self, now: datetime) -> Collection[str]:
        """Return the tenants whose row says that it is time to look at it."""
        ...

    async def changed(self, since: datetime) -> Collection[str]:
        """Return the tenants of which anything was changed since, installs among it."""
        ...

    async def installed(self, tenants: Tenants) -> Sequence[Installed]:
        """Return the active ones with a Connect install."""
        ...

    async def in_use(self, tenants: Tenants) -> Mapping[str, Collection[int]]:
        """Return the Jira ids of each tenant's projects that show."""
        ...

    async def rows(self, tenants: Tenants) -> Mapping[str, SiteWebhooks]:
        """Return the rows by tenant."""
        ...

    async def save(self, row: SiteWebhooks) -> None:
        """Store a row."""
        ...

    async def remove(self, tenant: str) -> None:
        """Forget a tenant's row."""
        ...


class WebhookKeeper:
    """One round over all sites."""

    def __init__(
        self,
        store: WebhookStore,
        sites: Sites,
        jira: JiraWebhooks,
        changes: JiraChanges,
        clock: Clock,
    ) -> None:
        self._store = store
        self._sites = sites
        self._jira = jira
        self._changes = changes
        self._clock = clock
        self._whole_at: datetime | None = None
        self._looked_at: datetime | None = None
        # what one round had no room for
        self._left: set[str] = set()

    async def round(self, still_ours: Callable[[], Awaitable[bool]]) -> None:
        """See to every site that needs it; stops when the turn is another process's."""
        now = self._clock.now()
        which = await self._to_look_at(now)
        installed = {one.tenant: one for one in await self._store.installed(which)}
        in_use, rows = await self._store.in_use(which), await self._store.rows(which)
        for tenant in rows.keys() - installed.keys():
            # Jira forgot them with the uninstall
            await self._store.remove(tenant)
        due: list[_Due] = []
        for one in installed.values():
            row = rows.get(one.tenant) or SiteWebhooks(one.tenant, one.install)
            if row.install != one.install:
                row = replace(row, install=one.install, checked_at=None, retry_at=None)
            wanted = in_use.get(one.tenant, ())
            if not row.rests(now) and (urgent := _needs(row, wanted, now)) is not None:
                due.append(_Due(row, wanted, urgent))
        due.sort(key=lambda one: not one.urgent)
        self._looked_at, self._left = now, {one.row.tenant for one in due}
        if which is None:
            self._whole_at = now
        for at in range(0, min(len(due), _PER_ROUND), _AT_ONCE):
            if not await still_ours():
                return
            some = due[at : at + _AT_ONCE]
            await together(self._keep, some, _AT_ONCE)
            self._left.difference_update(one.row.tenant for one in some)

    async def _to_look_at(self, now: datetime) -> Tenants:
        """Return what may need something; everything at first and then every hour."""
        if self._whole_at is None or self._looked_at is None or now - self._whole_at >= _WHOLE:
            return None
        changed = await self._store.changed(self._looked_at - _OVERLAP)
        return {*changed, *await self._store.due(now), *self._left}

    async def _keep(self, one: "_Due") -> None:
        row, wanted = one.row, one.wanted
        step = _Step(self._store, row)
        try:
            site = await self._sites.get(row.tenant)
            await self._registered(site, step, wanted)
            if step.row.to_sweep(self._clock.now()):
                await self._swept(site, step)
        except OstroError as error:
            failed = step.row
            log.info("webhooks of a site later", tenant=row.tenant, cause=type(error).__name__)
            await step.put(
                failures=failed.failures + 1,
                retry_at=self._clock.now() + failed.pause(),
                checked_at=None,  # it may have done what it did not answer
            )
        else:
            if step.row.failures:
                await step.put(failures=0, retry_at=None)

    async def _registered(self, site: JiraSite, step: "_Step", wanted: Collection[int]) -> None:
        now = self._clock.now()
        if step.row.to_check(now):
            there = tuple(await self._jira.listed(site))
            await step.put(webhooks=there, refused=(), checked_at=now)
        todo = plan(step.row, wanted)
        for projects in todo.create:
            await self._register(site, step, projects)
        if todo.remove:
            await self._jira.remove(site, todo.remove)
            left = tuple(w for w in step.row.webhooks if w.id not in todo.remove)
            await step.put(webhooks=left)
        if step.row.to_refresh(now):
            until = await self._jira.refresh(site, [w.id for w in step.row.webhooks])
            longer = tuple(replace(w, expires_at=until) for w in step.row.webhooks)
            await step.put(webhooks=longer)

    async def _register(self, site: JiraSite, step: "_Step", projects: tuple[int, ...]) -> None:
        made = await self._jira.register(site, projects)
        if made is not None:
            fresh = SiteWebhook(made, projects, self._clock.now() + LIFE)
            await step.put(webhooks=(*step.row.webhooks, fresh))
        elif len(projects) == 1:
            log.warning("Jira takes no webhook for a project", tenant=site.tenant)
            await step.put(refused=(*step.row.refused, *projects))
        else:
            # one project that Jira does not know spoils the filter for all
            middle = len(projects) // 2
            await self._register(site, step, projects[:middle])
            await self._register(site, step, projects[middle:])

    async def _swept(self, site: JiraSite, step: "_Step") -> None:
        try:
            await self._sweep(site, step)
        except OstroError as error:
            # Jira keeps them for 72 hours, and what is registered does not wait for them
            log.warning("no sweep", tenant=site.tenant, cause=type(error).__name__)
            await step.put(swept_at=self._clock.now())

    async def _sweep(self, site: JiraSite, step: "_Step") -> None:
        began, size = self._clock.now(), _PAGE
        for _ in range(_PAGES):
            after = step.row.failed_after
            page = await self._page(site, after, size)
            for delivery in page.deliveries:
                await self._again(site.tenant, delivery)
            if not page.deliveries:
                break
            last = page.deliveries[-1].failed_at
            if last - 1 > after:
                # others of the same millisecond may follow
                await step.put(failed_after=last - 1)
                size = _PAGE
            elif page.full and size < _LARGEST_PAGE:
                size *= 2
            else:
                if page.full:
                    log.warning("failed deliveries of one moment left out", tenant=site.tenant)
                await step.put(failed_after=last)
                size = _PAGE
        await step.put(swept_at=began)

    async def _page(self, site: JiraSite, after: int, size: int) -> FailedPage:
        try:
            return await self._jira.failed(site, after, size)
        except Unavailable:
            # it may have been too long an answer
            return await self._jira.failed(site, after, 1)

    async def _again(self, tenant: str, delivery: FailedDelivery) -> None:
        FAILED_DELIVERIES.inc()
        if delivery.body is None:
            return
        try:
            await self._changes.take(tenant, delivery.identifier, delivery.body.encode())
        except InvalidInput:
            log.warning("a failed delivery cannot be read", tenant=tenant)


class _Step:
    """The row as it is now; each change of it is stored, so that a crash loses one at most."""

    def __init__(self, store: WebhookStore, row: SiteWebhooks) -> None:
        self._store = store
        self.row = row

    async def put(self, **changes: object) -> None:
        self.row = replace(self.row, **changes)  # type: ignore[arg-type]  # fields of the row
        await self._store.save(self.row)


@dataclass(frozen=True)
class _Due:
    """A site with something to do; ``urgent``: changes are not heard of until then."""

    row: SiteWebhooks
    wanted: Collection[int]
    urgent: bool


def _needs(row: SiteWebhooks, wanted: Collection[int], now: datetime) -> bool | None:
    """Return whether it is urgent, None when there is nothing to do."""
    todo = plan(row, wanted)
    if todo.create or todo.remove:
        return True
    return False if row.to_check(now) or row.to_sweep(now) or row.to_refresh(now) else None
