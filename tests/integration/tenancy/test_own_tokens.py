"""People's own API tokens, from the page inside Jira and from Forge."""

import asyncio
from typing import Any

import httpx
import jwt
import pytest

from kit.auth.principal import Scope
from services.tenancy.api.connect import descriptor
from services.tenancy.usecases import own_tokens
from tests.harness.polling import eventually
from tests.integration.tenancy.browser_calls import (
    FORGE_OWN,
    MIA,
    OWN,
    PAGE,
    TOM,
    context_token,
    iframe_token,
    load,
)
from tests.integration.tenancy.forge_site import ForgeSite, join
from tests.integration.tenancy.jira_site import JiraSite
from tests.integration.tenancy.world import OPERATOR_BY, World


class Browser:
    """Somebody's calls of the own API, in one of the two lives of the app."""

    def __init__(self, world: World, site: JiraSite | ForgeSite, account: str = MIA) -> None:
        self._world = world
        self._site = site
        self._account = account
        self._path = OWN if isinstance(site, JiraSite) else FORGE_OWN

    async def call(self, method: str, path: str = "", **content: Any) -> httpx.Response:
        """Send with a fresh credential."""
        site = self._site
        authorization = (
            context_token(site, sub=self._account)
            if isinstance(site, JiraSite)
            else site.of_person(self._account)
        )
        return await self._world.http.request(
            method, self._path + path, headers={"authorization": authorization}, **content
        )

    async def mint(self, **body: Any) -> httpx.Response:
        return await self.call("POST", json={"name": "laptop", "scopes": ["read"], **body})

    async def names(self) -> list[str]:
        answer = await self.call("GET")
        assert answer.status_code == 200
        return [token["name"] for token in answer.json()["values"]]


async def connect_installed(world: World) -> tuple[JiraSite, str]:
    """Make a tenant with a project in use."""
    site, tenant = await world.installed()
    await world.in_use(tenant)
    return site, tenant


async def forge_installed(world: World) -> tuple[ForgeSite, str]:
    """Make a Connect tenant that has a Forge installation, too."""
    _, tenant = await connect_installed(world)
    site = world.forge_site()
    await join(world.database, tenant, site)
    return site, tenant


@pytest.fixture(params=["connect", "forge"])
async def house(world: World, request: pytest.FixtureRequest) -> tuple[JiraSite | ForgeSite, str]:
    """A site with its tenant, in each life of the app."""
    return await (
        connect_installed(world) if request.param == "connect" else forge_installed(world)
    )


async def test_a_person_mints_uses_lists_and_revokes(
    world: World, house: tuple[JiraSite | ForgeSite, str]
) -> None:
    site, tenant = house
    mia, tom = Browser(world, site), Browser(world, site, TOM)
    made = await mia.mint(scopes=["read", "results"], expiresInDays=7)
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    token = made.json()
    claims = jwt.decode(token["token"], options={"verify_signature": False})
    assert claims["context"]["user"]["accountId"] == MIA
    assert claims["ostro"]["tenant"] == tenant
    assert claims["ostro"]["scopes"] == ["read", "results"]
    used = {"authorization": f"Bearer {token['token']}"}
    assert (await world.http.get("/v2/healthcheck", headers=used)).status_code == 200

    assert await mia.names() == ["laptop"]
    assert await tom.names() == []
    # another person's token is unknown to Tom
    assert (await tom.call("DELETE", f"/{token['id']}")).status_code == 404
    assert (await mia.call("DELETE", f"/{token['id']}")).status_code == 204
    row = await world.database["tokens"].find_one({"id": token["id"]})
    assert row is not None
    assert row["revoked_at"] is not None
    audit = await world.database["audit"].find({"subject": token["id"]}).sort("_id", 1).to_list(9)
    assert [(a["action"], a["actor"], a["account_id"]) for a in audit] == [
        ("token.created", "jira", MIA),
        ("token.revoked", "jira", MIA),
    ]


@pytest.mark.parametrize("scopes", [["admin"], ["read", "admin"]])
async def test_nobody_gives_themselves_admin(
    world: World, house: tuple[JiraSite | ForgeSite, str], scopes: list[str]
) -> None:
    before = await world.stored()
    assert (await Browser(world, house[0]).mint(scopes=scopes)).status_code == 403
    assert await world.stored() == before


async def test_what_is_asked_for_is_checked(
    world: World, house: tuple[JiraSite | ForgeSite, str]
) -> None:
    mia = Browser(world, house[0])
    bad: list[dict[str, Any]] = [
        {"scopes": []},
        {"name": " "},
        {"expiresInDays": 366},
        {"scopes": ["x"]},
    ]
    for body in bad:
        assert (await mia.mint(**body)).status_code == 400, body
    assert (await mia.mint(projects=["NOPE"])).status_code == 404


async def test_who_sees_no_project_in_use_gets_no_token(
    world: World, house: tuple[JiraSite | ForgeSite, str]
) -> None:
    """Customers of a service desk are signed in as everybody else is."""
    site, tenant = house
    for people in (world.servers.customers, world.servers.closed, world.servers.unknown):
        people.add(MIA)
        refused = await Browser(world, site).mint()
        assert refused.status_code == 403
        assert (await Browser(world, site, TOM).mint()).status_code == 201
        people.clear()
    await world.core.projects.switch(tenant, "DEMO", OPERATOR_BY, enabled=False)
    assert (await Browser(world, site).mint()).status_code == 403
    assert await world.database["tokens"].distinct("account_id", {"tenant": tenant}) == [TOM]


@pytest.mark.parametrize("mode", ["down", "unauthorized", "forbidden", "busy", "garbage"])
async def test_no_token_while_jira_does_not_say_who_asks(
    world: World, house: tuple[JiraSite | ForgeSite, str], mode: str
) -> None:
    site, tenant = house
    world.servers.modes["rest"] = mode
    mia = Browser(world, site)
    headers = {
        "authorization": context_token(site) if isinstance(site, JiraSite) else site.of_person(MIA)
    }
    body = {"name": "later", "scopes": ["read"]}
    path = OWN if isinstance(site, JiraSite) else FORGE_OWN
    answer = await world.http.post(path, json=body, headers=headers)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    # what there is can be seen and taken back
    assert await mia.names() == []
    assert await world.database["tokens"].count_documents({"tenant": tenant}) == 0
    world.servers.modes["rest"] = "good"
    # the call was not used up
    assert (await world.http.post(path, json=body, headers=headers)).status_code == 201


async def test_another_tenants_tokens_are_unknown(world: World) -> None:
    mia_here = Browser(world, (await connect_installed(world))[0])
    mia_there = Browser(world, (await connect_installed(world))[0])
    token = (await mia_here.mint()).json()
    assert await mia_there.names() == []
    assert (await mia_there.call("DELETE", f"/{token['id']}")).status_code == 404


async def test_somebody_who_is_not_logged_in_has_none(world: World) -> None:
    site, _ = await world.installed()
    nobody: tuple[Any, ...] = (..., None, "unknown")
    for sub in nobody:
        headers = {"authorization": context_token(site, sub=sub)}
        assert (await world.http.get(OWN, headers=headers)).status_code == 403
    odd: tuple[Any, ...] = (7, "", ["x"], "a" * 129, "a\nb")
    for sub in odd:
        headers = {"authorization": context_token(site, sub=sub)}
        assert (await world.http.get(OWN, headers=headers)).status_code == 401


async def test_a_forge_event_is_nobodys(world: World) -> None:
    site, _ = await forge_installed(world)
    answer = await world.http.get(FORGE_OWN, headers={"authorization": site.token()})
    assert answer.status_code == 403


async def test_an_installation_that_nobody_knows_has_no_tokens(world: World) -> None:
    known, _ = await forge_installed(world)
    stranger, moved = world.forge_site(), world.forge_site()
    moved.installation = known.installation
    for site in (stranger, moved):
        assert (await Browser(world, site).call("GET")).status_code == 403


async def test_a_forge_call_mints_once(world: World) -> None:
    site, tenant = await forge_installed(world)
    headers = {"authorization": site.of_person(MIA)}
    body = {"name": "once", "scopes": ["read"]}
    answers = [await world.http.post(FORGE_OWN, json=body, headers=headers) for _ in range(2)]
    assert [a.status_code for a in answers] == [201, 409]
    assert await world.database["tokens"].count_documents({"tenant": tenant}) == 1


async def test_a_forge_call_that_comes_many_times_at_once_mints_once(world: World) -> None:
    site, tenant = await forge_installed(world)
    headers = {"authorization": site.of_person(MIA)}
    body = {"name": "once", "scopes": ["read"]}
    answers = await asyncio.gather(
        *(world.http.post(FORGE_OWN, json=body, headers=headers) for _ in range(8))
    )
    assert sorted(a.status_code for a in answers) == [201] + [409] * 7
    assert await world.database["tokens"].count_documents({"tenant": tenant}) == 1


async def test_a_person_has_only_so_many_tokens(
    world: World, house: tuple[JiraSite | ForgeSite, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_tokens, "MOST_TOKENS", 3)
    mia, tom = Browser(world, house[0]), Browser(world, house[0], TOM)
    made = [(await mia.mint(expiresInDays=1)).json()["id"] for _ in range(3)]
    # a token that was revoked is told to every service until it would have expired
    assert (await mia.call("DELETE", f"/{made[0]}")).status_code == 204
    refused = await mia.mint()
    assert refused.status_code == 409
    assert "3 tokens" in refused.json()["message"]
    assert (await tom.mint()).status_code == 201
    world.clock.advance(days=1, seconds=1)
    assert (await mia.mint()).status_code == 201


async def test_a_secret_ends_with_the_connect_life_though_forge_goes_on(world: World) -> None:
    site, tenant = await world.installed()
    await join(world.database, tenant, world.forge_site())
    world.clock.advance(seconds=1)
    assert (await world.call(site, "uninstalled")).status_code == 204
    row = await world.tenant_of(site)
    assert (row["status"], row["install"]["removed"]) == ("active", True)

    async def off() -> bool:
        called = await Browser(world, site).call("GET")
        page = await load(world, iframe_token(site))
        return {page.status_code, called.status_code} == {403}

    await eventually(off, seconds=1.5)


@pytest.mark.parametrize("hook", ["disabled", "uninstalled"])
async def test_an_app_that_is_off_serves_no_page_and_no_call(world: World, hook: str) -> None:
    site, _ = await world.installed()
    world.clock.advance(seconds=1)
    assert (await world.call(site, hook)).status_code == 204
    world.clock.advance(seconds=1)

    async def off() -> bool:
        called = await Browser(world, site).call("GET")
        page = await load(world, iframe_token(site))
        return {page.status_code, called.status_code} <= {401, 403}

    # what was read of a tenant counts for under a second
    await eventually(off, seconds=1.5)


async def test_the_page_loads_nothing_from_elsewhere_but_atlassians_script(world: World) -> None:
    site, _ = await world.installed()
    answer = await load(world, iframe_token(site))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "no-store" in answer.headers["cache-control"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "x-frame-options" not in answer.headers
    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";")
    )
    script = "https://connect-cdn.atl-paas.net/all.js"
    assert policy == {
        "default-src": "'none'",
        "script-src": f"'self' {script}",
        "style-src": "'self'",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": site.base_url,
    }
    text = answer.text
    assert text.replace(script, "").count("http") == 0
    assert "<script>" not in text
    for name in ("api-tokens.js", "api-tokens.css"):
        assert f'"{name}"' in text
        assert (await world.http.get(f"/connect/pages/{name}")).status_code == 200
    assert (await world.http.get("/connect/pages/..%2fconnect.py")).status_code == 404


def test_the_descriptor_names_the_page() -> None:
    modules = descriptor("k", "https://app.example")["modules"]
    assert PAGE in {page["url"] for page in modules["generalPages"]}


async def test_an_api_token_is_not_a_person_inside_jira(world: World) -> None:
    _, tenant = await world.installed()
    headers = await world.token(tenant, *Scope)
    for path in (OWN, FORGE_OWN):
        assert (await world.http.get(path, headers=headers)).status_code == 401
