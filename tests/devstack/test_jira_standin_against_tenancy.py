"""The pack for webhooks, pages, own APIs and Forge against tenancy itself, over loopback."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from devstack.jira import demo
from devstack.jira.route_attacks import ROUTE_ATTACKS
from tests.harness.installation import Installation
from tests.integration.tenancy.forge_site import APP_ID
from tests.integration.tenancy.standin_house import House, standin_house

pytestmark = pytest.mark.long

ROUTES: dict[str, dict[str, Any]] = {
    "webhook": {"path": "/jira/webhooks", "method": "POST", "body": "{}"},
    "iframe": {"path": "/connect/pages/api-tokens?lic=none", "method": "GET"},
    "context": {"path": "/ostro/v1/tenancy/me/tokens", "method": "GET"},
    "forge": {"path": "/forge/refresh", "method": "POST", "body": "{}"},
}


@pytest.fixture(scope="module")
async def house(installation: Installation) -> AsyncIterator[House]:
    async with standin_house(installation) as found:
        order = {"app_id": APP_ID, "base_url": found.world.base}
        await found.control("forge", **order, endpoints={"installed": "/forge/installed"})
        await found.act("forge_install")
        yield found


async def attacked(house: House, order: dict[str, Any]) -> dict[str, Any]:
    answer = await house.jira.post("/control/sites/demo/actions/attack_route", json=order)
    assert answer.status_code == 200, answer.text
    outcome: dict[str, Any] = answer.json()
    return outcome


@pytest.mark.parametrize("attack", ROUTE_ATTACKS)
async def test_tenancy_refuses(house: House, attack: str) -> None:
    route = ROUTE_ATTACKS[attack].route
    person = {"account": demo.TESTER} if route in ("context", "iframe") else {}
    before = await house.world.stored()
    outcome = await attacked(house, {"attack": attack, **ROUTES[route], **person})
    assert outcome["refused"], outcome
    assert await house.world.stored() == before


@pytest.mark.parametrize("route", ROUTES)
async def test_tenancy_takes_a_call_without_deviation(house: House, route: str) -> None:
    person = {"account": demo.TESTER} if route in ("context", "iframe") else {}
    outcome = await attacked(house, {"route": route, **ROUTES[route], **person})
    assert outcome["status"] in (200, 204), outcome
