"""Tenants: their life, their Jira install, the order of what Jira tells us."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from contracts.tenancy import TenantState, TenantStatus
from services.tenancy.domain.secret import Place, Sealed

PREVIOUS_SECRET_LIFE = timedelta(minutes=5)
"""Jira may have calls in flight when it rotates a secret. Source: facts.md 2.4."""
SAME_MOMENT = timedelta(seconds=5)
_SEEN_CALLS = 32


@dataclass(frozen=True)
class InstallSecret:
    """A shared secret of an install. ``until`` None: the current one."""

    version: int
    sealed: Sealed
    until: datetime | None = None

    def place(self, tenant: str) -> Place:
        """Return what the secret is bound to."""
        return self.place_of(tenant, self.version)

    @staticmethod
    def place_of(tenant: str, version: int) -> Place:
        """Return what the secret of a version is bound to."""
        return Place(tenant, "shared-secret", tenant, version)


@dataclass(frozen=True)
class Delivery:
    """One lifecycle call whose token was verified. Digests are of its token and of its body."""

    issued_at: int
    """``iat`` of its token, in seconds."""
    token: str
    body: str

    @property
    def mark(self) -> str:
        """Return what tells this call from others."""
        return f"{self.token}.{self.body}"


@dataclass(frozen=True)
class Install:
    """What the signed install gave us. The client key is looked up by its keyed hash."""

    client_key_hash: str
    client_key: Sealed
    current: InstallSecret
    previous: InstallSecret | None = None
    entitlement: str | None = None
    """Support entitlement number of a paid licence."""
    last_iat: int = 0
    seen: tuple[str, ...] = ()
    """Marks of the calls with ``last_iat`` that were acted on."""

    @staticmethod
    def client_key_place(tenant: str) -> Place:
        """Return what the sealed client key is bound to."""
        return Place(tenant, "client-key", tenant, 1)

    def secrets(self, now: datetime) -> tuple[InstallSecret, ...]:
        """Return the secrets that Jira may sign with: the current one, then a young previous."""
        previous = self.previous
        if previous is None or previous.until is None or previous.until <= now:
            return (self.current,)
        return self.current, previous

    def outdated(self, delivery: Delivery, now: datetime) -> bool:
        """Whether something newer was acted on, or this very call was.

        Jira's tokens of one second are alike, so a used token may come again with another body
        (two installs in a row), but in the same moment only: later it is a replay.
        """
        if delivery.issued_at != self.last_iat:
            return delivery.issued_at < self.last_iat
        if delivery.mark in self.seen:
            return True
        late = now.timestamp() > delivery.issued_at + SAME_MOMENT.total_seconds()
        return late and any(mark.startswith(f"{delivery.token}.") for mark in self.seen)

    def after(self, delivery: Delivery) -> "Install":
        """Remember that a delivery was acted on."""
        seen = self.seen if delivery.issued_at == self.last_iat else ()
        return replace(
            self,
            last_iat=delivery.issued_at,
            seen=(*seen, delivery.mark)[-_SEEN_CALLS:],
        )

    def rotated(self, fresh: InstallSecret, now: datetime) -> "Install":
        """Put a new secret in; the one it replaces stays good for five minutes."""
        previous = replace(self.current, until=now + PREVIOUS_SECRET_LIFE)
        return replace(self, current=fresh, previous=previous)


@dataclass(frozen=True)
class SystemToken:
    """The token with which a Forge app calls Jira for itself. It cannot be minted from outside."""

    version: int
    sealed: Sealed
    until: datetime

    def place(self, tenant: str) -> Place:
        """Return what the token is bound to."""
        return self.place_of(tenant, self.version)

    @staticmethod
    def place_of(tenant: str, version: int) -> Place:
        """Return what the token of a version is bound to."""
        return Place(tenant, "forge-system-token", tenant, version)


@dataclass(frozen=True)
class ForgeInstall:
    """The Forge life of the app on a site; there is no shared secret. Source: facts.md 10."""

    installation_id: str
    """Its last part, without ``ari:cloud:ecosystem::installation/``; may change silently."""
    environment_id: str
    api_base_url: str
    """``https://api.atlassian.com/ex/jira/<cloudId>``."""
    token: SystemToken | None = None
    last_iat: int = 0


@dataclass(frozen=True)
class JiraFacts:
    """What Jira says about the site and our licence there. Unknown is None, never a constant."""

    licence_tier: str | None = None
    licence_type: str | None = None
    support_entitlement: str | None = None
    version: str | None = None
    read_at: datetime | None = None
    """When Jira was last asked with success."""


@dataclass(frozen=True)
class Tenant:
    """One tenant, with or without Jira. ``rev`` counts stored changes, from 1."""

    id: str
    status: TenantStatus
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
    """Jira's instance id, an alias of the tenant like the client key and the installation id."""
    facts: JiraFacts = JiraFacts()
    orphaned_at: datetime | None = None
    """When another client key came to its site (the import of another site's backup).

    To the others it is uninstalled then; its data stays.
    """
    rev: int = 0

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
