"""MongoDB, KMS or Kafka away, or the process killed, while keys and secrets change."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.topics import TENANT_STATE
from kit.errors import Unavailable
from kit.mongo import Database, connect
from services.tenancy.adapters.sealing.key_ring import KeyRing
from services.tenancy.adapters.sealing.kms import KmsKeys
from services.tenancy.adapters.sealing.local_keys import LocalKeys, master_key
from tests.harness.backends import Backends
from tests.harness.installation import Installation
from tests.harness.kms import CREDENTIALS, KmsServer, kms_server
from tests.harness.namespace import prepared
from tests.harness.own_servers import own_kafka
from tests.harness.pipe import pipe_to_mongodb
from tests.harness.polling import eventually
from tests.harness.processes import ROOT
from tests.integration.tenancy.operator import environment
from tests.integration.tenancy.sealed_house import BY, PER_TENANT, House, local, nothing
from tests.integration.tenancy.world import running_world

pytestmark = pytest.mark.long

TENANTS = 30
ALL = TENANTS * PER_TENANT + 3
A, B = local("a"), local("b")


@pytest.fixture(scope="module")
def kms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KmsServer]:
    with kms_server(tmp_path_factory.mktemp("kms")) as found:
        yield found


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def apart(servers: Backends, tmp_path: Path) -> AsyncIterator[Installation]:
    async with prepared(servers, tmp_path) as found:
        yield found


async def resumed(job_of: House, ring: KeyRing) -> None:
    """Start the job again until everything that was away is back."""

    async def attempt() -> bool:
        with contextlib.suppress(Unavailable):
            await job_of.job(ring).run(BY, nothing, dry_run=False)
            return True
        return False

    await eventually(attempt, seconds=30, every=0.2)


@pytest.mark.parametrize("moment", [1, pytest.param(50, marks=pytest.mark.slow)])
async def test_kms_away_during_the_job(database: Database, kms: KmsServer, moment: int) -> None:
    house, keys = House(database), KmsKeys(kms.new_key(), kms.endpoint, deadline_seconds=1)
    await house.fill(A, TENANTS)
    ring, done = KeyRing(keys, [A]), 0

    def freeze(_: str, secrets: int) -> None:
        nonlocal done
        done += secrets
        if done >= moment:
            kms.freeze()

    try:
        with pytest.raises(Unavailable):
            await house.job(ring).run(BY, freeze, dry_run=False)
    finally:
        kms.thaw()
    under = await house.under()
    assert under[A.key_id] > 0
    assert sum(under.values()) == ALL
    await resumed(house, ring)
    assert await house.under() == {keys.key_id: ALL}
    assert await house.opens(keys)
    await keys.close()


@pytest.mark.parametrize("moment", [1, pytest.param(50, marks=pytest.mark.slow)])
async def test_mongodb_away_during_the_job(
    database: Database, servers: Backends, moment: int
) -> None:
    await House(database).fill(A, TENANTS)
    with pipe_to_mongodb(servers.mongodb) as (pipe, uri):
        async with connect(uri, database.name, timeout_ms=500) as through:
            house, ring, done = House(through), KeyRing(B, [A]), 0
            here = House(database)
            here.tenants_made = [t.id for t in await here.tenants.all() if t.install is not None]

            def cut(_: str, secrets: int) -> None:
                nonlocal done
                done += secrets
                if done >= moment:
                    pipe.cut()

            with pytest.raises(Unavailable):
                await house.job(ring).run(BY, cut, dry_run=False)
            under = await here.under()
            assert under[A.key_id] > 0
            assert sum(under.values()) == ALL
            pipe.mend()
            await resumed(house, ring)
    assert await here.under() == {B.key_id: ALL}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", [pytest.param(1, marks=pytest.mark.slow), 25])
async def test_the_command_killed_and_started_again(
    apart: Installation, when: str, number: int
) -> None:
    async with connect(apart.backends.mongodb, apart.database("tenancy")) as database:
        house, old = House(database), apart.secret("master")
        before = LocalKeys(master_key(old.read_text()))
        await house.fill(before, TENANTS)
        new = apart.secret("next-master")
        after = LocalKeys(master_key(new.read_text()))
        settings = environment(apart) | {
            "OSTRO_MASTER_KEY_FILE": str(new),
            "OSTRO_PREVIOUS_MASTER_KEY_FILES": str(old),
        }

        async def run(*arguments: str) -> tuple[int | None, str]:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *arguments,
                cwd=ROOT,
                env=os.environ | settings,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            output, _ = await process.communicate()
            return process.returncode, output.decode()

        code, output = await run("-m", "tests.faults.killed_rewrap", when, str(number))
        assert code == -9, output
        assert await house.opens(KeyRing(after, [before]))
        assert sum((await house.under()).values()) == ALL
        assert before.key_id in await house.under()
        code, output = await run("-m", "services.tenancy", "admin", "keys", "rewrap")
        assert code == 0, output
        assert await house.under() == {after.key_id: ALL}
        assert await house.opens(after)


async def test_each_phase_of_a_rotation_by_jira_without_what_it_needs(
    apart: Installation, servers: Backends, kms: KmsServer
) -> None:
    """Reading the tenant, opening and sealing, storing: 503, nothing changed, then it works."""
    with pipe_to_mongodb(servers.mongodb) as (pipe, uri):
        options: dict[str, Any] = {
            "key_provider": "kms",
            "kms_key_id": kms.new_key(),
            "kms_endpoint": kms.endpoint,
            "mongodb_uri": uri,
        }
        async with running_world(apart, **options) as world:
            site, _ = await world.installed()
            row = await world.tenant_of(site)
            sealed = row["install"]["current"]["sealed"]
            assert sealed["key_id"] == f"kms:{options['kms_key_id']}"
            old = site.secret
            world.clock.advance(seconds=1)
            site.new_secret()

            # MongoDB is away when the tenant is read
            pipe.cut()
            assert (await world.call(site, "installed")).status_code == 503
            pipe.mend()
            await eventually(lambda: world.database.command("ping"), seconds=20)

            # KMS is silent when the new one is to be sealed
            kms.freeze()
            try:
                answer = await world.call(site, "installed")
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
                # MongoDB goes while KMS is waited for, so the tenant cannot be stored
                call = asyncio.create_task(world.call(site, "installed"))
                await asyncio.wait({call}, timeout=0.5)
                assert not call.done()
                pipe.cut()
            finally:
                kms.thaw()
            assert (await call).status_code == 503
            pipe.mend()
            await eventually(lambda: world.database.command("ping"), seconds=20)
            assert await world.tenant_of(site) == row

            # Jira goes on with the secret that we have, then delivers the new one
            token = site.symmetric("enabled", secret=old)
            assert (await world.call(site, "enabled", token)).status_code == 204
            world.clock.advance(seconds=1)
            await eventually(
                lambda: world.call(site, "installed"), lambda a: a.status_code == 204, seconds=30
            )
            assert (await world.call(site, "enabled")).status_code == 204
            world.clock.advance(minutes=6)
            token = site.symmetric("enabled", secret=old)
            assert (await world.call(site, "enabled", token)).status_code == 401


@pytest.mark.slow
async def test_kafka_away_during_a_rotation(servers: Backends, tmp_path: Path) -> None:
    """The secret is there at once; what the others learn of it waits for Kafka."""
    (tmp_path / "kafka").mkdir()
    async with own_kafka(tmp_path / "kafka") as kafka:
        mine = Backends("own", kafka.address, servers.mongodb)
        async with prepared(mine, tmp_path) as installation, running_world(installation) as world:
            site, tenant = await world.installed()
            await eventually(lambda: world.newest(TENANT_STATE), lambda s: tenant in s)
            first = len(await world.records(TENANT_STATE))
            kafka.freeze()
            try:
                world.clock.advance(seconds=1)
                site.new_secret()
                assert (await world.call(site, "installed")).status_code == 204
                assert (await world.call(site, "enabled")).status_code == 204
                waiting = await world.database["tenants"].find_one({"_id": tenant})
                assert waiting is not None
                assert waiting["outbox"]
            finally:
                kafka.thaw()
            await eventually(
                lambda: world.records(TENANT_STATE), lambda r: len(r) > first, seconds=60
            )
