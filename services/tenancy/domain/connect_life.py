"""The Connect life of the app on a site: secrets, and what the four lifecycle calls mean.

Each question (which secret, installed or gone, enabled or disabled) has its own stamp, so calls
that come late or twice lead to the same state as in their order.
"""

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from services.tenancy.domain.deliveries import NOTHING, Delivery, Stamp
from services.tenancy.domain.secret import Place, Sealed

PREVIOUS_SECRET_LIFE = timedelta(minutes=5)
"""Jira may have calls in flight when it rotates a secret. Source: facts.md 2.4."""


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
class Extras:
    """What a payload may leave out, and then it stays as it was (a rename's leaves much out)."""

    entitlement: str | None = None
    """Support entitlement number of a paid licence."""
    entitlement_id: str | None = None
    installation_id: str | None = None
    """Forge's installation of the same app (the bridge)."""


@dataclass(frozen=True)
class ExtrasAt:
    """``iat`` of the call that each of the extras came with."""

    entitlement: int = 0
    entitlement_id: int = 0
    installation_id: int = 0


NEVER = ExtrasAt()


@dataclass(frozen=True)
class Install:
    """What the signed install gave us. The client key is looked up by its keyed hash."""

    client_key_hash: str
    client_key: Sealed
    current: InstallSecret
    previous: InstallSecret | None = None
    entitlement: str | None = None
    """Support entitlement number of a paid licence."""
    entitlement_id: str | None = None
    installation_id: str | None = None
    """Forge's installation of the same app, as a signed payload named it (the bridge)."""
    extras_at: ExtrasAt = NEVER
    installed: Stamp = NOTHING
    """The newest ``installed``: secret, address and what else the payload has are its."""
    life: Stamp = NOTHING
    """The newest ``installed`` or ``uninstalled``."""
    switch: Stamp = NOTHING
    """The newest ``installed``, ``enabled`` or ``disabled``."""
    removed: bool = False
    disabled: bool = False

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

    def rotated(self, fresh: InstallSecret, now: datetime) -> "Install":
        """Put a new secret in; the one it replaces stays good for five minutes."""
        previous = replace(self.current, until=now + PREVIOUS_SECRET_LIFE)
        return replace(self, current=fresh, previous=previous)

    def with_extras(self, extras: Extras, iat: int) -> "Install":
        """Take each of the extras that is there, unless a newer call had it."""
        told = {
            name: value
            for name, value in asdict(extras).items()
            if value is not None and iat >= getattr(self.extras_at, name)
        }
        return replace(self, **told, extras_at=replace(self.extras_at, **dict.fromkeys(told, iat)))

    def installed_again(self, delivery: Delivery, now: datetime) -> "Install":
        """Act on an ``installed`` that is not outdated: it ends removal and disabling before it."""
        found = replace(self, installed=self.installed.after(delivery))
        if not self.life.outdates(delivery, now):
            found = replace(found, life=self.life.after(delivery), removed=False)
        if not self.switch.outdates(delivery, now):
            found = replace(found, switch=self.switch.after(delivery), disabled=False)
        return found

    def uninstalled(self, delivery: Delivery, now: datetime) -> "Install":
        """Act on ``uninstalled``; the same install again when the call is outdated."""
        if self.life.outdates(delivery, now):
            return self
        return replace(self, life=self.life.after(delivery), removed=True)

    def switched(self, delivery: Delivery, now: datetime, *, disabled: bool) -> "Install":
        """Act on ``enabled`` or ``disabled``; the same install again when it is outdated."""
        if self.switch.outdates(delivery, now):
            return self
        return replace(self, switch=self.switch.after(delivery), disabled=disabled)
