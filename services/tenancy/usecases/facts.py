"""What Jira says of itself and of our licence there: read, compared, stored when it changed.

Polled, because there is no licence webhook. Source: facts.md 7. No source gives a licence tier
(``hostLicenseType``, ``capabilitySet``), so the tier stays unknown. A licence that is gone is
unknown again.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import structlog

from contracts.tenancy import TenantStatus
from kit.clock import Clock
from kit.errors import Forbidden, NotFound
from services.tenancy.domain.facts import Reading
from services.tenancy.domain.tenants import JiraFacts, Tenant
from services.tenancy.usecases.jira import ConnectSecret, JiraSite, Sites
from services.tenancy.usecases.ports import TenantStore
from services.tenancy.usecases.retry import until_stored

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Licence:
    """The app's licence on a site; the people behind it are never taken in."""

    type: str | None = None
    active: bool | None = None
    evaluation: bool | None = None
    entitlement: str | None = None
    """Support entitlement number."""


class JiraAbout(Protocol):
    """What a site says of itself. Each raises what ``usecases.jira`` says."""

    async def licence(self, site: JiraSite) -> Licence | None:
        """Return the app's licence there; None for an app that is free or not licensed."""
        ...

    async def version(self, site: JiraSite) -> str | None:
        """Return Jira's version."""
        ...

    async def cloud_id(self, site: JiraSite) -> str | None:
        """Return the cloud id that the site has, by its own word over TLS."""
        ...


class FactStore(Protocol):
    """What the polling needs of tenants."""

    async def readings(self, now: datetime, without: Collection[str]) -> Sequence[Reading]:
        """Return what may be due of active tenants with Jira, without some; the oldest first."""
        ...

    async def store(self, tenant: Tenant) -> None:
        """Store changed facts and cloud id, and publish; raise ``ChangedMeanwhile``."""
        ...

    async def touch(self, tenant: Tenant) -> None:
        """Note that the facts were read and are the same; nothing is published."""
        ...


class Facts:
    """Reads and keeps the facts of tenants."""

    def __init__(
        self, tenants: TenantStore, store: FactStore, sites: Sites, jira: JiraAbout, clock: Clock
    ) -> None:
        self._tenants = tenants
        self._store = store
        self._sites = sites
        self._jira = jira
        self._clock = clock

    async def known(self, tenant: str) -> Tenant:
        """Return a tenant with the facts as last read; raise ``NotFound`` without Jira."""
        found = await self._tenants.get(tenant)
        if found is None or not found.has_jira:
            raise NotFound("The tenant has no Jira site.")
        return found

    async def refresh(self, tenant: str) -> Tenant:
        """Read now; return the tenant as it is then. Raises what a question to Jira may raise."""
        site = await self._sites.get(tenant)
        facts, cloud_id = await self._read(site)
        return await until_stored(lambda: self._keep(site, facts, cloud_id))

    async def _keep(self, site: JiraSite, facts: JiraFacts, cloud_id: str | None) -> Tenant:
        known = await self.known(site.tenant)
        now_at = await self._sites.of(known)
        if known.status is not TenantStatus.ACTIVE or (
            now_at is not None and now_at.base_url != site.base_url
        ):
            # an install came in between: what was read is another site's
            return known
        same = replace(known.facts, read_at=facts.read_at) == facts
        if same and cloud_id in {None, known.cloud_id}:
            await self._store.touch(replace(known, facts=facts))
            return replace(known, facts=facts)
        changed = replace(known, facts=facts, cloud_id=cloud_id or known.cloud_id)
        await self._store.store(changed)
        log.info("facts of a Jira site changed", tenant=known.id)
        return changed

    async def _read(self, site: JiraSite) -> tuple[JiraFacts, str | None]:
        try:
            licence = await self._jira.licence(site) or Licence()
        except Forbidden:
            licence = Licence()
        try:
            version = await self._jira.version(site)
        except Forbidden:
            version = None
        # with Forge it stands in the address, and whoever stored that has it
        connect = isinstance(site.credential, ConnectSecret)
        cloud_id = await self._jira.cloud_id(site) if connect else None
        facts = JiraFacts(
            licence_type=licence.type,
            licence_active=licence.active,
            licence_evaluation=licence.evaluation,
            support_entitlement=licence.entitlement,
            version=version,
            read_at=self._clock.now(),
        )
        return facts, cloud_id
