"""Forge: invocation tokens, lifecycle, events with retries, pages, and the tokens lent."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from devstack.jira import demo
from devstack.standin.clock import Clock
from tests.devstack.forge_receiver import APP_ID, JWKS, ForgeReceiver
from tests.devstack.jira_receiver import APP_KEY, BASE_URL
from tests.devstack.jira_world import Wired, wired

NOW = 1_800_000_000
HOUR = 3600


@dataclass
class ForgeWired:
    jira: Wired
    app: ForgeReceiver

    @property
    def cloud_id(self) -> str:
        return self.jira.standin.world.state.sites["demo"].cloud_id

    @property
    def api(self) -> str:
        return f"/ex/jira/{self.cloud_id}"

    async def get(self, target: str, token: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"}
        return await self.jira.client.get(target, headers=headers)

    async def describe(self, **more: object) -> None:
        endpoints = {name: f"/forge/{name}" for name in ("installed", "upgraded", "scheduled")}
        await self.jira.control(
            "forge",
            app_id=APP_ID,
            environment={"type": "PRODUCTION", "id": "aaaa"},
            base_url=BASE_URL,
            endpoints=endpoints | {"preUninstall": "/forge/uninstalled"},
            triggers={"avi:jira:deleted:issue": "/forge/events"},
            **more,
        )


@pytest.fixture
async def forge() -> AsyncIterator[ForgeWired]:
    clock = Clock(NOW)
    app = ForgeReceiver(clock.now)
    async with wired(clock=clock, seed=5, routes=[app.route()]) as jira:
        app.keys = jira.client
        found = ForgeWired(jira, app)
        await found.describe()
        yield found


async def test_an_install_is_an_event_with_a_system_token(forge: ForgeWired) -> None:
    outcome = await forge.jira.act("forge_install")
    assert (outcome["ok"], outcome["state"]) == (True, "installed")
    (call,) = forge.app.seen
    claims, cloud = call.claims, forge.cloud_id
    assert call.path == "installed"
    assert call.body["eventType"] == "avi:forge:installed:app"
    assert claims["app"]["apiBaseUrl"] == f"http://jira.test{forge.api}"
    assert claims["app"]["environment"]["id"].endswith("/aaaa")
    assert claims["app"]["installation"]["contexts"][0]["cloudId"] == cloud
    assert claims["app"]["module"] == {"type": "core:endpoint", "key": "installed"}
    assert "principal" not in claims
    assert "context" not in claims
    assert "x-forge-oauth-user" not in call.headers
    assert len(call.headers["x-b3-traceid"]) == 32
    project = await forge.get(f"{forge.api}/rest/api/3/project/DEMO", call.system_token)
    assert project.json()["id"] == "10000"
    again = await forge.get(f"/api{forge.api}/rest/api/3/myself", call.system_token)
    assert again.json()["accountType"] == "app"


async def test_system_tokens_live_55_minutes_and_the_schedule_brings_new_ones(
    forge: ForgeWired,
) -> None:
    await forge.jira.act("forge_install")
    target = f"{forge.api}/rest/api/3/myself"
    await forge.jira.control("clock/advance", seconds=55 * 60 - 1)
    assert (await forge.get(target, forge.app.seen[0].system_token)).status_code == 200
    await forge.jira.control("clock/advance", seconds=1)
    assert (await forge.get(target, forge.app.seen[0].system_token)).status_code == 401
    assert (await forge.jira.act("forge_scheduled"))["ok"]
    assert forge.app.seen[1].path == "scheduled"
    assert (await forge.get(target, forge.app.seen[1].system_token)).status_code == 200


async def test_a_page_acts_for_a_person(forge: ForgeWired) -> None:
    await forge.jira.act("forge_install")
    forge.app.answers = [200]
    outcome = await forge.jira.act(
        "forge_ui", path="/forge/page", account=demo.TESTER, body={"x": 1}
    )
    assert outcome["deliveries"][0]["answer_body"] == '{"heard":"page"}'
    call = forge.app.seen[-1]
    assert (call.body, call.claims["principal"]) == ({"x": 1}, demo.TESTER)
    assert call.claims["context"]["cloudId"] == forge.cloud_id
    assert "x-forge-oauth-system" not in call.headers
    token = call.headers["x-forge-oauth-user"]
    own = await forge.get(f"{forge.api}/rest/api/3/myself", token)
    assert own.json()["accountId"] == demo.TESTER
    body = {"globalPermissions": ["ADMINISTER"]}
    answer = await forge.jira.client.post(
        f"{forge.api}/rest/api/3/permissions/check",
        json=body,
        headers={"authorization": f"Bearer {token}"},
    )
    assert answer.json()["globalPermissions"] == []
    await forge.jira.control("grants", grants=[])
    hidden = await forge.get(f"{forge.api}/rest/api/3/project/DEMO", token)
    assert hidden.status_code == 404  # the narrower of person and app


async def test_an_upgrade_may_leave_permissions_behind_for_a_while(forge: ForgeWired) -> None:
    await forge.jira.act("forge_install")
    await forge.jira.act("forge_upgrade", denied_seconds=20)
    call = forge.app.seen[-1]
    assert (call.path, call.claims["app"]["appVersion"]) == ("upgraded", "1.1.0")
    target = f"{forge.api}/rest/api/3/myself"
    assert (await forge.get(target, call.system_token)).status_code == 403
    await forge.jira.control("clock/advance", seconds=20)
    assert (await forge.get(target, call.system_token)).status_code == 200


async def test_an_uninstall_is_told_first_and_then_nothing_works(forge: ForgeWired) -> None:
    await forge.jira.act("forge_install")
    outcome = await forge.jira.act("forge_uninstall")
    assert outcome["state"] == "uninstalled"
    assert [call.path for call in forge.app.seen] == ["installed", "uninstalled"]
    target = f"{forge.api}/rest/api/3/myself"
    for call in forge.app.seen:
        assert (await forge.get(target, call.system_token)).status_code == 401
    gone = await forge.jira.client.post("/control/sites/demo/actions/forge_scheduled", json={})
    assert gone.status_code == 409


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_events_are_tried_again_with_a_new_token(forge: ForgeWired, status: int) -> None:
    forge.app.answers = [status, status]
    outcome = await forge.jira.act("forge_install")
    assert (outcome["ok"], outcome["state"]) == (False, "installed")
    assert await forge.jira.deliver() == []
    await forge.jira.control("clock/advance", seconds=60)
    assert await forge.jira.deliver() == ["retry"]
    await forge.jira.control("clock/advance", seconds=120)
    assert await forge.jira.deliver() == ["delivered"]
    assert len({call.claims["jti"] for call in forge.app.seen}) == 3
    assert len({str(call.body) for call in forge.app.seen}) == 1


async def test_events_are_given_up_after_four_retries(forge: ForgeWired) -> None:
    forge.app.answers = [500] * 9
    await forge.jira.act("forge_install")
    outcomes = []
    for _ in range(6):
        await forge.jira.control("clock/advance", seconds=HOUR)
        outcomes += await forge.jira.deliver()
    assert outcomes == ["retry", "retry", "retry", "given_up"]
    assert len(forge.app.seen) == 5


async def test_a_refused_event_is_not_repeated(forge: ForgeWired) -> None:
    forge.app.answers = [401]
    await forge.jira.act("forge_install")
    await forge.jira.control("clock/advance", seconds=HOUR)
    assert await forge.jira.deliver() == []


async def test_triggers_bring_product_events(forge: ForgeWired) -> None:
    await forge.jira.act("forge_install")
    await forge.jira.control("issues", issue={"id": 10002, "summary": "No trigger"})
    await forge.jira.control("issues/10002/delete")
    assert await forge.jira.deliver() == ["delivered"]
    call = forge.app.seen[-1]
    assert call.path == "events"
    assert call.body["eventType"] == "avi:jira:deleted:issue"
    assert call.body["issue"]["id"] == "10002"
    assert call.body["atlassianId"] == demo.ADMIN
    assert "emailAddress" not in str(call.body)


async def test_the_key_set_rotates_and_has_bad_days(forge: ForgeWired) -> None:
    jira = forge.jira
    shown = await jira.control("forge/keys/rotate")
    assert len((await jira.client.get(JWKS)).json()["keys"]) == 2
    await jira.act("forge_install")
    await jira.control("forge/keys/withdraw", kid=shown["keys"][-1]["kid"])
    outcome = await jira.act("forge_scheduled")
    assert not outcome["ok"]
    assert "kid is not in the set" in forge.app.refusals[-1]
    seen = {}
    for fault in ("down", "html", "redirect", "huge", "wrong_key", "404", "none"):
        await jira.control("forge/key-server", fault=fault)
        seen[fault] = await jira.client.get(JWKS)
    assert [answer.status_code for answer in seen.values()] == [503, 200, 302, 200, 200, 404, 200]
    assert seen["wrong_key"].json()["keys"][0]["n"] != seen["none"].json()["keys"][0]["n"]
    assert len(seen["huge"].content) > 1_000_000
    unknown = await jira.client.post("/control/forge/keys/withdraw", json={"kid": "x"})
    assert unknown.status_code == 404


async def test_the_installation_api(forge: ForgeWired) -> None:
    await forge.jira.act("forge_install")
    token = forge.app.seen[0].system_token
    base = "/forge/installation/v1"
    assert (await forge.get(f"{base}/license", token)).json()["results"][0]["data"] is None
    await forge.jira.control("sites/demo/licence", state="evaluation")
    data = (await forge.get(f"/api{base}/license", token)).json()["results"][0]["data"]
    assert (data["isActive"], data["isEvaluation"]) == (True, True)
    await forge.jira.act("forge_scheduled")
    assert forge.app.seen[-1].claims["app"]["license"] == {"isActive": True}
    ari = forge.app.seen[0].claims["app"]["installationId"]
    for path in (f"installation/{ari}", f"app/env/installation/{ari.rpartition('/')[2]}"):
        found = await forge.get(f"{base}/{path}", token)
        assert (found.status_code, found.json()["appVersion"]) == (200, "1.0.0")
    assert (await forge.get(f"{base}/installation/other", token)).status_code == 403
    assert (await forge.get(f"{base}/license", "made-up")).status_code == 401


async def test_the_gateway_takes_only_tokens_of_the_site(forge: ForgeWired) -> None:
    jira = forge.jira
    await jira.control("sites", name="b", base_url="http://site-b.test")
    await jira.act("forge_install")
    await jira.act("forge_install", site="b")
    mine, other = forge.app.seen
    assert mine.claims["app"]["installationId"] != other.claims["app"]["installationId"]
    target = f"{forge.api}/rest/api/3/myself"
    assert (await forge.get(target, other.system_token)).status_code == 401
    assert (await jira.client.get(target)).status_code == 401
    assert (await forge.get("/ex/jira/nobody/rest/api/3/myself", "x")).status_code == 404
    on_the_site = await forge.get("/rest/api/3/myself", mine.system_token)
    assert on_the_site.status_code == 401
    await jira.control("faults", path="/rest/api/3/myself", status=429)
    assert (await forge.get(target, mine.system_token)).status_code == 429
    await jira.control("sites/demo/suspend", suspended=True)
    assert (await forge.get(target, mine.system_token)).status_code == 503


async def test_an_app_that_came_from_connect(forge: ForgeWired) -> None:
    jira = forge.jira
    await jira.act("install")
    await jira.act("forge_register")
    await forge.describe(connect_key=APP_KEY)
    await jira.act("forge_install")
    await jira.act("update", major=True)
    call = forge.app.seen[0]
    body = jira.receiver.seen[-1][2]
    assert call.claims["app"]["installationId"] == body["installationId"]
    name = "connect_client_key_019cdff3-8bfb-71fe-9628-875b700aebb8"
    reserved = f"/rest/atlassian-connect/1/addons/{APP_KEY}/properties/{name}"
    answer = await forge.get(forge.api + reserved, call.system_token)
    assert answer.json()["value"] == body["clientKey"]
    assert (await jira.get(reserved)).status_code == 404
    await jira.act("uninstall")
    assert (await forge.get(forge.api + reserved, call.system_token)).status_code == 404


async def test_the_installation_id_may_change_silently(forge: ForgeWired) -> None:
    await forge.jira.act("forge_install")
    assert (await forge.jira.act("forge_new_installation_id"))["deliveries"] == []
    await forge.jira.act("forge_scheduled")
    ids = {call.claims["app"]["installationId"] for call in forge.app.seen}
    assert len(ids) == 2


async def test_orders_that_make_no_sense(forge: ForgeWired) -> None:
    client = forge.jira.client
    actions = "/control/sites/demo/actions"
    early = await client.post(f"{actions}/forge_ui", json={"path": "/x"})
    await forge.jira.act("forge_install")
    nowhere = await client.post(f"{actions}/forge_ui", json={})
    nobody = await client.post(f"{actions}/forge_ui", json={"path": "/x", "account": "z"})
    assert [early.status_code, nowhere.status_code, nobody.status_code] == [409, 409, 409]
    bad = {"app_id": "x", "base_url": BASE_URL, "endpoints": {"launched": "/x"}}
    assert (await client.post("/control/forge", json=bad)).status_code == 400


async def test_app_properties_through_connect(forge: ForgeWired) -> None:
    jira = forge.jira
    await jira.act("install")
    target = f"/rest/atlassian-connect/1/addons/{APP_KEY}/properties/note"
    assert (await jira.get(target)).status_code == 404
    assert (await jira.send("PUT", target, {"a": 1})).status_code == 201
    assert (await jira.send("PUT", target, {"a": 2})).status_code == 200
    assert (await jira.get(target)).json()["value"] == {"a": 2}
    assert (await jira.send("DELETE", target)).status_code == 204
    assert (await jira.send("DELETE", target)).status_code == 404
    assert (await jira.send("PUT", target + "x" * 127, 1)).status_code == 400


async def test_every_token_lent_is_listed_for_leak_tests(forge: ForgeWired) -> None:
    await forge.jira.act("forge_install")
    await forge.jira.act("forge_ui", path="/forge/page", tokens=["user", "system"])
    issued = {secret["value"] for secret in (await forge.jira.view("secrets"))["secrets"]}
    for call in forge.app.seen:
        for name in ("x-forge-oauth-system", "x-forge-oauth-user"):
            assert call.headers.get(name, next(iter(issued))) in issued
        assert call.headers["authorization"].removeprefix("Bearer ") in issued
    shown = str(await forge.jira.view("deliveries"))
    assert not [value for value in issued if value in shown]
