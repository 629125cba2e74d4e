"""The attack pack for webhooks, pages, own APIs and Forge: a strict app refuses each."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from devstack.jira import demo
from devstack.jira.route_attacks import ROUTE_ATTACKS
from devstack.standin.clock import Clock
from tests.devstack.forge_receiver import APP_ID, ForgeReceiver
from tests.devstack.jira_receiver import BASE_URL
from tests.devstack.jira_world import Wired, wired

NOW = 1_800_000_000
ROUTES: dict[str, dict[str, Any]] = {
    "webhook": {"path": "/hooks/all", "method": "POST", "body": "{}"},
    "iframe": {"path": "/page?lic=active&xdm_e=x", "method": "GET"},
    "context": {"path": "/api/me", "method": "GET", "account": demo.TESTER},
    "forge": {"path": "/forge/scheduled", "method": "POST", "body": "{}"},
}


@pytest.fixture(scope="module")
async def jira() -> AsyncIterator[Wired]:
    """No attack changes anything, so all of them share one world."""
    clock = Clock(NOW)
    app = ForgeReceiver(clock.now)
    async with wired(clock=clock, seed=5, routes=[app.route()]) as connected:
        app.keys = connected.client
        await connected.act("install")
        await connected.control("forge", app_id=APP_ID, base_url=BASE_URL)
        await connected.act("forge_install")
        yield connected


@pytest.mark.parametrize("attack", ROUTE_ATTACKS)
async def test_a_strict_app_refuses(jira: Wired, attack: str) -> None:
    order = ROUTES[ROUTE_ATTACKS[attack].route]
    outcome = await jira.act("attack_route", attack=attack, **order)
    assert outcome["refused"], outcome
    assert outcome["note"] == f"forged: {attack}"


@pytest.mark.parametrize("route", ROUTES)
async def test_a_call_without_deviation_is_accepted(jira: Wired, route: str) -> None:
    """So a refusal above is due to the deviation alone."""
    outcome = await jira.act("attack_route", route=route, **ROUTES[route])
    assert outcome["status"] == 204, (outcome, jira.receiver.refusals)
    page = await jira.act("attack_route", route="forge", path="/forge/x", account=demo.TESTER)
    assert page["status"] == 204


async def test_the_pack_is_listed_with_the_kinds_of_routes(jira: Wired) -> None:
    listed = (await jira.view("attacks"))["attacks"]
    named = {attack["name"]: attack["route"] for attack in listed}
    assert {name: named[name] for name in ROUTE_ATTACKS} == {
        name: attack.route for name, attack in ROUTE_ATTACKS.items()
    }
    assert set(named.values()) == {"lifecycle", *ROUTES}


async def test_wrong_orders_are_told(jira: Wired) -> None:
    path = "/control/sites/demo/actions/attack_route"
    unknown = await jira.client.post(path, json={"attack": "nope", "path": "/x"})
    routeless = await jira.client.post(path, json={"path": "/x"})
    async with wired() as bare:
        order = {"attack": "forge_alg_none", "path": "/x"}
        nobody = await bare.client.post(path, json=order)
    assert [one.status_code for one in (unknown, routeless, nobody)] == [404, 400, 409]


async def test_the_request_is_shown_raw_when_asked(jira: Wired) -> None:
    order = ROUTES["iframe"]
    hidden = await jira.act("attack_route", attack="iframe_alg_none", **order)
    shown = await jira.act("attack_route", attack="iframe_alg_none", raw=True, **order)
    assert "jwt=" not in hidden["url"]
    assert "jwt=ey" in shown["url"]
