"""The stand-in's attacks on webhooks, pages, the browser API and Forge's calls; all are refused.

The pack was written apart from the service. A new attack of it is tried by itself, on every route
of its kind; a new kind of route fails here until it has its routes below.
"""

import json
from collections.abc import AsyncIterator

import pytest

from devstack.jira import demo
from devstack.jira.route_attacks import ROUTE_ATTACKS
from devstack.jira.route_forgery import Aim, RouteDeviation, RouteForger
from tests.integration.tenancy.browser_calls import FORGE_OWN, OWN, PAGE
from tests.integration.tenancy.standin_here import Here, beside
from tests.integration.tenancy.world import World

_MINT = json.dumps({"name": "stolen", "scopes": ["write"]}).encode()
_ISSUE = json.dumps({"webhookEvent": "jira:issue_deleted", "issue": {"id": "10001"}}).encode()
PERSON = demo.TESTER
AIMS: dict[str, tuple[Aim, ...]] = {
    "webhook": (
        Aim("webhook", "POST", "/jira/webhooks", _ISSUE),
        Aim("webhook", "POST", "/jira/webhooks/dynamic", _ISSUE),
    ),
    "iframe": (Aim("iframe", "GET", f"{PAGE}?lic=active&xdm_e=x"),),
    "context": (
        Aim("context", "POST", OWN, _MINT, PERSON),
        Aim("context", "GET", OWN, account_id=PERSON),
    ),
    "forge": (
        Aim("forge", "POST", FORGE_OWN, _MINT, PERSON),
        *(
            Aim("forge", "POST", f"/forge/{event}", b"{}")
            for event in ("installed", "upgraded", "refresh", "uninstalled")
        ),
    ),
}


@pytest.fixture(scope="module")
async def here(running: World) -> AsyncIterator[Here]:
    found = beside(running)
    await found.forge_installed()
    await running.in_use(await found.tenant())
    # the next unknown kid makes the service look at the set again
    running.clock.advance(minutes=2)
    yield found
    await found.standin.sender.close()


async def sent(here: Here, aim: Aim, deviation: RouteDeviation) -> int | None:
    here.follow()
    connect, forge = await here.installed(), here.site.forge
    app = here.standin.world.state.forge_app
    assert forge is not None
    assert app is not None
    forger = RouteForger(here.standin.world, here.site, connect, (app, forge))
    return (await here.standin.sender.send(forger.forge(aim, deviation, "attack"))).status


@pytest.mark.parametrize("name", ROUTE_ATTACKS)
async def test_an_attack_changes_nothing(world: World, here: Here, name: str) -> None:
    attack = ROUTE_ATTACKS[name]
    before = await world.stored()
    for aim in AIMS[attack.route]:
        assert await sent(here, aim, attack.deviation()) == 401, aim
    assert await world.stored() == before


@pytest.mark.parametrize("kind", AIMS)
async def test_the_same_call_without_the_deviation_is_let_in(
    world: World, here: Here, kind: str
) -> None:
    """So a refusal above is due to the deviation alone."""
    for aim in AIMS[kind]:
        assert await sent(here, aim, RouteDeviation()) in {200, 201, 204}, aim
