"""What an operator is told of a tenant's lives, and of why it is not served."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from contracts.tenancy import TenantStatus
from services.tenancy.domain.connect_life import Install, InstallSecret
from services.tenancy.domain.deliveries import Stamp
from services.tenancy.domain.forge_life import ForgeInstall
from services.tenancy.domain.secret import Sealed
from services.tenancy.domain.standing import lives, why_not_active
from services.tenancy.domain.tenants import Tenant

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
IAT = int(NOW.timestamp())
SEALED = Sealed("local:k", b"w", b"n", b"c")
CONNECT = Install("hash", SEALED, InstallSecret(1, SEALED), life=Stamp(IAT), switch=Stamp(IAT))
FORGE = ForgeInstall("i-1", "e-1", "https://api.atlassian.com/ex/jira/c")
PLAIN = Tenant("t", TenantStatus.ACTIVE, "local", created_at=NOW)


@pytest.mark.parametrize(
    ("tenant", "shown", "why"),
    [
        (PLAIN, None, None),
        (replace(PLAIN, install=CONNECT), "Connect", None),
        (replace(PLAIN, forge=FORGE), "Forge", None),
        (replace(PLAIN, install=CONNECT, forge=FORGE), "Connect and Forge", None),
        (
            replace(PLAIN, install=replace(CONNECT, installation_id="i-1"), forge=FORGE),
            "Connect and Forge, one app (the bridge)",
            None,
        ),
        (
            replace(PLAIN, install=replace(CONNECT, removed=True), forge=FORGE),
            "Connect (uninstalled) and Forge",
            None,
        ),
        (
            replace(PLAIN, install=replace(CONNECT, removed=True)),
            "Connect (uninstalled)",
            ("uninstalled", NOW),
        ),
        (
            replace(PLAIN, install=replace(CONNECT, disabled=True)),
            "Connect (disabled)",
            ("disabled", NOW),
        ),
        (replace(PLAIN, install=CONNECT, orphaned_at=NOW), "Connect", ("superseded", NOW)),
        (replace(PLAIN, status=TenantStatus.UNINSTALLED), None, ("given up", None)),
    ],
)
def test_how_a_tenant_stands(
    tenant: Tenant, shown: str | None, why: tuple[str, datetime | None] | None
) -> None:
    settled = tenant.settled()
    assert lives(settled) == shown
    found = why_not_active(settled)
    assert (found is None) == (settled.status is TenantStatus.ACTIVE)
    if why is None:
        assert found is None
    else:
        assert found is not None
        assert (found[0].partition(" in ")[0].partition(":")[0], found[1]) == why
