"""The real thing over loopback: the Jira stand-in as a process of its own installs the app."""

import asyncio
import contextlib
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kit.auth.principal import Scope
from kit.service import Role, running
from services.tenancy.main import INDEXES, SERVICE, build
from services.tenancy.settings import TenancySettings
from tests.harness.installation import Installation
from tests.harness.polling import eventually
from tests.integration.tenancy.operator import Console, console

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "devstack.jira", "--port", "0"]


class Playground:
    """The stand-in's control API and the app's public one."""

    def __init__(self, jira: httpx.AsyncClient, app: httpx.AsyncClient) -> None:
        self.jira = jira
        self.app = app

    async def act(self, action: str, **order: Any) -> dict[str, Any]:
        """Do something at the demo site; every call to the app must have been answered well."""
        answer = await self.jira.post(f"/control/sites/demo/actions/{action}", json=order)
        assert answer.status_code == 200, answer.text
        outcome: dict[str, Any] = answer.json()
        return outcome

    async def statuses(self, action: str, **order: Any) -> list[int | None]:
        outcome = await self.act(action, **order)
        return [delivery["status"] for delivery in outcome["deliveries"]]


@contextlib.asynccontextmanager
async def standin(app_url: str) -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "--app-url", app_url, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
        found = re.search(r"http://\S+", line)
        assert found is not None, line
        yield found[0]
    finally:
        process.terminate()
        await process.wait()


@pytest.fixture(scope="module")
async def playground(installation: Installation) -> AsyncIterator[Playground]:
    app_url = f"http://127.0.0.1:{installation.http_ports[SERVICE]}"
    async with contextlib.AsyncExitStack() as stack:
        jira_url = await stack.enter_async_context(standin(app_url))
        settings = installation.settings(
            TenancySettings,
            SERVICE,
            master_key_file=installation.secret("master"),
            public_url=app_url,
            jira_key_servers=f"{jira_url}/install-keys,{jira_url}/install-keys-backup",
            jira_hosts="127.0.0.1",
            jira_allow_http=True,
        )
        await stack.enter_async_context(running(SERVICE, settings, build, INDEXES, Role.ALL))
        jira, app = [
            await stack.enter_async_context(
                httpx.AsyncClient(base_url=url, trust_env=False, timeout=30)
            )
            for url in (jira_url, app_url)
        ]
        yield Playground(jira, app)


async def test_life_at_a_foreign_jira(playground: Playground, installation: Installation) -> None:
    assert await playground.statuses("install") == [204, 204]
    async with console(installation) as operator:
        await _live(playground, operator)


async def _facts(playground: Playground, operator: Console, tenant: str) -> None:
    async def shown() -> dict[str, str]:
        lines = (await operator.run("tenant", "show", tenant)).out.splitlines()
        return dict(re.split(r"\s{2,}", line, maxsplit=1) for line in lines)

    # soon after the install, without anybody's asking
    await eventually(shown, lambda facts: facts["READ AT"] != "unknown")
    for lever, order in (("version", {"version": "1004.0"}), ("licence", {"state": "active"})):
        answer = await playground.jira.post(f"/control/sites/demo/{lever}", json=order)
        assert answer.is_success, answer.text
    refreshed = await operator.run("tenant", "refresh", tenant)
    assert (refreshed.code, refreshed.out) == (0, ""), refreshed.err
    found = await shown()
    assert found["JIRA VERSION"] == "1004.0"
    assert (found["LICENCE TYPE"], found["LICENCE ACTIVE"]) == ("COMMERCIAL", "yes")
    # no source gives a tier
    assert found["LICENCE TIER"] == "unknown"
    nobody = await operator.run("tenant", "refresh", "nobody")
    assert (nobody.code, nobody.out) == (1, "")


async def _live(playground: Playground, operator: Console) -> None:
    tenant = (await operator.run("tenant", "list")).rows[0][0]
    project = await operator.run("project", "enable", "DEMO", "--tenant", tenant)
    assert project.code == 0, project.err
    minted = await operator.run(
        "token", "mint", "--tenant", tenant, "--name", "ci", "--scope", Scope.READ.value
    )
    headers = {"authorization": f"Bearer {minted.out.strip()}"}

    async def listed() -> httpx.Response:
        return await playground.app.get("/v2/projects", headers=headers)

    projects = (await listed()).json()["values"]
    assert [(p["key"], p["jiraProjectId"]) for p in projects] == [("DEMO", 10000)]

    await _facts(playground, operator, tenant)
    assert await playground.statuses("rotate_secret") == [204]
    again = await operator.run("project", "enable", "DEMO", "--tenant", tenant)
    assert again.out == project.out
    assert await playground.statuses("update") == [204]
    assert await playground.statuses("disable") == [204]
    await eventually(listed, lambda a: a.status_code == 401)
    assert await playground.statuses("enable") == [204]
    await eventually(listed, lambda a: a.status_code == 200)

    assert await playground.statuses("uninstall") == [204, 204]
    await eventually(listed, lambda a: a.status_code == 401)
    refused = await operator.run("project", "enable", "DEMO", "--tenant", tenant)
    assert (refused.code, refused.out) == (1, "")
    assert "uninstalled" in refused.err

    assert await playground.statuses("install") == [204, 204]
    await eventually(listed, lambda a: a.status_code == 200)
    # one tenant all along, whatever was replayed
    first = (await playground.jira.get("/control/deliveries")).json()["deliveries"][0]["seq"]
    assert (await playground.act("replay", delivery=first))["deliveries"][0]["status"] == 204
    assert (await operator.run("project", "enable", "DEMO", "--tenant", tenant)).code == 0
    assert [row[0] for row in (await operator.run("tenant", "list")).rows] == [tenant]

    unimplemented = (await playground.jira.get("/control/unimplemented")).json()
    assert unimplemented["unimplemented"] == []
    calls = (await playground.jira.get("/control/calls")).json()["calls"]
    # every call to the site carried a token that it accepted
    assert {c["auth"] for c in calls if c["place"].startswith("127.")} <= {"jwt", "open"}
    assert all(c["status"] == 200 for c in calls), calls
