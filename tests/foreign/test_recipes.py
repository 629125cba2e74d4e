"""The recipes of docs/clients.md do what they say."""

import asyncio
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from devstack.embedded.ports import free_ports
from tests.docs.pages import ROOT, shell_block
from tests.docs.shell import environment, like_checkout, sh
from tests.foreign.conftest import LocalStack

PAGE = ROOT / "docs" / "clients.md"
# what installers say when packages cannot be had at all
_OFFLINE = ("No matching distribution", "ENOTFOUND", "ECONNREFUSED", "EAI_AGAIN", "ETIMEDOUT")

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(300),
    pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here"),
]


@pytest.fixture(scope="module")
async def place(
    local_stack: LocalStack, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Path, int]]:
    """A checkout with a front running, and the front's TLS port."""
    folder = like_checkout(tmp_path_factory.mktemp("recipes"))
    data = folder / ".ostro"
    data.mkdir()
    shutil.copy(local_stack.folder / "demo.env", data)
    (tls,) = free_ports(1)
    command = shell_block(PAGE, "front").strip()
    edge = str(urlsplit(local_stack.demo["BASE_URL"]).port)
    front = await asyncio.create_subprocess_exec(
        "sh",
        "-euc",
        f"exec {command} --proxy-port 0 --tls-port {tls}",
        cwd=folder,
        env=environment({"OSTRO_DATA": str(data), "OSTRO_PORT_EDGE": edge}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(60):
            while not (data / "front" / "client.env").exists():
                assert front.returncode is None
                await asyncio.sleep(0.1)
        yield folder, tls
    finally:
        front.send_signal(signal.SIGTERM)
        out, _ = await front.communicate()
        assert b"Traceback" not in out, out.decode()


async def run(name: str, place: tuple[Path, int]) -> str:
    folder, tls = place
    try:
        return await sh(shell_block(PAGE, name), folder, {"FRONT_TLS_PORT": str(tls)}, seconds=200)
    except AssertionError as failed:
        if any(word in str(failed) for word in _OFFLINE):
            pytest.skip(f"the packages of {name} cannot be had here")
        raise


async def statuses(stack: LocalStack, cycle: str) -> list[str]:
    """Return the names of the statuses of the newest cycle's executions that is named so."""
    headers = {"Authorization": f"Bearer {stack.demo['TOKEN']}"}
    base = stack.demo["BASE_URL"]
    async with httpx.AsyncClient(base_url=base, headers=headers, trust_env=False) as api:
        found = (await api.get("/testcycles", params={"maxResults": 1000})).json()["values"]
        keys = [c["key"] for c in found if c["name"].startswith(cycle)]
        wanted = {"testCycle": keys[-1], "maxResults": 100}
        runs = (await api.get("/testexecutions", params=wanted)).json()["values"]
        return [(await api.get(run["testExecutionStatus"]["self"])).json()["name"] for run in runs]


async def test_an_address_that_can_be_set(place: tuple[Path, int]) -> None:
    assert "DEMO" in (await run("argument", place)).split()


async def test_an_environment_variable(local_stack: LocalStack, place: tuple[Path, int]) -> None:
    await run("environment", place)
    assert await statuses(local_stack, "Nightly") == ["Pass"]


async def test_robot_through_the_front(local_stack: LocalStack, place: tuple[Path, int]) -> None:
    await run("robot", place)
    assert await statuses(local_stack, "Robot's") == ["Pass"]


async def test_playwright_through_the_front(
    local_stack: LocalStack, place: tuple[Path, int]
) -> None:
    if shutil.which("npm") is None:
        pytest.skip("there is no npm here")
    assert "has been created" in await run("playwright", place)
    assert await statuses(local_stack, "Automated Playwright run") == ["Pass"]


async def test_the_vendors_name_with_the_fronts_address(place: tuple[Path, int]) -> None:
    assert '"key":"DEMO"' in await run("resolve", place)
