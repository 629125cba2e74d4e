"""testcases killed with -9 amid the import of 100,000 cases: the same archive again goes on.

Memory does not grow with the archive: neither the import's nor the export's.
"""

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from contracts.ids import Kind, public_id
from contracts.testcases import DEFAULT_OPTIONS
from contracts.transfer import (
    MANIFEST,
    ExportedProject,
    InlineStepRow,
    Member,
    OptionRow,
    Part,
    ScriptRow,
    ScriptType,
    Source,
    SourceKind,
    StepRow,
    TestCaseRow,
)
from kit.transfer.archive import ArchiveWriter
from tests.harness.installation import Installation
from tests.harness.polling import eventually
from tests.harness.processes import process
from tests.harness.system import client
from tests.harness.tenancy_world import tenancy_world

MANY = 100_000
_MEGABYTE = 1 << 20
_URL = "http://ostro.test/ostro/v1/testcases/projects/DEMO"
_NOW = datetime(2026, 1, 2, tzinfo=UTC)


def _write(target: Path) -> None:
    with target.open("wb") as out:
        writer = ArchiveWriter(
            out, Part.LIBRARY, Source(kind=SourceKind.OSTRO), ExportedProject(id=1, key="FROM")
        )
        with writer.member(Member.OPTIONS) as options:
            options.add(
                OptionRow(
                    id=d.id(1), type=d.type, name=d.name, index=d.position, color=d.color,
                    default=d.default,
                )
                for d in DEFAULT_OPTIONS
            )  # fmt: skip
        with writer.member(Member.TEST_CASES) as cases:
            cases.add(_case(number) for number in range(1, MANY + 1))
        writer.finish(_NOW, {Kind.TEST_CASE: MANY})


def _case(number: int) -> TestCaseRow:
    ident = public_id(1, number)
    step = StepRow(id=ident, inline=InlineStepRow(description=f"step of {number}" + "." * 500))
    return TestCaseRow(
        id=ident,
        key=f"FROM-T{number}",
        version=1,
        version_id=ident,
        name=f"case {number}",
        created_on=_NOW,
        priority_name="Normal",
        status_name="Draft",
        script=ScriptRow(type=ScriptType.STEPS, steps=(step,)),
    )


async def _pieces(archive: Path) -> AsyncIterator[bytes]:
    with archive.open("rb") as file:
        while piece := file.read(_MEGABYTE):
            yield piece


async def _send(http: httpx.AsyncClient, archive: Path, until: int) -> tuple[int, str, int]:
    """Send the archive; read lines until so many cases are written: status, state, cases."""
    async with http.stream("POST", f"{_URL}/import", content=_pieces(archive)) as answer:
        state, cases = "", 0
        if answer.status_code != httpx.codes.OK:
            await answer.aread()
            return answer.status_code, answer.text, 0
        async for line in answer.aiter_lines():
            told = json.loads(line)
            state, cases = told["state"], told["written"].get("test_cases", 0)
            if cases >= until:
                break
        return answer.status_code, state, cases


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_an_import_that_was_killed_goes_on_in_bounded_memory(
    installation: Installation, tmp_path: Path
) -> None:
    archive = tmp_path / "library.zip"
    await asyncio.to_thread(_write, archive)
    async with tenancy_world(installation) as world:
        tenant = await world.tenant(jira=False)
        await world.project(tenant, "DEMO")
        headers = world.headers(tenant)
        async with client(installation, headers) as http:
            http.timeout = httpx.Timeout(300)
            async with process(installation, "testcases") as first:
                await _until_known(http)
                _, state, cases = await _send(http, archive, MANY // 10)
                assert (state, cases >= MANY // 10) == ("writing", True)
                first.kill()
                await first.ended()
            async with process(installation, "testcases") as second:
                before = second.peak_memory()
                status, state, cases = await eventually(
                    lambda: _send(http, archive, MANY + 1),
                    # the lease of the killed one is heeded for a while
                    lambda answer: answer[0] != httpx.codes.CONFLICT,
                    seconds=120,
                    every=5,
                )
                assert (status, state, cases) == (200, "done", MANY)
                # ids are kept as numbers, eight bytes each
                assert second.peak_memory() - before < 150 * _MEGABYTE
            async with process(installation, "testcases") as third:
                before = third.peak_memory()
                exported = tmp_path / "again.zip"
                async with http.stream("GET", f"{_URL}/export") as answer:
                    with exported.open("wb") as out:
                        async for piece in answer.aiter_bytes():
                            out.write(piece)
                assert third.peak_memory() - before < 60 * _MEGABYTE
    assert _rows(exported.read_bytes()) == MANY


async def _until_known(http: httpx.AsyncClient) -> None:
    async def known() -> bool:
        answer = await http.get("/testcases", params={"projectKey": "DEMO"})
        return answer.status_code == httpx.codes.OK

    await eventually(known)


def _rows(archive: bytes) -> int:
    with zipfile.ZipFile(io.BytesIO(archive)) as found:
        manifest = json.loads(found.read(MANIFEST))
        lines = found.read(Member.TEST_CASES.value).splitlines()
    names = [json.loads(line)["name"] for line in lines]
    assert names == [f"case {n}" for n in range(1, MANY + 1)]
    rows: int = manifest["members"][Member.TEST_CASES]["rows"]
    return rows
