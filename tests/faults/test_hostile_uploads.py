"""Hostile files over HTTP: refused with a reason, and the process's memory stays bounded.

executions is a process of its own here, so that its peak can be read.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults import hostile_files as files
from tests.harness.installation import Installation
from tests.harness.operator import Operator
from tests.harness.processes import ServiceProcess, process
from tests.harness.system import client
from tests.integration.executions.uploading import every, junit, send, uploaded

pytestmark = pytest.mark.long

RESULTS = 2_000
GROWTH = 24 * files.MEGABYTE
"""What the whole of the attack may add to the peak after an ordinary upload."""


@pytest.fixture(scope="module")
def spool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where uploads lie while they are worked on."""
    return tmp_path_factory.mktemp("spool")


@pytest.fixture(scope="module")
async def victim(
    installation: Installation, world: Operator, spool: Path
) -> AsyncIterator[ServiceProcess]:
    """The process under attack."""
    async with process(
        installation,
        "executions",
        spool_dir=spool,
        upload_max_unpacked_bytes=files.UNPACKED_CAP,
    ) as found:
        yield found


@dataclass(frozen=True)
class Target:
    """A tenant with one ordinary upload, and the peak of memory after it."""

    http: httpx.AsyncClient
    cycle: int
    peak: int


@pytest.fixture(scope="module")
async def attacked(
    installation: Installation, world: Operator, victim: ServiceProcess
) -> AsyncIterator[Target]:
    """One tenant for all attacks: none of them changes anything."""
    tenant = await world.tenant()
    await world.project(tenant)
    async with client(installation, await world.headers(tenant)) as http:
        cycle = await uploaded(http, junit(RESULTS))
        yield Target(http, cycle["id"], victim.peak_memory())


@pytest.fixture
async def target(
    attacked: Target, victim: ServiceProcess, spool: Path
) -> AsyncIterator[httpx.AsyncClient]:
    """A client to attack with; afterwards nothing has been added and all is well."""
    yield attacked.http
    assert [c["id"] for c in await every(attacked.http, "/testcycles")] == [attacked.cycle]
    page = (await attacked.http.get("/testcases", params={"maxResults": 1})).json()
    assert page["total"] == RESULTS
    assert list(spool.iterdir()) == []
    assert victim.peak_memory() - attacked.peak < GROWTH
    await victim.until_ready(5)


def cases(table: Any) -> list[Any]:
    """One parameter per hostile file."""
    return [pytest.param(build, id=name) for name, build in table.items()]


def assert_refused(answer: httpx.Response) -> None:
    """In the vendor's shape, in words, without a word of the server's files."""
    assert answer.status_code in {400, 413}, answer.text[:500]
    assert answer.json().keys() == {"errorCode", "message"}
    assert 10 < len(answer.json()["message"]) < 500
    assert "root:" not in answer.text


@pytest.mark.parametrize("build", cases({**files.ARCHIVES, **files.XMLS}))
async def test_junit(target: httpx.AsyncClient, build: Callable[[], bytes]) -> None:
    assert_refused(await send(target, build()))


@pytest.mark.parametrize("fmt", ["cucumber", "custom"])
@pytest.mark.parametrize("build", cases(files.JSONS))
async def test_json(target: httpx.AsyncClient, fmt: str, build: Callable[[], bytes]) -> None:
    assert_refused(await send(target, build(), fmt=fmt))


@pytest.mark.parametrize("build", cases(files.BODIES))
async def test_body(target: httpx.AsyncClient, build: Callable[[], Iterable[bytes]]) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in build():
            yield piece

    length = sum(map(len, build()))
    try:
        answer = await target.post(
            "/automations/executions/junit",
            params={"projectKey": "DEMO", "autoCreateTestCases": True},
            content=pieces(),
            headers={
                "content-type": f"multipart/form-data; boundary={files.BOUNDARY}",
                "content-length": str(length),
            },
        )
    except httpx.WriteError:
        return  # refused while we still talked
    assert_refused(answer)


async def test_a_body_in_chunks_is_refused_before_it_is_read(target: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b"x" * 100_000

    answer = await target.post(
        "/automations/executions/junit", params={"projectKey": "DEMO"}, content=chunks()
    )
    assert_refused(answer)
    assert "content-length" in answer.json()["message"]
