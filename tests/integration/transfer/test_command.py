"""The command for people, run as people run it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from devstack.embedded.caddy import CaddySite, start_caddy
from tests.harness.installation import free_port
from tests.integration.executions.linking import House, Linked
from tests.integration.transfer.moving import walk
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
