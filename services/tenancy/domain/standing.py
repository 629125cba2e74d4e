"""How a tenant stands, in words for the operator: its lives, and why it is not served."""

from datetime import UTC, datetime

from contracts.tenancy import TenantStatus
from services.tenancy.domain.tenants import Tenant


def moment(iat: int) -> datetime | None:
    """Return when the call with this ``iat`` was made, None for no call."""
    return datetime.fromtimestamp(iat, UTC) if iat else None


def lives(tenant: Tenant) -> str | None:
    """Return which lives the app has on the site, None without Jira."""
    found = []
    connect, forge = tenant.install, tenant.forge
    if connect is not None:
        gone = "uninstalled" if connect.removed else "disabled" if connect.disabled else None
        found.append(_named("Connect", gone))
    if forge is not None:
        found.append(_named("Forge", "uninstalled" if forge.removed else None))
    bridge = ", one app (the bridge)" if tenant.bridged else ""
    return " and ".join(found) + bridge if found else None


def why_not_active(tenant: Tenant) -> tuple[str, datetime | None] | None:
    """Return why the tenant is not served and since when, if known; None while it is."""
    if tenant.status is TenantStatus.ACTIVE:
        return None
    if not tenant.has_jira:
        return "given up: an operator gave its install to another tenant (adopt)", None
    if tenant.orphaned_at is not None:
        return "superseded: another client key is at its site (an import?)", tenant.orphaned_at
    connect, forge = tenant.install, tenant.forge
    if tenant.status is TenantStatus.DISABLED and connect is not None:
        return "disabled in Jira", moment(connect.switch.iat)
    ends = [life.life.iat for life in (connect, forge) if life is not None and life.removed]
    return "uninstalled in Jira", moment(max(ends, default=0))


def _named(life: str, state: str | None) -> str:
    return life if state is None else f"{life} ({state})"
