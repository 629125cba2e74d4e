"""Ostro copied from Ostro by its public API: everything, once, whatever happens on the way."""

import asyncio
import itertools
import random
import re
import stat
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.zephyr.front import FAULTS
from tests.e2e.zephyr.house import Copies, open_copies
from tests.e2e.zephyr.rich import KEY, Rich
from tests.harness.installation import Installation
from tests.harness.processes import ROOT
from tests.unit.tools.zephyr_rows import filled
from tools.zephyr.kinds import LISTED, WALKED
from tools.zephyr.workdir import Source, Workdir, open_root

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]
Kill = Callable[[str, bool], bool]
"""Decides by a request, and whether it is about to be answered."""
QUICK = ("--parallel", "4", "--timeout", "0.5", "--attempts", "20", "--margin", "0")


@pytest.fixture(scope="module")
async def copies(
    installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Copies]:
    async with open_copies(installation, tmp_path_factory.mktemp("tokens")) as found:
        yield found


async def run(copies: Copies, *command: str, killed: Kill | None = None) -> tuple[int, str]:
    """Run a command; kill -9 when the front gets a request for which ``killed`` says so."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env=copies.environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    if killed is not None:

        def hook(line: str, answered: bool) -> None:
            if killed(line, answered) and process.returncode is None:
                process.kill()

        copies.front.hook = hook
    output, _ = await process.communicate()
    copies.front.hook = None
    assert process.returncode is not None
    return process.returncode, output.decode()


def after(requests: int) -> Kill:
    """Kill when there were so many."""
    count = itertools.count(1)
    return lambda _line, answered: not answered and next(count) >= requests


def content(folder: Path) -> dict[str, Any]:
    """What a directory holds in the end: the last row of each thing, and the files."""
    workdir = Workdir(folder)
    found: dict[str, Any] = {}
    for listed in LISTED:
        found[listed.name] = [row for row, _ in workdir.walk(listed.name)]
    for kind in WALKED:
        for name in (kind.name, kind.details):
            rows = list(workdir.latest(name))
            found[name] = sorted(rows, key=lambda row: int(row["id"]))
    found["files"] = {path.name: path.read_bytes() for path in workdir.files.iterdir()}
    return found


@pytest.fixture(scope="module")
async def undisturbed(copies: Copies, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    work = tmp_path_factory.mktemp("copy") / "work"
    code, output = await run(copies, *copies.command("read", work, "--margin", "0"))
    assert code == 0, output
    for path in (work, work / KEY, work / KEY / "files"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for path in work.rglob("*"):
        assert path.is_dir() or copies.token.encode() not in path.read_bytes()
    assert copies.token not in output
    return content(work / KEY)


async def test_everything_is_there(copies: Copies, undisturbed: dict[str, Any]) -> None:
    found = undisturbed
    async with copies.client(copies.token) as http:
        for kind in WALKED:
            page = (await http.get(f"/{kind.name}", params={"projectKey": KEY})).json()
            assert page["total"] == len(found[kind.name]) == len(found[kind.details])
    details = {row["key"]: row for row in found["testcases.details"]}
    assert [details[f"{KEY}-T{n}"]["script"]["type"] for n in (1, 6, 7, 8)] == [
        "steps",
        "steps",
        "plain",
        "bdd",
    ]
    assert len(details[f"{KEY}-T1"]["attachments"]) == 2
    assert not any(row["problems"] for kind in WALKED for row in found[kind.details])
    assert sorted(len(content) for content in found["files"].values()) == [
        3, 4, 4, 5, 5, 5, 6, 6, 512_000, 512_000,
    ]  # fmt: skip


async def test_broken_off_anywhere_and_answered_badly(
    copies: Copies, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    """kill -9 at random points, with a source that fails every tenth time: the same copy."""
    copies.front.faulty, chance = 0.1, random.Random(11)
    before, kills, code = len(copies.front.asked), 0, 1
    try:
        for _ in range(40):
            command = copies.command("read", tmp_path / "work", *QUICK)
            code, output = await run(copies, *command, killed=after(chance.randint(20, 90)))
            if code == 0:
                break
            assert code == -9, output
            kills += 1
    finally:
        copies.front.faulty = 0.0
    assert code == 0
    assert kills >= 3
    assert content(tmp_path / "work" / KEY) == undisturbed
    assert set(copies.front.faults) == set(FAULTS)
    assert copies.front.most_at_once <= 4 + kills  # a killed one's requests may linger
    asked = copies.front.asked[before:]
    assert all(line.startswith("GET /v2/") for line in asked)


async def test_a_copy_reads_as_its_source(copies: Copies, tmp_path: Path) -> None:
    _, token, _ = await copies.target()
    command = copies.command("copy", tmp_path / "work", *copies.to(token), "--jira", "keep")
    command += ["--sample", "0", "--margin", "0"]
    code, output = await run(copies, *command)
    assert code == 0, output
    assert "no differences" in output
    assert copies.token not in output
    assert token not in output
    # the same reading into another tenant, without Jira's ids
    (_, other, _), work = await copies.target(), str(tmp_path / "work")
    again = [sys.executable, "-m", "tools.zephyr", "import", "--project", KEY, "--again"]
    # into one that is not empty: nothing is forgotten, and it can be tried again
    for _ in range(2):
        code, output = await run(
            copies, *again, "--work-dir", work, *copies.to(token), "--jira", "drop"
        )
        assert (code, "is not empty" in output) == (1, True), output
    code, output = await run(copies, *again[:-1], "--work-dir", work, *copies.to(token))
    assert (code, "nothing has changed since" in output) == (0, True), output
    code, output = await run(copies, *again, "--work-dir", work, *copies.to(other))
    assert code == 0, output
    assert re.search(r"library imported; left out: 2 issueLinks", output)
    # once more: nothing new
    code, output = await run(copies, *command)
    assert code == 0, output
    assert "nothing has changed since" in output


async def small_source(copies: Copies) -> str:
    """Fill another tenant, without Jira; return a token of it."""
    _, token, _ = await copies.target()
    async with copies.client(token) as http:
        await Rich(http, size=8, issues=False).fill()
    return token


async def test_what_changes_later_is_said_and_differences_are_found(
    copies: Copies, tmp_path: Path
) -> None:
    source = await small_source(copies)
    _, token, _ = await copies.target()
    work, to = tmp_path / "work", copies.to(token)
    command = copies.command("copy", work, *to, "--margin", "1800", token=source)
    code, output = await run(copies, *command, "--sample", "2")
    assert code == 0, output
    await copies.shop.later(hours=1)
    async with copies.client(source) as http:
        case = (await http.get(f"/testcases/{KEY}-T5")).json()
        changed = await http.put(f"/testcases/{KEY}-T5", json=case | {"name": "New"})
        assert changed.status_code == 200, changed.text
        late = (await http.post("/testcases", json={"projectKey": KEY, "name": "L"})).json()["key"]
        await Rich(http).run(3)
    asked = len(copies.front.asked)
    code, output = await run(copies, *command, "--sample", "0")
    assert code == 4, output
    assert f"NOT in Ostro: 2 testcases ({KEY}-T5, {late})" in output
    assert "NOT in Ostro: 1 testexecutions" in output
    walked = [line for line in copies.front.asked[asked:] if "/nextgen" in line]
    assert all("updatedAfter=" in line for line in walked)
    compared = (work / KEY / "comparison.txt").read_text()
    assert f"{KEY}-T5: name: 'New' in the source, 'Case 4 <b>&</b> ü' here" in compared
    assert f"{late}: not in the target" in compared
    assert "testexecutions: 17 in the source, 16 in the target" in compared
    rows = {row["key"]: row["name"] for row in Workdir(work / KEY).latest("testcases")}
    assert (rows[f"{KEY}-T5"], rows[late]) == ("New", "L")


def _imports(service: str, line: str) -> bool:
    return f"{service}/projects/DEMO/import" in line and "/check" not in line


async def test_killed_at_any_moment_of_the_whole_copy(copies: Copies, tmp_path: Path) -> None:
    source = await small_source(copies)
    _, token, _ = await copies.target()
    work, to = tmp_path / "work", copies.to(token)
    command = [*copies.command("copy", work, *to, *QUICK, token=source), "--sample", "2"]
    copies.front.faulty, chance, kills = 0.05, random.Random(5), 0
    moments: list[Kill] = [
        *(after(chance.randint(5, 40)) for _ in range(4)),
        # the checks are asked for; an import was done and its answer is lost; one begins
        lambda line, answered: not answered and "executions/projects/DEMO/import/check" in line,
        lambda line, answered: answered and _imports("testcases", line),
        lambda line, answered: not answered and _imports("executions", line),
    ]
    code, output = -9, ""
    try:
        while code == -9 and kills < 40:
            kill = moments.pop(0) if moments else after(chance.randint(20, 150))
            code, output = await run(copies, *command, killed=kill)
            kills += 1
    finally:
        copies.front.faulty = 0.0
    assert code == 0, output
    assert moments == []
    code, output = await run(copies, *command[:-1], "0")
    assert code == 0, output
    assert "nothing has changed since" in output
    assert "no differences" in output


async def test_what_the_vendor_shows_is_imported_and_old_versions_are_copied(
    copies: Copies, tmp_path: Path
) -> None:
    """Rows in the vendor's form, with gaps; the tenant that got them is copied once more."""
    (_, first, _), (_, second, _) = await copies.target(), await copies.target()
    root = tmp_path / "vendor"
    source = Source(
        base_url="https://api.example/v2",
        attachments=True,
        step_attachments=True,
        versions=True,
        execution_steps=True,
    )
    open_root(root, source)
    filled(root / KEY)
    command = [sys.executable, "-m", "tools.zephyr", "import", "--project", KEY, "--jira", "keep"]
    code, output = await run(copies, *command, "--work-dir", str(root), *copies.to(first))
    assert code == 0, output
    report = (root / KEY / "report.md").read_text()
    assert "script of an older version (not shown): 1" in report
    async with copies.client(first) as http:
        runs = (await http.get("/testexecutions", params={"projectKey": KEY})).json()["values"]
        assert runs[0]["testCase"]["self"].endswith("/testcases/DEMO-T1/versions/1")
        old = (await http.get("/testcases/DEMO-T1/versions/1")).json()
        assert (old["name"], old["customFields"]) == ("As it was", {"Team": "Blue"})
    copy = copies.command("copy", tmp_path / "work", *copies.to(second), token=first)
    code, output = await run(copies, *copy, "--sample", "0", "--jira", "keep")
    assert code == 0, output
    assert "no differences" in output
