"""The Forge life of the app on a site: no shared secret, and a token that Forge lends us."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.tenancy.domain.deliveries import NOTHING, Delivery, Stamp
from services.tenancy.domain.secret import Place, Sealed

SYSTEM_TOKEN_LIFE = timedelta(minutes=55)
"""At least so long, where the token does not say it itself. Source: facts.md 10.2."""
AFTERGLOW_SECONDS = 300
"""A call says that the app is installed, but one in flight may outlive the uninstall so long."""


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
    """What Forge's invocation tokens say of an installation. Source: facts.md 10."""

    installation_id: str
    """Its last part, without ``ari:cloud:ecosystem::installation/``; may change silently."""
    environment_id: str
    api_base_url: str
    """``https://api.atlassian.com/ex/jira/<cloudId>``."""
    token: SystemToken | None = None
    last_iat: int = 0
    """``iat`` of the newest call: ids, address and system token are its."""
    life: Stamp = NOTHING
    """The newest word on whether the app is installed."""
    removed: bool = False

    def called(self, delivery: Delivery, now: datetime, *, lifecycle: bool) -> "ForgeInstall":
        """Take a call as a sign of life: a lifecycle event as it is, any other as an older one."""
        if not lifecycle:
            # a call in flight may be younger than the uninstall that it outlives
            delivery = replace(delivery, issued_at=delivery.issued_at - AFTERGLOW_SECONDS)
        if self.life.outdates(delivery, now):
            return self
        return replace(self, life=self.life.after(delivery), removed=False)

    def uninstalled(self, delivery: Delivery, now: datetime) -> "ForgeInstall":
        """Act on an uninstall; the same installation again when the call is outdated."""
        if self.life.outdates(delivery, now):
            return self
        return replace(self, life=self.life.after(delivery), removed=True)
