"""Tenants: our own id, and what Jira calls them by. A tenant has up to two lives of the app."""

from dataclasses import dataclass, replace
from datetime import datetime

from contracts.tenancy import TenantState, TenantStatus
from services.tenancy.domain.connect_life import Install, InstallSecret
from services.tenancy.domain.forge_life import ForgeInstall, SystemToken

__all__ = [
    "ForgeInstall",
    "Install",
    "InstallSecret",
    "JiraFacts",
    "SystemToken",
    "Tenant",
]


@dataclass(frozen=True)
class JiraFacts:
    """What Jira says about the site and our licence there. Unknown is None, never a constant."""

    licence_tier: str | None = None
    licence_type: str | None = None
    licence_active: bool | None = None
    licence_evaluation: bool | None = None
    support_entitlement: str | None = None
    version: str | None = None
    read_at: datetime | None = None
    """When Jira was last asked with success; None before, and again after a Forge install."""


@dataclass(frozen=True)
class Tenant:
    """One tenant, with or without Jira. ``rev`` counts stored changes, from 1.

    The client key, the cloud id and the installation id are aliases: each may change, the tenant
    stays.
    """

    id: str
    status: TenantStatus
    """May it be served; follows from its lives, the operator's word without Jira."""
    cell: str
    created_at: datetime
    name: str | None = None
    """Given by the operator of a tenant without Jira."""
    site_url: str | None = None
    install: Install | None = None
    """The Connect life of the app."""
    forge: ForgeInstall | None = None
    """The Forge life; with the bridge a site has both."""
    cloud_id: str | None = None
    """Jira's instance id; stored once a signed call or Forge proved it, never from a hint."""
    facts: JiraFacts = JiraFacts()
    orphaned_at: datetime | None = None
    """When another client key came to its site (the import of another site's backup).

    To the others it is uninstalled then; its data stays.
    """
    rev: int = 0

    @property
    def has_jira(self) -> bool:
        """Whether the tenant came from a Jira site."""
        return self.install is not None or self.forge is not None

    @property
    def bridged(self) -> bool:
        """Whether both lives are those of one app: Connect named Forge's installation."""
        return (
            self.install is not None
            and self.forge is not None
            and self.install.installation_id == self.forge.installation_id
        )

    def settled(self) -> "Tenant":
        """Return the tenant with the status that its lives lead to."""
        if not self.has_jira:
            return self
        return replace(self, status=self._status())

    def _status(self) -> TenantStatus:
        connect, forge = self.install, self.forge
        if self.orphaned_at is not None or self._bridged_app_is_gone():
            return TenantStatus.UNINSTALLED
        # once an app is on Forge, Jira says "enabled" no more
        if forge is not None and not forge.removed:
            return TenantStatus.ACTIVE
        if connect is None or connect.removed:
            return TenantStatus.UNINSTALLED
        return TenantStatus.DISABLED if connect.disabled else TenantStatus.ACTIVE

    def _bridged_app_is_gone(self) -> bool:
        """Whether the newest word on a bridged app is that it was uninstalled.

        Both lives are told of the uninstall, and either notification may get lost.
        """
        connect, forge = self.install, self.forge
        if connect is None or forge is None or not self.bridged:
            return False
        newest = max(connect.life.iat, forge.life.iat)
        return any(life.removed and life.life.iat == newest for life in (connect, forge))

    def state(self) -> TenantState:
        """Return what the other services may know."""
        return TenantState(
            tenant=self.id,
            status=self.status,
            cell=self.cell,
            site_url=self.site_url,
            licence_tier=self.facts.licence_tier,
            licence_type=self.facts.licence_type,
            support_entitlement=self.facts.support_entitlement or self._entitlement,
            jira_instance=self.cloud_id,
            jira_version=self.facts.version,
        )

    @property
    def _entitlement(self) -> str | None:
        return self.install.entitlement if self.install is not None else None
