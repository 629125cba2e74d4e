"""Two processes of executions share the results; one is killed and the other takes over."""

import asyncio
from contextlib import AbstractAsyncContextManager

import httpx
import pytest

from contracts.topics import RESULT
from tests.faults.conftest import Site
from tests.harness.installation import Installation, free_port
from tests.harness.polling import eventually
from tests.harness.processes import ServiceProcess, process
from tests.harness.system import service
from tests.harness.watch import Watch
from tests.integration.executions.uploading import every, junit, send

GROUP = "executions.results"
RESULTS = 1_500
"""Three chunks."""
UPLOADS = 8


async def processed(one: ServiceProcess) -> float:
    """Return how many chunks a process has stored, by its own count."""
    async with httpx.AsyncClient(trust_env=False) as http:
        text = (await http.get(f"{one.internal_url}/metrics")).text
    rows = [r for r in text.splitlines() if "records_total" in r and f'"{GROUP}"' in r]
    return sum(float(row.rpartition(" ")[2]) for row in rows)


async def accepted(http: httpx.AsyncClient) -> str:
    """Upload without waiting for storage; return the cycle's key."""
    answer = await send(http, junit(RESULTS))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["testCycle"]["key"])


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_the_other_process_takes_over_and_nothing_is_lost(
    installation: Installation, site: Site, watch: Watch
) -> None:
    def consumer(name: str) -> AbstractAsyncContextManager[ServiceProcess]:
        return process(
            installation,
            "executions",
            role="consumer",
            internal_port=free_port(),
            kafka_session_seconds=1,
            spool_dir=installation.folder / name,
        )

    taking = service(
        installation, "executions", role="api", upload_wait_seconds=0, internal_port=free_port()
    )
    async with taking, consumer("a") as lives, consumer("b") as dies:
        half = RESULT.partitions // 2
        await eventually(lambda: watch.members(GROUP), lambda m: m == [half, half], seconds=30)
        keys = []

        async def shares() -> list[float]:
            keys.append(await accepted(site.http))
            await watch.caught_up(GROUP, RESULT)
            return [await processed(lives), await processed(dies)]

        # which partitions the chunks of an upload go to is chance
        before = await eventually(shares, all)
        assert sum(before) >= 3 * len(keys)

        async def go_on() -> list[str]:
            return [await accepted(site.http) for _ in range(UPLOADS)]

        going = asyncio.create_task(go_on())
        await eventually(lambda: processed(dies), lambda n: n > before[1])
        dies.kill()
        keys += await going
        await eventually(
            lambda: watch.members(GROUP), lambda m: m == [RESULT.partitions], seconds=30
        )
        await watch.caught_up(GROUP, RESULT)
    async with service(installation, "executions"):
        assert len(set(keys)) == len(keys) > UPLOADS
        for key in keys:
            found = await every(site.http, "/testexecutions", testCycle=key, maxResults=1000)
            assert len({e["id"] for e in found}) == len(found) == RESULTS
