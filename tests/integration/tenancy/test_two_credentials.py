"""Two Authorization headers are refused by every route that takes a credential of Jira's."""

import json
from collections.abc import Callable

import pytest

from tests.integration.tenancy.browser_calls import FORGE_OWN, MIA, OWN, PAGE, context_token
from tests.integration.tenancy.forge_site import ForgeSite, join
from tests.integration.tenancy.jira_site import JiraSite, qsh
from tests.integration.tenancy.webhook_calls import PATH
from tests.integration.tenancy.world import World
from tests.unit.tenancy import webhook_bodies as bodies

Header = Callable[[JiraSite, ForgeSite], str]

ROUTES: dict[tuple[str, str], Header] = {
    ("POST", "/connect/enabled"): lambda site, _: site.authorization("enabled"),
    ("POST", PATH): lambda site, _: site.symmetric("w", qsh=qsh("POST", PATH)),
    ("GET", OWN): lambda site, _: context_token(site),
    ("GET", FORGE_OWN): lambda _, forge: forge.of_person(MIA),
    ("POST", "/forge/uninstalled"): lambda _, forge: forge.token(),
}


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_two_credentials_are_none(world: World, method: str, path: str) -> None:
    site, tenant = await world.installed()
    forge = world.forge_site()
    await join(world.database, tenant, forge)
    world.clock.advance(seconds=1)
    good = ROUTES[method, path](site, forge)
    body = site.body("enabled") if "connect" in path else json.dumps(bodies.of("user_deleted"))
    content = {} if method == "GET" else {"content": body}

    async def status(*values: str) -> int:
        headers = [("authorization", value) for value in values]
        answer = await world.http.request(method, path, headers=headers, **content)  # type: ignore[arg-type]  # bytes or text
        return answer.status_code

    # whichever of them a proxy looked at, the other one was not looked at
    for pair in ((good, good), (good, "JWT x"), ("Bearer x", good)):
        assert await status(*pair) == 401, pair
    assert await status(good) in {200, 204}


async def test_neither_is_a_page_with_two(world: World) -> None:
    site, _ = await world.installed()
    headers = [("authorization", context_token(site))] * 2
    answer = await world.http.get(PAGE, headers=headers)
    assert answer.status_code == 401
