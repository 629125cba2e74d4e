"""executions killed with -9 amid a delete, an archive or a restore: the next one goes on.

What is on its way shows nowhere meanwhile, and nothing is left half done.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from contracts.routes import EXECUTIONS
from kit.mongo import Database, connect
from tests.faults.belongings import OSTRO
from tests.faults.conftest import Site
from tests.harness.installation import Installation
from tests.harness.polling import eventually
from tests.harness.processes import process
from tests.harness.system import service
from tests.integration.executions.uploading import every, junit, uploaded

pytestmark = [pytest.mark.long, pytest.mark.timeout(180)]

RESULTS = 1_200
"""Three batches."""
_REMAINS = "services.executions.adapters.mongo.remains:RemainsRows"
_SHELVES = "services.executions.adapters.mongo.shelving:Shelving"
_PAST = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
async def database(installation: Installation) -> AsyncIterator[Database]:
    """That of executions."""
    name = installation.database(EXECUTIONS)
    async with connect(installation.backends.mongodb, name) as found:
        yield found


async def hurry(database: Database, tenant: str) -> None:
    """Let the time come for all that is left to do."""
    ages = {"due_at": _PAST, "begun_at": _PAST}
    await database["jobs"].update_many({"tenant": tenant}, {"$set": ages})


async def settled(database: Database, tenant: str) -> None:
    """Wait until nothing is left to do."""

    async def done() -> bool:
        await hurry(database, tenant)
        return bool(await database["jobs"].count_documents({"tenant": tenant}) == 0)

    await eventually(done, seconds=40)


async def killed(
    installation: Installation, point: str, site: Site, database: Database, *asked: tuple[str, str]
) -> str:
    """Upload to a process and have it do things to the cycle, until it dies at the point."""
    command = ("-m", "tests.faults.killed", point, "all")
    async with process(installation, EXECUTIONS, command=command) as dying:
        cycle = str((await uploaded(site.http, junit(RESULTS)))["key"])

        async def ask() -> None:
            for method, more in asked:
                url = f"{OSTRO}/ostro/v1/executions/testcycles/{cycle}{more}"
                done = await site.http.request(method, url)
                assert done.status_code == 200, done.text
                await settled(database, site.tenant)

        with contextlib.suppress(httpx.HTTPError, AssertionError, TimeoutError):
            await asyncio.wait_for(ask(), 60)
        assert await dying.ended() == -signal.SIGKILL
    return cycle


async def stored(database: Database, tenant: str) -> dict[str, int]:
    """Count what is stored of a tenant, on any shelf."""
    names = {"tenant": {"$regex": f"^{tenant}"}}
    return {n: await database[n].count_documents(names) for n in ("test_cycles", "test_executions")}


@pytest.mark.parametrize(
    "point", [f"{_SHELVES}.put:after", f"{_REMAINS}._erased:after", f"{_REMAINS}.show:before"]
)
async def test_a_delete_goes_on(
    installation: Installation, site: Site, database: Database, point: str
) -> None:
    cycle = await killed(installation, point, site, database, ("DELETE", "?force=true"))
    async with service(installation, EXECUTIONS):
        again = f"{OSTRO}/ostro/v1/executions/testcycles/{cycle}?force=true"
        assert (await site.http.delete(again)).status_code == 404
        assert await every(site.http, "/testexecutions") == []
        await settled(database, site.tenant)
        assert await stored(database, site.tenant) == {"test_cycles": 0, "test_executions": 0}
        assert await every(site.http, "/testcycles") == []


@pytest.mark.parametrize(
    "point",
    [f"{_REMAINS}.put_aside:after", f"{_REMAINS}.bring_back:after"],
)
async def test_an_archive_and_a_restore_go_on(
    installation: Installation, site: Site, database: Database, point: str
) -> None:
    asked = ("POST", "/archive"), ("POST", "/restore")
    cycle = await killed(installation, point, site, database, *asked)
    async with service(installation, EXECUTIONS):
        # all or nothing: a restore may have gone on by now
        may_show = {0} if point.endswith("put_aside:after") else {0, RESULTS}
        assert len(await every(site.http, "/testexecutions")) in may_show
        await settled(database, site.tenant)
        if point.endswith("put_aside:after"):
            url = f"{OSTRO}/ostro/v1/executions/testcycles/{cycle}/restore"
            assert (await site.http.post(url)).status_code == 200
            await settled(database, site.tenant)
        found: list[Any] = await every(site.http, "/testexecutions", testCycle=cycle)
        assert len({e["id"] for e in found}) == len(found) == RESULTS


async def test_the_runs_of_a_case_go_on(
    installation: Installation, site: Site, database: Database
) -> None:
    command = ("-m", "tests.faults.killed", f"{_REMAINS}.remove_runs:after", "all")
    async with process(installation, EXECUTIONS, command=command) as dying:
        await uploaded(site.http, junit(1))
        (case,) = await every(site.http, "/testcases")
        url = f"{OSTRO}/ostro/v1/testcases/testcases/{case['key']}?force=true"
        assert (await site.http.delete(url)).status_code == 200
        assert await dying.ended() == -signal.SIGKILL
    async with service(installation, EXECUTIONS):
        await settled(database, site.tenant)
        assert (await stored(database, site.tenant))["test_executions"] == 0
        # the tombstone once more finds nothing left to do
        await database["jobs"].insert_one(
            {
                "_id": f"{site.tenant}/case/{case['id']}",
                "tenant": site.tenant,
                "kind": "case",
                "entity": case["id"],
                "action": "removed",
                "data": {},
                "rev": 1,
                "begun_at": _PAST,
                "due_at": _PAST,
            }
        )
        await settled(database, site.tenant)
