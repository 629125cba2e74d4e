"""The command for people, run as people run it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts.topics import USAGE
from contracts.usage import UsageEventName
from devstack.embedded.caddy import CaddySite, start_caddy
from tests.harness.installation import free_port
from tests.harness.topics import events_of
from tests.integration.executions.linking import House, Linked
from tests.integration.transfer.moving import PARTS, route, walk
from tools.transfer.cli import cli


@pytest.fixture(scope="module")
async def edge(house: House, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Run Caddy before the services."""
    ports = house.installation.http_ports
    upstreams = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
    site = CaddySite(tmp_path_factory.mktemp("caddy"), free_port(), upstreams)
    caddy = await asyncio.to_thread(start_caddy, site)
    yield site.url
    await asyncio.to_thread(caddy.stop)


async def _run(*arguments: str | Path, token: str = "") -> tuple[int, str]:
    """Run the command; return its exit code and what it printed."""
    # in a thread, while the services run in this loop
    done = await asyncio.to_thread(
        CliRunner().invoke,
        cli,
        list(map(str, arguments)),
        env={"OSTRO_TOKEN": token, "COLUMNS": "200", "NO_COLOR": "1"},
    )
    return done.exit_code, done.output


def _token(linked: Linked) -> str:
    return linked.house.world.token(linked.tenant)


async def test_a_project_goes_into_a_file_and_comes_out_elsewhere(
    house: House, edge: str, tmp_path: Path
) -> None:
    source, target = await house.linked(), await house.linked()
    await source.make("testplans")
    await source.upload(3)
    file, secret = tmp_path / "demo.zip", tmp_path / "token"
    secret.write_text(f"{_token(source)}\n")
    there = ("--url", edge, "--project", "DEMO", "--file", file)
    code, printed = await _run("export", *there, "--token-file", secret)
    assert code == 0, printed
    assert [p.name for p in tmp_path.iterdir() if p.name not in {"demo.zip", "token"}] == []
    code, printed = await _run("show", file)
    assert code == 0
    assert "testExecutions" in printed
    code, printed = await _run("import", *there, token=_token(target))
    assert code == 0, printed
    assert await walk(target) == await walk(source)
    # again: nothing to do
    assert (await _run("import", *there, token=_token(target)))[0] == 0
    # a project goes and comes by two requests, and is one event
    assert await _done(source) == [UsageEventName.EXPORTED_PROJECT]
    assert await _done(target) == [UsageEventName.IMPORTED_PROJECT] * 2


async def _done(linked: Linked) -> list[str]:
    """Return what telemetry is told that somebody did, uploads apart."""
    events = await events_of(linked.house.installation.kafka, USAGE)
    names = [e.data.name for key, e in events if key == linked.tenant and e is not None]
    return [name for name in names if name != UsageEventName.UPLOADED_AUTOMATION_RESULTS]


async def _with_other(linked: Linked) -> None:
    """Let the tenant have a project ELSE beside DEMO."""
    await linked.house.world.project(linked.tenant, "ELSE")
    await linked.until("/testcycles", 200, projectKey="ELSE")
    await linked.until("/statuses", 200, projectKey="ELSE")


async def _nothing_imported(linked: Linked) -> bool:
    answers = [await linked.http.get(route(part, "DEMO", "import")) for part in PARTS]
    return [a.status_code for a in answers] == [404, 404]


async def test_nothing_is_written_where_one_part_would_be_refused(
    house: House, edge: str, tmp_path: Path
) -> None:
    source, target = await house.linked(), await house.linked()
    await _with_other(source)
    await source.make("testcases")
    await source.make("testcycles", projectKey="ELSE")
    for plan in ("DEMO-P1", "DEMO-P2"):
        await source.make("testplans")
        await source.plan_link(plan, "testcycles", testCycleIdOrKey="ELSE-R1")
    file, token = tmp_path / "demo.zip", _token(target)
    there = ("--url", edge, "--file", file)
    code, printed = await _run("export", "--project", "DEMO", *there, token=_token(source))
    assert code == 0, printed
    for more in ((), ("--check",)):
        code, printed = await _run("import", *there, *more, token=token)
        told = " ".join(printed.split())
        assert code == 1, printed
        for plan in ("DEMO-P1", "DEMO-P2"):
            assert f"test plan {plan}: links.testCycleKey names ELSE-R1" in told
        assert await _nothing_imported(target)
    drop = (*there, "--missing", "drop")
    code, printed = await _run("import", *drop, "--check", token=token)
    assert (code, "executions of DEMO: 2 rows would be imported" in printed) == (0, True), printed
    assert await _nothing_imported(target)
    code, printed = await _run("import", *drop, token=token)
    assert (code, "not there: 2 references" in printed) == (0, True), printed
    assert "test plan DEMO-P2: links.testCycleKey names ELSE-R1" in printed
    plan = (await target.http.get("/testplans/DEMO-P1")).json()
    assert plan["links"]["testCycles"] == []
    code, printed = await _run("import", *drop, "--check", token=token)
    assert (code, "imported already" in printed) == (0, True), printed


@pytest.mark.long
async def test_projects_that_refer_to_each_other_come_in_one_command(
    house: House, edge: str, tmp_path: Path
) -> None:
    source, target = await house.linked(), await house.linked()
    for linked in (source, target):
        await _with_other(linked)
    projects = {"DEMO": "ELSE", "ELSE": "DEMO"}
    for project in projects:
        for kind in ("testcases", "testcases", "testcycles", "testplans"):
            await source.make(kind, projectKey=project)
    for project, other in projects.items():
        body = {"mode": "OVERWRITE", "items": [{"testCase": {"testCaseKey": f"{other}-T2"}}]}
        answer = await source.http.post(f"/testcases/{project}-T1/teststeps", json=body)
        assert answer.status_code == 201, answer.text
        await source.plan_link(f"{project}-P1", "testcycles", testCycleIdOrKey=f"{other}-R1")
    files: list[str | Path] = []
    for project in projects:
        file = tmp_path / f"{project}.zip"
        there = ("--url", edge, "--project", project, "--file", file)
        code, printed = await _run("export", *there, token=_token(source))
        assert code == 0, printed
        files += ["--file", file]

    # one after the other: each wants the other first, or loses what it refers to
    code, printed = await _run("import", "--url", edge, *files[:2], token=_token(target))
    told = " ".join(printed.split())
    assert code == 1
    assert "test case DEMO-T1: script.steps.testCase names ELSE-T2" in told
    assert "test plan DEMO-P1: links.testCycleKey names ELSE-R1" in told
    alone = await house.linked()
    drop = ("--url", edge, *files[:2], "--missing", "drop")
    code, printed = await _run("import", *drop, token=_token(alone))
    assert code == 0, printed
    (step,) = (await alone.http.get("/testcases/DEMO-T1/teststeps")).json()["values"]
    text = "Call of test case ELSE-T2, which did not come along."
    assert (step["testCase"], step["inline"]["description"]) == (None, text)

    code, printed = await _run("import", "--url", edge, *files, token=_token(target))
    assert code == 0, printed
    assert await walk(target) == await walk(source)
    for project, other in projects.items():
        (step,) = (await target.http.get(f"/testcases/{project}-T1/teststeps")).json()["values"]
        assert step["testCase"]["testCaseKey"] == f"{other}-T2"
        plan = (await target.http.get(f"/testplans/{project}-P1")).json()
        assert len(plan["links"]["testCycles"]) == 1
    # again: nothing to do
    code, printed = await _run("import", "--url", edge, *files, "--check", token=_token(target))
    assert (code, printed.count("imported already")) == (0, 4), printed


async def test_a_file_does_not_promise_what_it_does_not_hold(
    house: House, edge: str, tmp_path: Path
) -> None:
    source, target = await house.linked(), await house.linked()
    for linked in (source, target):
        await _with_other(linked)
    await source.make("testplans")
    files: list[str | Path] = []
    for project in ("ELSE", "DEMO"):
        file = tmp_path / f"{project}.zip"
        there = ("--url", edge, "--project", project, "--file", file)
        code, printed = await _run("export", *there, token=_token(source))
        assert code == 0, printed
        files += ["--file", file]
        # what comes after the export of ELSE is not in its file
        if project == "ELSE":
            await source.make("testcycles", projectKey="ELSE")
            await source.plan_link("DEMO-P1", "testcycles", testCycleIdOrKey="ELSE-R1")
    code, printed = await _run("import", "--url", edge, *files, token=_token(target))
    told = " ".join(printed.split())
    assert (code, "names ELSE-R1, which neither the target nor" in told) == (1, True), printed
    assert await _nothing_imported(target)
    wrong = ("--url", edge, *files, "--project", "DEMO")
    assert (await _run("import", *wrong, token=_token(target)))[0] == 2


async def test_what_does_not_work_is_said(house: House, edge: str, tmp_path: Path) -> None:
    linked = await house.linked()
    file = tmp_path / "demo.zip"
    token = _token(linked)
    code, printed = await _run(
        "export", "--url", edge, "--project", "NOPE", "--file", file, token=token
    )
    assert (code, "404" in printed, "NOPE" in printed) == (1, True, True), printed
    assert not file.exists()
    file.write_bytes(b"no zip")
    there = ("--url", edge, "--project", "DEMO", "--file", file)
    code, printed = await _run("import", *there, token=token)
    assert (code, "demo.zip" in printed.replace("\n", "")) == (1, True), printed
    assert (await _run("export", *there, token=token))[0] == 2
    assert (await _run("import", *there))[0] == 2
    nowhere = ("--url", f"http://127.0.0.1:{free_port()}", *there[2:4])
    code, printed = await _run("export", *nowhere, "--file", tmp_path / "x.zip", token=token)
    assert (code, "connection" in printed) == (1, True)
    assert token not in printed
