"""Nobody's burst is everybody's queue: turns of a tenant, and what may wait for storage."""

import asyncio
import contextlib
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


class Announced:
    """An upload that is only announced: the server asks for its body once it has its turn."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, body: str) -> None:
        """Send a part of the body."""
        self._writer.write(body.encode())
        await self._writer.drain()

    async def heard(self) -> str:
        """Return the head that comes next, in small letters: 100 asks for the body."""
        return (await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), 20)).decode().lower()


@contextlib.asynccontextmanager
async def announced(
    installation: Installation, http: httpx.AsyncClient, length: int
) -> AsyncIterator[Announced]:
    """Announce an upload of so many bytes."""
    port = installation.http_ports["executions"]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    headers = {**HEADERS, "host": "x", "content-length": length, "expect": "100-continue"}
    headers["authorization"] = http.headers["authorization"]
    lines = [f"POST /v2{PATH} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
    try:
        writer.write("\r\n".join(lines).encode())
        yield Announced(reader, writer)
    finally:
        writer.close()
        await writer.wait_closed()


async def test_a_slow_sender_keeps_only_its_own_tenant_waiting(
    installation: Installation, site: Site, other_site: Site
) -> None:
    end = junit(1) + END
    async with announced(installation, site.http, len(START + end)) as slow:
        # it has the turn from here on, whatever is quicker
        assert (await slow.heard()).startswith("http/1.1 100")
        queued = asyncio.create_task(send(site.http, junit(1)))
        assert (await send(other_site.http, junit(1))).status_code == 200
        assert not queued.done()
        await slow.send(START + end)
        assert (await slow.heard()).startswith("http/1.1 200")
        assert (await queued).status_code == 200


async def test_results_that_nobody_stores_fill_up_what_a_tenant_may_have_waiting(
    installation: Installation, site: Site, other_site: Site
) -> None:
    for results in (2, 2):
        answer = await send(site.http, junit(results))
        assert answer.status_code == 200
        assert answer.headers["ostro-upload-state"] == "storing"
    # four wait where three may: said before the file is read
    async with announced(installation, site.http, 100_000) as upload:
        head = await upload.heard()
    assert head.startswith("http/1.1 429")
    assert "\r\nretry-after: 1\r\n" in head
    assert (await send(other_site.http, junit(1))).status_code == 200
    assert len(await every(site.http, "/testcycles")) == 2
