"""Nobody's burst is everybody's queue: turns of a tenant, and what may wait for storage."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from kit.service import Role
from tests.harness.installation import Installation
from tests.harness.operator import Operator, operator
from tests.harness.system import service
from tests.integration.executions.conftest import Site
from tests.integration.executions.uploading import every, junit, send

PATH = "/automations/executions/junit?projectKey=DEMO&autoCreateTestCases=true"
BOUNDARY = "b"
HEADERS = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
START = f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="r.xml"\r\n\r\n'
END = f"\r\n--{BOUNDARY}--\r\n"


@pytest.fixture(scope="module")
async def world(installation: Installation) -> AsyncIterator[Operator]:
    """Nobody stores results, and one upload is taken at a time."""
    async with (
        operator(installation) as found,
        service(installation, "tenancy", master_key_file=installation.secret("master")),
        service(installation, "testcases"),
        service(
            installation,
            "executions",
            role=Role.API,
            upload_parallel=1,
            upload_wait_seconds=0.5,
            max_unstored_results=3,
        ),
    ):
        yield found


async def slowly(http: httpx.AsyncClient, go_on: asyncio.Event) -> httpx.Response:
    """Upload a file whose end comes when it is told to."""

    start, end = START.encode(), (junit(1) + END).encode()

    async def body() -> AsyncIterator[bytes]:
        yield start
        await go_on.wait()
        yield end

    headers = {**HEADERS, "content-length": str(len(start) + len(end))}
    return await http.post(PATH, content=body(), headers=headers)


async def head_of_answer(installation: Installation, http: httpx.AsyncClient) -> str:
    """Announce a file, send only its beginning, and return the answer's head."""
    port = installation.http_ports["executions"]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    headers = {**HEADERS, "host": "x", "content-length": "100000"}
    headers["authorization"] = http.headers["authorization"]
    lines = [f"POST /v2{PATH} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items()), "", START]
    writer.write("\r\n".join(lines).encode())
    try:
        return (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)).decode().lower()
    finally:
        writer.close()
        await writer.wait_closed()


async def test_a_slow_sender_keeps_only_its_own_tenant_waiting(
    site: Site, other_site: Site
) -> None:
    go_on = asyncio.Event()
    slow = asyncio.create_task(slowly(site.http, go_on))
    queued = asyncio.create_task(send(site.http, junit(1)))
    assert (await send(other_site.http, junit(1))).status_code == 200
    assert not slow.done()
    assert not queued.done()
    go_on.set()
    assert {(await slow).status_code, (await queued).status_code} == {200}


async def test_results_that_nobody_stores_fill_up_what_a_tenant_may_have_waiting(
    installation: Installation, site: Site, other_site: Site
) -> None:
    for results in (2, 2):
        answer = await send(site.http, junit(results))
        assert answer.status_code == 200
        assert answer.headers["ostro-upload-state"] == "storing"
    # four wait where three may: said before the file is read
    head = await head_of_answer(installation, site.http)
    assert head.startswith("http/1.1 429")
    assert "\r\nretry-after: 1\r\n" in head
    assert (await send(other_site.http, junit(1))).status_code == 200
    assert len(await every(site.http, "/testcycles")) == 2
