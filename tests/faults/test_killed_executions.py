"""executions killed with -9 between the steps of the first walk.

Every accepted result exists exactly once, nothing of an unaccepted upload is visible.
"""

import contextlib
import signal
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest

from tests.faults.conftest import Site
from tests.harness.installation import Installation, free_port
from tests.harness.polling import eventually
from tests.harness.processes import ServiceProcess, process
from tests.harness.system import service
from tests.integration.executions.uploading import every, junit, send, uploaded

pytestmark = pytest.mark.long

RESULTS = 1_200
"""Three chunks."""

_MONGO = "services.executions.adapters.mongo"
_UPLOADS = f"{_MONGO}.uploads:UploadRepository"
_OWNER = "services.executions.adapters.testcases:TestCasesOwner"
_CHUNKS = "services.executions.adapters.chunks:ChunkPublisher"
_WRITER = f"{_MONGO}.testexecutions:ExecutionWriter"
_LEDGER = f"{_MONGO}.ledger:Ledger"

REPRESENTATIVE = {
    f"{_OWNER}.ensure:after",
    f"{_CHUNKS}.send:after",
    f"{_WRITER}.insert:after",
    f"{_OWNER}.accepted:after",
}
"""One kill per kind of step is for every day, the rest for ``make test-all``."""


def points(*names: str) -> list[Any]:
    """Mark those that are for the long run."""
    return [
        pytest.param(
            name,
            marks=[] if name in REPRESENTATIVE else [pytest.mark.slow],
            id=name.rpartition(".")[0].rpartition(":")[2] + "." + name.rpartition(".")[2],
        )
        for name in names
    ]


BEFORE_ACCEPTANCE = points(
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
)
IN_DOUBT = points(f"{_UPLOADS}.accept:after", f"{_OWNER}.accepted:after")
"""The upload is accepted, the client's 200 is lost with the process: all of it or nothing."""
BEHIND = points(f"{_WRITER}.insert:before", f"{_WRITER}.insert:after", f"{_LEDGER}.add:after")
"""Only the consumer dies, after the client got its 200."""


def doomed(
    installation: Installation, point: str, role: str
) -> AbstractAsyncContextManager[ServiceProcess]:
    """Run executions until it gets to the point; its partitions go to the next one soon."""
    command = ("-m", "tests.faults.killed", point, role)
    return process(installation, "executions", command=command, kafka_session_seconds=1)


async def killed_upload(installation: Installation, http: httpx.AsyncClient, point: str) -> None:
    """Upload to a process that dies on the way."""
    async with doomed(installation, point, "all") as dying:
        with contextlib.suppress(httpx.HTTPError):
            answer = await send(http, junit(RESULTS))
            assert answer.status_code != 200
        assert await dying.ended() == -signal.SIGKILL


@pytest.mark.parametrize("point", BEFORE_ACCEPTANCE)
@pytest.mark.timeout(120)
async def test_nothing_of_an_unaccepted_upload_shows(
    installation: Installation, site: Site, point: str
) -> None:
    http = site.http
    await killed_upload(installation, http, point)
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
    installation: Installation, site: Site, point: str
) -> None:
    http = site.http
    await killed_upload(installation, http, point)

    async def cases() -> int:
        page = await http.get("/testcases", params={"projectKey": "DEMO", "maxResults": 1})
        return int(page.json()["total"])

    async with service(installation, "executions"):
        found = await every(http, "/testexecutions", projectKey="DEMO", maxResults=1000)
        assert len(found) == RESULTS
        # testcases hears of it by the event at the latest
        assert await eventually(cases, lambda n: n == RESULTS) == RESULTS


@pytest.mark.parametrize("point", BEHIND)
@pytest.mark.timeout(120)
async def test_accepted_results_survive_the_consumer(
    installation: Installation, site: Site, point: str
) -> None:
    async with doomed(installation, point, "consumer") as dying:
        taken = service(
            installation, "executions", role="api", upload_wait_seconds=0, internal_port=free_port()
        )
        async with taken:
            answer = await send(site.http, junit(RESULTS))
            assert answer.status_code == 200
            assert answer.headers["Ostro-Upload-State"] == "storing"
            assert await dying.ended() == -signal.SIGKILL
    key = answer.json()["testCycle"]["key"]

    async def stored() -> int:
        page = await site.http.get("/testexecutions", params={"testCycle": key, "maxResults": 1})
        return int(page.json()["total"])

    async with service(installation, "executions"):
        assert await eventually(stored, lambda n: n >= RESULTS) == RESULTS
        found = await every(site.http, "/testexecutions", testCycle=key, maxResults=1000)
        assert len({e["id"] for e in found}) == len(found) == RESULTS
