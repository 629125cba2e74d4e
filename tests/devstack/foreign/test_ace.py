"""Atlassian's own Express library installs from the stand-in, hears from it and calls it back."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from devstack.jira import demo
from tests.devstack.foreign.ace import APP_ID, Ace, running
from tests.devstack.standin_process import standin

pytestmark = pytest.mark.slow
DEADLINE_SECONDS = 30


@dataclass
class Foreign:
    jira: str
    ace: Ace
    http: httpx.AsyncClient

    async def act(self, action: str, **order: Any) -> dict[str, Any]:
        answer = await self.http.post(
            f"{self.jira}/control/sites/demo/actions/{action}", json=order
        )
        assert answer.status_code == 200, answer.text
        content: dict[str, Any] = answer.json()
        return content

    async def control(self, lever: str, **body: Any) -> dict[str, Any]:
        answer = await self.http.post(f"{self.jira}/control/{lever}", json=body)
        assert answer.is_success, answer.text
        content: dict[str, Any] = answer.json()
        return content

    async def seen(self, number: int) -> list[dict[str, Any]]:
        """What the app has noted, once it is as much as that."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                noted: list[dict[str, Any]] = (await self.http.get(f"{self.ace.url}/seen")).json()
                if len(noted) >= number:
                    return noted
                await asyncio.sleep(0.05)

    async def unimplemented(self) -> list[Any]:
        answer = await self.http.get(f"{self.jira}/control/unimplemented")
        found: list[Any] = answer.json()["unimplemented"]
        return found


@pytest.fixture
async def foreign() -> AsyncIterator[Foreign]:
    async with (
        standin("devstack.jira", "--hook-timeout", "20") as jira,
        running(jira.url) as ace,
        httpx.AsyncClient(trust_env=False, timeout=60) as http,
    ):
        yield Foreign(jira.url, ace, http)


async def install(foreign: Foreign) -> dict[str, Any]:
    return await foreign.act("install", descriptor_url=f"{foreign.ace.url}/atlassian-connect.json")


async def test_a_life_under_connect(foreign: Foreign) -> None:
    site = (await foreign.http.get(f"{foreign.jira}/control/sites/demo")).json()
    assert (await install(foreign))["ok"]
    await foreign.control("issues", issue={"id": 10001, "summary": "Changed"})
    heard = (await foreign.seen(3))[-1]
    assert heard["hook"] == "jira:issue_updated"
    assert (heard["clientKey"], heard["issue"]) == (site["client_key"], "10001")
    assert heard["userAccountId"] == demo.ADMIN
    projects, permissions = heard["answers"]
    assert (projects["status"], projects["body"]["values"][0]["key"]) == (200, "DEMO")
    assert (permissions["status"], permissions["body"]["globalPermissions"]) == (
        200,
        ["ADMINISTER"],
    )
    await foreign.act("rotate_secret")
    await foreign.control("issues", issue={"id": 10001, "summary": "Changed again"})
    assert (await foreign.seen(5))[-1]["answers"][0]["status"] == 200
    await foreign.act("disable")
    await foreign.act("enable")
    await foreign.act("uninstall")
    hooks = [note["hook"] for note in await foreign.seen(9)]
    assert hooks == [
        "installed",
        "enabled",
        "jira:issue_updated",
        "installed",
        "jira:issue_updated",
        "disabled",
        "enabled",
        "disabled",
        "uninstalled",
    ]
    attempts = (await foreign.http.get(f"{foreign.jira}/control/webhooks")).json()["attempts"]
    assert [attempt["outcome"] for attempt in attempts] == ["delivered", "delivered"]
    assert await foreign.unimplemented() == []


async def test_attacks_are_refused_by_it_too(foreign: Foreign) -> None:
    """Those that any verifier must refuse; where the library is lax is known (libraries.md)."""
    assert (await install(foreign))["ok"]
    for attack in (
        *("no_token", "alg_none", "hs256_public_pem", "hs256_shared_secret", "stranger_key"),
        *("kid_unknown", "aud_foreign", "aud_prefix", "aud_missing", "iss_other_tenant"),
        *("qsh_context", "qsh_other_path", "qsh_missing", "expired", "body_other_tenant"),
    ):
        outcome = await foreign.act("forge_lifecycle", attack=attack, hook="installed")
        assert outcome["refused"], (attack, outcome)
    genuine = await foreign.act("forge_lifecycle", deviation={"hook": "installed"})
    assert genuine["status"] == 204


async def test_a_life_under_forge(foreign: Foreign) -> None:
    await foreign.control(
        "forge",
        app_id=APP_ID,
        environment="PRODUCTION",
        base_url=foreign.ace.url,
        endpoints={name: f"/forge/{name}" for name in ("installed", "upgraded", "scheduled")},
    )
    for action in ("forge_install", "forge_upgrade", "forge_scheduled"):
        assert (await foreign.act(action))["ok"], action
    page = await foreign.act("forge_ui", path="/forge/page", tokens=["user", "system"])
    assert page["ok"]
    notes = await foreign.seen(4)
    assert [note["hook"] for note in notes] == [
        *("forge installed", "forge upgraded", "forge scheduled", "forge page")
    ]
    kinds = [note["answers"][0]["body"]["accountType"] for note in notes]
    assert kinds == ["app", "app", "app", "atlassian"]
    assert notes[-1]["principal"] == demo.TESTER
    await foreign.control("forge/keys/rotate")
    withdrawn = (await foreign.control("forge/keys/rotate"))["keys"][-1]["kid"]
    assert (await foreign.act("forge_scheduled"))["ok"]
    await foreign.control("forge/keys/withdraw", kid=withdrawn)
    assert not (await foreign.act("forge_scheduled"))["ok"]
