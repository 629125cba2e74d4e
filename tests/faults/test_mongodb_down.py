"""MongoDB away: nothing is half done, and what was accepted arrives later."""

import asyncio

import httpx
import pytest

from kit.observability.metrics import RETRIES
from tests.faults.conftest import Site
from tests.harness.installation import Installation, free_port
from tests.harness.pipe import pipe_to_mongodb
from tests.harness.polling import eventually
from tests.harness.system import service
from tests.integration.executions.uploading import every, junit, send, uploaded

pytestmark = pytest.mark.long

RESULTS = 1_200


def retries() -> float:
    """Batches of results that were tried again in this process."""
    samples = (s for metric in RETRIES.collect() for s in metric.samples)
    counted = (s for s in samples if s.name == "ostro_consumer_retries_total")
    return sum(s.value for s in counted if s.labels["group"] == "executions.results")


async def a_retry() -> float:
    """The same, to poll."""
    return retries()


def assert_down(answer: httpx.Response) -> None:
    """The vendor's shape, and when to come back."""
    assert answer.status_code == 503, answer.text
    assert answer.json()["errorCode"] == 503
    assert "database" in answer.json()["message"]
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.timeout(120)
async def test_an_upload_without_mongodb_is_503_and_leaves_nothing(
    installation: Installation, site: Site
) -> None:
    with pipe_to_mongodb(installation.backends.mongodb) as (pipe, uri):
        async with service(installation, "executions", mongodb_uri=uri):
            first = await uploaded(site.http, junit(3))
            pipe.cut()
            paths = ("/testcycles", "/testexecutions", f"/testcycles/{first['id']}")
            answers = await asyncio.gather(
                *(send(site.http, junit(5)) for _ in range(3)),
                *(site.http.get(path) for path in paths),
            )
            for answer in answers:
                assert_down(answer)
            pipe.mend()

            async def readable() -> bool:
                return (await site.http.get("/testcycles")).status_code == 200

            await eventually(readable, seconds=30)
            cycles = await every(site.http, "/testcycles")
            assert [c["id"] for c in cycles] == [first["id"]]
            second = await uploaded(site.http, junit(5))
            assert len(await every(site.http, "/testexecutions")) == 8
            cycles = await every(site.http, "/testcycles")
            assert [c["id"] for c in cycles] == [first["id"], second["id"]]


@pytest.mark.timeout(120)
async def test_an_upload_whose_acceptance_is_answered_to_nobody_is_accepted(
    installation: Installation, site: Site
) -> None:
    """The driver asks again once; when that answer is lost, too, the upload is visible already."""
    with pipe_to_mongodb(installation.backends.mongodb) as (pipe, uri):
        async with service(installation, "executions", mongodb_uri=uri):
            first = await uploaded(site.http, junit(3))
            # of all that is written, only the event of an accepted upload has it
            pipe.lose_answers(b"url_path", 2)
            answer = await send(site.http, junit(5))
            assert pipe.to_lose == 0
            assert answer.status_code == 200, answer.text
            second = answer.json()["testCycle"]
            cycles = await every(site.http, "/testcycles")
            assert [c["id"] for c in cycles] == [first["id"], second["id"]]
            assert len(await every(site.http, "/testexecutions")) == 8


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_what_was_accepted_arrives_when_mongodb_is_back(
    installation: Installation, site: Site
) -> None:
    with pipe_to_mongodb(installation.backends.mongodb) as (pipe, uri):
        # two processes: for the one that stores, MongoDB is gone
        storing = service(
            installation,
            "executions",
            role="consumer",
            mongodb_uri=uri,
            internal_port=free_port(),
        )
        taking = service(installation, "executions", role="api", upload_wait_seconds=0)
        async with storing, taking:
            await uploaded_without_waiting(site.http)
            pipe.cut()
            answer = await send(site.http, junit(RESULTS))
            assert answer.status_code == 200, answer.text
            assert answer.headers["ostro-upload-state"] == "storing"
            where = answer.headers["location"].partition("8000")[2]
            key = answer.json()["testCycle"]["key"]
            assert (await site.http.get(f"/testcycles/{key}")).status_code == 200
            status = httpx.URL(f"http://ostro.test{where}")
            assert (await site.http.get(status)).json()["state"] == "storing"
            before = retries()
            await eventually(a_retry, lambda n: n > before)
            assert (await site.http.get(status)).json()["stored"] == 0
            pipe.mend()

            async def state() -> str:
                return str((await site.http.get(status)).json()["state"])

            await eventually(state, lambda s: s == "stored", seconds=60)
            found = await every(site.http, "/testexecutions", testCycle=key, maxResults=1000)
            assert len({e["id"] for e in found}) == len(found) == RESULTS


async def uploaded_without_waiting(http: httpx.AsyncClient) -> None:
    """The whole way works before it is cut."""
    answer = await send(http, junit(3))
    assert answer.status_code == 200, answer.text

    async def stored() -> int:
        page = await http.get("/testexecutions", params={"maxResults": 1})
        return int(page.json()["total"])

    await eventually(stored, lambda n: n == 3)
