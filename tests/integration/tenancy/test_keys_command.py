"""``admin keys status`` and ``rewrap``, step by step as deploy/README.md says."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kit.mongo import Database, connect
from services.tenancy.adapters.sealing.key_ring import KeyRing
from services.tenancy.adapters.sealing.local_keys import LocalKeys, master_key
from tests.harness.backends import Backends
from tests.harness.installation import Installation
from tests.harness.kms import CREDENTIALS, kms_server
from tests.harness.namespace import prepared
from tests.integration.tenancy.operator import Console, console
from tests.integration.tenancy.sealed_house import PER_TENANT, House

pytestmark = pytest.mark.long

TENANTS = 3
ALL = TENANTS * PER_TENANT + 3


@pytest.fixture
async def installation(servers: Backends, tmp_path: Path) -> AsyncIterator[Installation]:
    """One of this test alone."""
    async with prepared(servers, tmp_path) as found:
        yield found


@pytest.fixture
async def database(installation: Installation) -> AsyncIterator[Database]:
    async with connect(installation.backends.mongodb, installation.database("tenancy")) as found:
        yield found


@pytest.fixture
async def operator(installation: Installation) -> AsyncIterator[Console]:
    async with console(installation, CREDENTIALS) as found:
        yield found


def provider(path: Path) -> LocalKeys:
    return LocalKeys(master_key(path.read_text()))


async def test_from_one_master_key_to_the_next(
    installation: Installation, database: Database, operator: Console
) -> None:
    old, new = installation.secret("master"), installation.secret("next")
    before, after, house = provider(old), provider(new), House(database)
    await house.fill(before, TENANTS)

    # the new key only unwraps at first, so that every process knows it before it is used
    announced = {"previous_master_key_files": str(new)}
    status = await operator.run("keys", "status", **announced)
    assert status.code == 0, status.err
    assert status.rows == [
        [before.key_id, "own_keys", "1", "wraps"],
        [before.key_id, "signing_keys", "2", "wraps"],
        [before.key_id, "tenants", str(TENANTS * PER_TENANT), "wraps"],
        # known, so that it can be seen before anything stands under it
        [after.key_id, "-", "0", "unwraps", "only"],
    ]
    nothing = await operator.run("keys", "rewrap", **announced)
    assert (nothing.code, nothing.rows[0][:2]) == (0, ["tenants", "0"])

    # then it wraps
    changed = {"master_key_file": str(new), "previous_master_key_files": str(old)}
    dry = await operator.run("keys", "rewrap", "--dry-run", **changed)
    assert dry.code == 0, dry.err
    assert {row[0]: int(row[1]) for row in dry.rows} == {
        "tenants": TENANTS * PER_TENANT,
        "signing_keys": 2,
        "own_keys": 1,
    }
    assert await house.under() == {before.key_id: ALL}
    done = await operator.run("keys", "rewrap", **changed)
    assert done.code == 0, done.err
    assert f"{ALL - 3}/{ALL - 3}" in done.err  # the bar of the tenants
    assert await house.under() == {after.key_id: ALL}

    # then the old one may go
    status = await operator.run("keys", "status", master_key_file=str(new))
    assert (status.code, {row[3] for row in status.rows}) == (0, {"wraps"})
    assert {row[0] for row in status.rows} == {after.key_id}
    assert await house.opens(after)
    gone = await operator.run("keys", "status")
    assert gone.code == 1
    assert "OSTRO_MASTER_KEY_FILE does not hold the key" in gone.err


async def test_to_kms_by_settings_alone(
    installation: Installation, database: Database, operator: Console, tmp_path: Path
) -> None:
    before, house = provider(installation.secret("master")), House(database)
    await house.fill(before, TENANTS)
    with kms_server(tmp_path) as kms:
        arn = kms.new_key()
        settings = {"key_provider": "kms", "kms_key_id": arn, "kms_endpoint": kms.endpoint}
        done = await operator.run("keys", "rewrap", **settings)
        assert done.code == 0, done.err
        assert await house.under() == {f"kms:{arn}": ALL}
        status = await operator.run("keys", "status", **settings, master_key_file="")
        assert status.code == 0, status.err
        kms.freeze()
        down = await operator.run("keys", "rewrap", **settings)
        kms.thaw()
        assert down.code == 1
        assert down.err.endswith("The key service is not available; try again.\n")
        # and back
        back = await operator.run("keys", "rewrap", **settings | {"key_provider": "local"})
        assert back.code == 0, back.err
    assert await house.under() == {before.key_id: ALL}


async def test_what_does_not_open_is_named_by_its_id(
    installation: Installation, database: Database, operator: Console
) -> None:
    old, new = installation.secret("master"), installation.secret("next")
    house = House(database)
    await house.fill(provider(old), TENANTS)
    broken, strange = house.tenants_made[:2]
    content = b"canary-of-a-broken-ciphertext"
    rows = database["tenants"]
    await rows.update_one({"_id": broken}, {"$set": {"install.current.sealed.ciphertext": content}})
    await rows.update_one({"_id": strange}, {"$set": {"forge.token.sealed.key_id": "local:gone"}})
    changed = {"master_key_file": str(new), "previous_master_key_files": str(old)}
    for arguments in (("--dry-run",), (), ()):
        result = await operator.run("keys", "rewrap", *arguments, **changed)
        assert result.code == 1
        assert f"tenants {broken} install.current.sealed: the secret was changed" in result.err
        assert f"tenants {strange} forge.token.sealed: sealed with a key that is" in result.err
        assert content.decode() not in result.err + result.out
        assert "Traceback" not in result.err
    status = await operator.run("keys", "status", **changed)
    assert status.code == 1
    assert ["local:gone", "tenants", "1", "is", "not", "configured"] in status.rows
    ring = KeyRing(provider(new), [provider(old)])
    assert (await house.under())[ring.key_id] == ALL - 2
