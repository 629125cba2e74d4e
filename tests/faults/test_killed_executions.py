"""executions killed with -9 between the steps of the first walk.

Every accepted result exists exactly once, nothing of an unaccepted upload is visible.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.harness.installation import Installation
from tests.harness.operator import Operator, operator
from tests.harness.polling import eventually
from tests.harness.system import client, service
from tests.integration.executions.uploading import every, junit, send, uploaded

RESULTS = 1_200
"""Three chunks."""

_MONGO = "services.executions.adapters.mongo"
_UPLOADS = f"{_MONGO}.uploads:UploadRepository"
_OWNER = "services.executions.adapters.testcases:TestCasesOwner"
_CHUNKS = "services.executions.adapters.chunks:ChunkPublisher"
_WRITER = f"{_MONGO}.testexecutions:ExecutionWriter"
_LEDGER = f"{_MONGO}.ledger:Ledger"

BEFORE_ACCEPTANCE = [
    f"{_UPLOADS}.begin:after",
    f"{_OWNER}.ensure:after",
    f"{_UPLOADS}.describe:before",
    f"{_UPLOADS}.describe:after",
    f"{_MONGO}.testcycles:TestCycleRepository.insert:after",
    f"{_CHUNKS}.send:after",
    f"{_UPLOADS}.seal:after",
    f"{_WRITER}.insert:before",
    f"{_WRITER}.insert:after",
    f"{_LEDGER}.add:after",
    f"{_UPLOADS}.accept:before",
]
IN_DOUBT = [f"{_UPLOADS}.accept:after", f"{_OWNER}.accepted:after"]
"""The upload is accepted, the client's 200 is lost with the process: all of it or nothing."""


@pytest.fixture(scope="module")
async def world(installation: Installation) -> AsyncIterator[Operator]:
    """Run everything but executions."""
    async with (
        operator(installation) as found,
        service(installation, "tenancy", master_key_file=installation.secret("master")),
        service(installation, "testcases"),
    ):
        yield found


@pytest.fixture
async def http(installation: Installation, world: Operator) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a fresh tenant."""
    tenant = await world.tenant()
    await world.project(tenant)
    async with client(installation, await world.headers(tenant)) as found:
        yield found


@contextlib.asynccontextmanager
async def _doomed(
    installation: Installation, point: str, role: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    # the dead process's partitions go to the next one soon
    own = installation.environment("executions", kafka_session_seconds="2")
    environment = {**os.environ, **own}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.killed", point, role, env=environment
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _until_ready(installation: Installation) -> None:
    url = f"http://127.0.0.1:{installation.internal_ports['executions']}/health/ready"

    async def ready() -> bool:
        async with httpx.AsyncClient(trust_env=False) as probe:
            with contextlib.suppress(httpx.HTTPError):
                return (await probe.get(url)).status_code == 200
        return False

    await eventually(ready, seconds=30)


async def _killed_upload(installation: Installation, http: httpx.AsyncClient, point: str) -> None:
    async with _doomed(installation, point, "all") as process:
        await _until_ready(installation)
        with contextlib.suppress(httpx.HTTPError):
            answer = await send(http, junit(RESULTS))
            assert answer.status_code != 200
        assert await asyncio.wait_for(process.wait(), 30) == -signal.SIGKILL


@pytest.mark.parametrize("point", BEFORE_ACCEPTANCE)
@pytest.mark.timeout(120)
async def test_nothing_of_an_unaccepted_upload_shows(
    installation: Installation, http: httpx.AsyncClient, point: str
) -> None:
    await _killed_upload(installation, http, point)
    async with service(installation, "executions"):
        assert await every(http, "/testcycles") == []
        assert await every(http, "/testexecutions", projectKey="DEMO") == []
        assert await every(http, "/testcases", projectKey="DEMO") == []
        # the client tries again
        cycle = await uploaded(http, junit(RESULTS))
        found = await every(http, "/testexecutions", projectKey="DEMO", maxResults=1000)
        assert len({e["testCase"]["self"] for e in found}) == len(found) == RESULTS
        assert {e["testCycle"]["id"] for e in found} == {cycle["id"]}
        assert len(await every(http, "/testcases", projectKey="DEMO", maxResults=1000)) == RESULTS
        assert [c["id"] for c in await every(http, "/testcycles")] == [cycle["id"]]


@pytest.mark.parametrize("point", IN_DOUBT)
@pytest.mark.timeout(120)
async def test_an_upload_whose_answer_was_lost_is_there_whole(
    installation: Installation, http: httpx.AsyncClient, point: str
) -> None:
    await _killed_upload(installation, http, point)

    async def cases() -> int:
        page = await http.get("/testcases", params={"projectKey": "DEMO", "maxResults": 1})
        return int(page.json()["total"])

    async with service(installation, "executions"):
        found = await every(http, "/testexecutions", projectKey="DEMO", maxResults=1000)
        assert len(found) == RESULTS
        # testcases hears of it by the event at the latest
        assert await eventually(cases, lambda n: n == RESULTS) == RESULTS


@pytest.mark.parametrize(
    "point", [f"{_WRITER}.insert:before", f"{_WRITER}.insert:after", f"{_LEDGER}.add:after"]
)
@pytest.mark.timeout(120)
async def test_accepted_results_survive_the_consumer(
    installation: Installation, http: httpx.AsyncClient, point: str
) -> None:
    async with _doomed(installation, point, "consumer") as process:
        await _until_ready(installation)
        taken = service(
            installation, "executions", role="api", upload_wait_seconds=0, internal_port=0
        )
        async with taken:
            answer = await send(http, junit(RESULTS))
            assert answer.status_code == 200
            assert answer.headers["Ostro-Upload-State"] == "storing"
            assert await asyncio.wait_for(process.wait(), 30) == -signal.SIGKILL
    key = answer.json()["testCycle"]["key"]

    async def stored() -> int:
        page = await http.get("/testexecutions", params={"testCycle": key, "maxResults": 1})
        return int(page.json()["total"])

    async with service(installation, "executions"):
        assert await eventually(stored, lambda n: n >= RESULTS) == RESULTS
        found = await every(http, "/testexecutions", testCycle=key, maxResults=1000)
        assert len({e["id"] for e in found}) == len(found) == RESULTS
