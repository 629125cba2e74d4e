"""The project directory: from Jira, without Jira, under /v2 and for administrators."""

import asyncio
import base64
import json
from typing import Any

import httpx
import pytest

from contracts.ids import MAX_PROJECT_ID
from contracts.topics import PROJECT_STATE
from kit.auth.principal import Scope
from services.tenancy.usecases.projects import Wanted
from tests.harness.polling import eventually
from tests.integration.tenancy.jira_site import APP_KEY, b64, qsh
from tests.integration.tenancy.world import OPERATOR_BY, World

ADMIN = "/ostro/v1/tenancy/projects"


async def enable(world: World, headers: dict[str, str], **body: Any) -> httpx.Response:
    return await world.http.post(ADMIN, json=body, headers=headers)


async def test_enabled_by_key_with_what_jira_says(world: World) -> None:
    site, tenant = await world.installed()
    headers = await world.token(tenant)
    answer = await enable(world, headers, key="DEMO")
    assert answer.status_code == 201
    project = answer.json()
    assert project == {
        "id": project["id"],
        "jiraProjectId": 10000,
        "key": "DEMO",
        "enabled": True,
    }
    assert 1 <= project["id"] <= MAX_PROJECT_ID

    states = await eventually(
        lambda: world.newest(PROJECT_STATE), lambda s: f"{tenant}/{project['id']}" in s
    )
    event = states[f"{tenant}/{project['id']}"]
    assert event is not None
    assert event.data.model_dump() == {
        "id": project["id"],
        "jira_project_id": 10000,
        "key": "DEMO",
        "aliases": (),
        "enabled": True,
        "deleted": False,
        "enforced": False,
    }
    usage = await eventually(lambda: world.usage(tenant), lambda u: len(u) == 3)
    enabled = next(e.data for e in usage if e.data.name == "Enabled project")
    assert (enabled.project, enabled.account_id, enabled.url_path) == (
        project["id"],
        "557058:acc",
        ADMIN,
    )
    # the name that Jira told is kept nowhere
    stored = await world.database["projects"].find({"tenant": tenant}).to_list(None)
    assert "Secret name" not in str(stored)

    again = await enable(world, headers, jiraProjectId=10000)
    assert (again.status_code, again.json()) == (200, project)
    assert len(await world.database["projects"].find({"tenant": tenant}).to_list(None)) == 1
    assert len(world.servers.calls) == 2
    assert world.servers.calls[0][0] == "/rest/api/3/project/DEMO"
    assert site.secret not in str(world.servers.calls)


async def test_the_call_to_jira_is_signed_for_exactly_this_request(world: World) -> None:
    site, tenant = await world.installed()
    await world.core.projects.enable(tenant, Wanted("DEMO"), OPERATOR_BY)
    path, authorization = world.servers.calls[0]
    assert authorization is not None
    scheme, _, token = authorization.partition(" ")
    head, body, signature = token.split(".")
    assert scheme == "JWT"
    assert json.loads(base64.urlsafe_b64decode(head + "==")) == {"typ": "JWT", "alg": "HS256"}
    now = int(world.clock.now().timestamp())
    assert json.loads(base64.urlsafe_b64decode(body + "==")) == {
        "iss": APP_KEY,
        "iat": now,
        "exp": now + 180,
        "qsh": qsh("GET", path),
    }
    import hmac

    expected = hmac.digest(site.secret.encode(), f"{head}.{body}".encode(), "sha256")
    assert signature == b64(expected)


@pytest.mark.parametrize(
    ("mode", "code", "retry_after"),
    [
        ("down", 503, "5"),
        ("unauthorized", 503, "60"),
        ("redirect", 503, "5"),
        ("garbage", 503, "5"),
        ("huge", 503, "5"),
        ("forbidden", 403, None),
        ("busy", 429, "17"),
        ("odd", 400, None),
    ],
)
async def test_when_jira_does_not_tell(
    world: World, mode: str, code: int, retry_after: str | None
) -> None:
    _, tenant = await world.installed()
    headers = await world.token(tenant)
    world.servers.modes["rest"] = mode
    answer = await enable(world, headers, key="DEMO")
    assert (answer.status_code, answer.headers.get("retry-after")) == (code, retry_after)
    assert answer.json()["errorCode"] == code
    assert await world.database["projects"].count_documents({"tenant": tenant}) == 0


async def test_what_jira_does_not_show_is_not_found(world: World) -> None:
    _, tenant = await world.installed()
    headers = await world.token(tenant)
    assert (await enable(world, headers, key="NOPE")).status_code == 404
    assert (await enable(world, headers, key="../secret?x#y")).status_code == 404
    assert world.servers.calls[-1][0] == "/rest/api/3/project/..%2Fsecret%3Fx%23y"
    assert (await enable(world, headers, key="OTHER", jiraProjectId=10000)).status_code == 400
    assert (await enable(world, headers)).status_code == 400


async def test_jiras_new_key_becomes_an_alias(world: World) -> None:
    _, tenant = await world.installed()
    headers = await world.token(tenant)
    project = (await enable(world, headers, key="DEMO")).json()
    world.servers.modes["rest"] = "renamed"
    assert (await enable(world, headers, key="SHOP")).json() == project
    for name in ("DEMO", "SHOP", str(project["id"])):
        answer = await world.http.get(f"/v2/projects/{name}", headers=headers)
        assert answer.json() == project


async def test_without_jira_the_request_says_it(world: World) -> None:
    tenant = await world.plain_tenant()
    headers = await world.token(tenant)
    one = (await enable(world, headers, key="ONE")).json()
    assert one["jiraProjectId"] == one["id"]
    two = (await enable(world, headers, key="TWO", jiraProjectId=77)).json()
    assert two["jiraProjectId"] == 77
    assert (await enable(world, headers, key="TWO", jiraProjectId=78)).status_code == 409
    assert (await enable(world, headers, key="THREE", jiraProjectId=77)).json() == two
    for key in ("lower", "A", "1AB", "A-B", "Ä1", "A" * 65, ""):
        assert (await enable(world, headers, key=key)).status_code == 400, key
    assert (await enable(world, headers, jiraProjectId=5)).status_code == 400


async def test_a_new_project_may_ask_for_an_id(world: World) -> None:
    headers = await world.token(await world.plain_tenant())
    made = await enable(world, headers, key="ONE", id=77)
    assert (made.status_code, made.json()["id"]) == (201, 77)
    # again, with and without
    assert (await enable(world, headers, key="ONE", id=77)).json() == made.json()
    assert (await enable(world, headers, key="ONE")).json() == made.json()
    assert (await enable(world, headers, key="ONE", id=78)).status_code == 409
    assert (await enable(world, headers, key="TWO", id=77)).status_code == 409
    for wrong in (0, 2**20, "x"):
        assert (await enable(world, headers, key="TWO", id=wrong)).status_code == 400


async def test_list_get_and_pages(world: World) -> None:
    tenant = await world.plain_tenant()
    headers = await world.token(tenant)
    made = {k: (await enable(world, headers, key=k)).json() for k in ("AA", "BB", "CC")}
    by_id = sorted(made.values(), key=lambda p: p["id"])

    whole = (await world.http.get("/v2/projects", headers=headers)).json()
    assert whole == {
        "next": None,
        "startAt": 0,
        "maxResults": 10,
        "total": 3,
        "isLast": True,
        "values": by_id,
    }
    first = (await world.http.get("/v2/projects?maxResults=2", headers=headers)).json()
    assert (first["isLast"], first["values"]) == (False, by_id[:2])
    assert first["next"] == f"{world.base}/v2/projects?startAt=2&maxResults=2"
    second = (await world.http.get(first["next"], headers=headers)).json()
    assert (second["isLast"], second["next"], second["values"]) == (True, None, by_id[2:])
    assert (await world.http.get("/v2/projects/AA", headers=headers)).json() == made["AA"]

    admin = (await world.http.get(f"{ADMIN}?maxResults=1", headers=headers)).json()
    assert admin["next"] == f"{world.base}{ADMIN}?startAt=1&maxResults=1"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v2/projects/NOPE", 404),
        ("/v2/projects/999999999", 404),
        ("/v2/projects/99999999999999999999999", 404),
        ("/v2/projects/demo", 400),
        ("/v2/projects/A%2FB", 404),
        ("/v2/projects?maxResults=x", 400),
        ("/v2/projects?startAt=-1", 400),
        ("/v2/projects/AA/more", 404),
        ("/v2/nothing/here", 404),
        ("/v2", 404),
    ],
)
async def test_errors_have_the_vendors_shape(world: World, path: str, code: int) -> None:
    headers = await world.token(await world.plain_tenant())
    answer = await world.http.get(path, headers=headers)
    assert answer.status_code == code
    assert answer.json().keys() == {"errorCode", "message"}
    assert answer.json()["errorCode"] == code


async def test_disabled_projects_are_hidden_and_come_back(world: World) -> None:
    tenant = await world.plain_tenant()
    headers = await world.token(tenant)
    project = (await enable(world, headers, key="DEMO")).json()
    path = f"{ADMIN}/DEMO"

    off = await world.http.put(path, json={"enabled": False}, headers=headers)
    assert off.json() == {**project, "enabled": False}
    assert (await world.http.get("/v2/projects", headers=headers)).json()["total"] == 0
    assert (await world.http.get("/v2/projects/DEMO", headers=headers)).status_code == 404
    assert (await world.http.get(ADMIN, headers=headers)).json()["values"] == [off.json()]
    assert (await enable(world, headers, key="DEMO")).json() == project

    await world.http.put(path, json={"enabled": False}, headers=headers)
    on = await world.http.put(path, json={"enabled": True}, headers=headers)
    assert on.json() == project
    assert (await world.http.put(path, json={}, headers=headers)).status_code == 400
    typo = await world.http.put(path, json={"enabled": True, "enable": False}, headers=headers)
    assert (typo.status_code, "enable is no field" in typo.json()["message"]) == (400, True)
    missing = await world.http.put(f"{ADMIN}/NOPE", json={"enabled": True}, headers=headers)
    assert missing.status_code == 404
    actions = [
        row["action"]
        for row in await world.database["audit"].find({"tenant": tenant}).sort("at").to_list(None)
        if row["action"].startswith("project.")
    ]
    assert sorted(actions) == ["project.disabled"] * 2 + ["project.enabled"] * 3


async def test_the_same_project_enabled_many_times_at_once_is_one(world: World) -> None:
    tenant = await world.plain_tenant()
    headers = await world.token(tenant)
    answers = await asyncio.gather(*(enable(world, headers, key="RACE") for _ in range(8)))
    assert {a.status_code for a in answers} == {200, 201}
    assert [a.status_code for a in answers].count(201) == 1
    assert len({a.json()["id"] for a in answers}) == 1


async def test_only_what_the_token_may_see(world: World) -> None:
    tenant = await world.plain_tenant()
    admin = await world.token(tenant)
    for key in ("SEEN", "HIDDEN"):
        await enable(world, admin, key=key)
    limited = await world.token(tenant, Scope.READ, projects=["SEEN"])
    listed = (await world.http.get("/v2/projects", headers=limited)).json()
    assert [p["key"] for p in listed["values"]] == ["SEEN"]
    assert (await world.http.get("/v2/projects/SEEN", headers=limited)).status_code == 200
    assert (await world.http.get("/v2/projects/HIDDEN", headers=limited)).status_code == 404


@pytest.mark.parametrize("scope", [Scope.READ, Scope.WRITE, Scope.RESULTS])
async def test_administration_needs_the_scope_admin(world: World, scope: Scope) -> None:
    tenant = await world.plain_tenant()
    headers = await world.token(tenant, scope)
    before = await world.stored()
    answers = [
        await enable(world, headers, key="DEMO"),
        await world.http.get(ADMIN, headers=headers),
        await world.http.put(f"{ADMIN}/DEMO", json={"enabled": False}, headers=headers),
    ]
    assert [a.status_code for a in answers] == [403] * 3
    assert await world.stored() == before
    reads = (await world.http.get("/v2/projects", headers=headers)).status_code
    assert reads == (200 if scope is Scope.READ else 403)


async def test_another_tenants_project_is_unknown(world: World) -> None:
    one, two = await world.plain_tenant(), await world.plain_tenant()
    project = (await enable(world, await world.token(one), key="MINE")).json()
    headers = await world.token(two)
    for name in ("MINE", str(project["id"])):
        unknown = await world.http.get("/v2/projects/NOPE", headers=headers)
        foreign = await world.http.get(f"/v2/projects/{name}", headers=headers)
        assert foreign.status_code == unknown.status_code == 404
        assert foreign.json()["message"] == unknown.json()["message"].replace("NOPE", name)
        put = await world.http.put(f"{ADMIN}/{name}", json={"enabled": False}, headers=headers)
        assert put.status_code == 404
    # the same key is free for everybody
    assert (await enable(world, headers, key="MINE")).status_code == 201


async def test_an_uninstalled_tenant_enables_nothing(world: World) -> None:
    from kit.errors import Conflict

    site, tenant = await world.installed()
    world.clock.advance(seconds=1)
    await world.call(site, "uninstalled")
    with pytest.raises(Conflict):
        await world.core.projects.enable(tenant, Wanted("DEMO"), OPERATOR_BY)
