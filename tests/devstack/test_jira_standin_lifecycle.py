"""The lifecycle driver against an app that verifies every call by itself."""

import json
from pathlib import Path

import jwt
import pytest

from devstack.standin.clock import Clock
from tests.devstack.jira_receiver import APP_KEY, BASE_URL
from tests.devstack.jira_world import SITE_URL, wired


async def test_install_sends_a_signed_install_and_then_enabled() -> None:
    async with wired() as jira:
        outcome = await jira.act("install")
        site = jira.standin.world.state.sites["demo"]
    assert outcome["ok"]
    assert outcome["state"] == "installed"
    assert jira.receiver.hooks() == ["installed", "enabled"]
    _, claims, body = jira.receiver.seen[0]
    assert claims["iss"] == body["clientKey"] == site.client_key
    assert claims["aud"] == [BASE_URL]
    assert claims["exp"] - claims["iat"] == 180
    assert body["sharedSecret"] == site.installations[APP_KEY].shared_secret
    assert body["baseUrl"] == body["displayUrl"] == SITE_URL
    assert (body["key"], body["productType"], body["eventType"]) == (APP_KEY, "jira", "installed")
    assert body["oauthClientId"]  # because of ACT_AS_USER
    assert "installationId" not in body
    assert "sharedSecret" not in jira.receiver.seen[1][2]


@pytest.mark.parametrize("status", [401, 500, 302])
async def test_an_install_that_the_app_refuses_leaves_nothing(status: int) -> None:
    async with wired() as jira:
        jira.receiver.answer = status
        first = await jira.act("install")
        assert not first["ok"]
        assert first["state"] is None
        assert not jira.standin.world.state.sites["demo"].installations
        jira.receiver.answer = None
        assert (await jira.act("install"))["ok"]
        issued = [s["value"] for s in (await jira.view("secrets"))["secrets"]]
    assert jira.secret in issued
    assert jira.receiver.hooks() == ["installed", "enabled"]


async def test_every_install_brings_a_new_secret_and_the_old_one_dies() -> None:
    async with wired() as jira:
        await jira.act("install")
        old = jira.authorization("GET", "/rest/api/3/myself")
        first = jira.secret
        await jira.act("rotate_secret")
        assert jira.secret != first
        assert jira.receiver.hooks() == ["installed", "enabled", "installed"]
        answer = await jira.client.get("/rest/api/3/myself", headers=old)
        assert answer.status_code == 401
        assert (await jira.get("/rest/api/3/myself")).status_code == 200


async def test_rotation_overlap_keeps_the_old_secret_for_its_time() -> None:
    async with wired(clock=Clock(1_800_000_000)) as jira:
        await jira.control("policy", rotation_overlap_seconds=60)
        await jira.act("install")
        old = jira.authorization("GET", "/rest/api/3/myself")
        await jira.act("rotate_secret")
        assert (await jira.client.get("/rest/api/3/myself", headers=old)).status_code == 200
        await jira.control("clock/advance", seconds=61)
        assert (await jira.client.get("/rest/api/3/myself", headers=old)).status_code == 401


async def test_per_app_secrets_survive_an_update_but_not_a_rotation() -> None:
    async with wired() as jira:
        await jira.control("policy", rotation="per_app")
        await jira.act("install")
        first = jira.secret
        await jira.act("update")
        assert jira.secret == first
        await jira.act("rotate_secret")
        assert jira.secret != first


async def test_uninstall_sends_disabled_then_uninstalled_whatever_the_answers() -> None:
    async with wired() as jira:
        await jira.act("install")
        outcome = await jira.act("uninstall")
        assert outcome["state"] == "uninstalled"
        assert jira.receiver.hooks()[2:] == ["disabled", "uninstalled"]
        assert "sharedSecret" not in jira.receiver.seen[-1][2]
        assert (await jira.get("/rest/api/3/myself")).status_code == 401
        again = await jira.client.post("/control/sites/demo/actions/uninstall")
        assert again.status_code == 409


async def test_the_quirk_ac2561_sends_an_unsigned_disabled_last() -> None:
    async with wired() as jira:
        await jira.control("policy", uninstall_order="ac2561")
        await jira.act("install")
        outcome = await jira.act("uninstall")
    assert [(d["hook"], d["status"]) for d in outcome["deliveries"]] == [
        ("uninstalled", 204),
        ("disabled", 401),
    ]
    assert "authorization" not in outcome["deliveries"][1]["headers"]


async def test_reinstall_after_uninstall_keeps_the_client_key() -> None:
    async with wired() as jira:
        await jira.act("install")
        await jira.act("uninstall")
        assert (await jira.act("reinstall"))["state"] == "installed"
    keys = {body["clientKey"] for _, _, body in jira.receiver.seen}
    assert len(keys) == 1


async def test_disable_and_enable() -> None:
    async with wired() as jira:
        await jira.act("install")
        assert (await jira.act("disable"))["state"] == "disabled"
        assert (await jira.get("/rest/api/3/myself")).status_code == 401
        assert (await jira.act("enable"))["state"] == "installed"
        assert (await jira.get("/rest/api/3/myself")).status_code == 200
    assert jira.receiver.hooks() == ["installed", "enabled", "disabled", "enabled"]


async def test_rename_moves_the_site_and_redirects_from_the_old_host() -> None:
    async with wired() as jira:
        await jira.act("install")
        await jira.act("rename", base_url="http://renamed.test")
        hook, _, body = jira.receiver.seen[-1]
        assert (hook, body["baseUrl"]) == ("installed", "http://renamed.test")
        assert jira.receiver.hooks() == ["installed", "enabled", "installed"]
        moved = await jira.client.get("/rest/api/3/myself?a=1")
        assert moved.status_code == 302
        assert moved.headers["location"] == "http://renamed.test/rest/api/3/myself?a=1"
        signed = jira.authorization("GET", "/rest/api/3/myself")
        there = await jira.client.get("http://renamed.test/rest/api/3/myself", headers=signed)
        assert there.status_code == 200  # the hash is of the path, not of the address


async def test_replay_sends_the_same_bytes_again() -> None:
    async with wired() as jira:
        outcome = await jira.act("install")
        await jira.act("rotate_secret")
        replayed = await jira.act("replay", delivery=outcome["deliveries"][0]["seq"])
        assert replayed["ok"]
        raw = (await jira.view("deliveries", raw="true"))["deliveries"]
        assert (await jira.client.post("/control/sites/demo/actions/replay")).status_code == 409
    assert raw[0]["body"] == raw[-1]["body"]
    assert raw[0]["headers"] == raw[-1]["headers"]
    assert raw[-1]["note"] == f"replay of {raw[0]['seq']}"


async def test_deliveries_hide_tokens_and_secrets_unless_asked() -> None:
    async with wired() as jira:
        await jira.act("install")
        text = json.dumps(await jira.view("deliveries"))
        secrets = (await jira.view("secrets"))["secrets"]
    assert {secret["kind"] for secret in secrets} == {"sharedSecret", "token"}
    assert len(secrets) == 3
    assert not [secret for secret in secrets if secret["value"] in text]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"baseUrl": BASE_URL + "/"}, "end with a slash"),
        ({"authentication": {"type": "none"}}, "must be jwt"),
        ({"scopes": ["READ", "FLY"]}, "'FLY'"),
        ({"lifecycle": {"enabled": "/x"}}, "lifecycle.installed"),
        ({"lifecycle": {"installed": "http://elsewhere.test/x"}}, "begins with /"),
        ({"key": "has spaces"}, "key must match"),
        ({"modules": {"webhooks": [{"event": "x" * 101, "url": "/w"}]}}, "webhooks[0].event"),
    ],
)
async def test_a_bad_descriptor_is_refused(change: dict[str, object], problem: str) -> None:
    async with wired() as jira:
        jira.receiver.descriptor |= change
        outcome = await jira.act("install")
    assert not outcome["ok"]
    assert problem in str(outcome["problems"])
    assert not jira.receiver.seen


async def test_the_signing_key_rotates_and_can_be_withdrawn() -> None:
    async with wired() as jira:
        await jira.act("install")
        before = await jira.view("keys")
        after = await jira.control("keys/rotate")
        assert after["signing"] != before["signing"]
        await jira.act("reinstall")
        tokens = [s["value"] for s in (await jira.view("secrets"))["secrets"]]
        kids = [jwt.get_unverified_header(t).get("kid") for t in tokens if t.count(".") == 2]
        assert before["signing"] in kids
        assert after["signing"] in kids
        await jira.control(f"keys/{after['signing']}/withdraw")
        assert not (await jira.act("reinstall"))["ok"]
    assert "key server says 404" in jira.receiver.refusals[-1]


async def test_key_servers_have_bad_days() -> None:
    async with wired() as jira:
        kid = (await jira.view("keys"))["signing"]
        seen = {}
        for fault in ("down", "html", "redirect", "huge", "wrong_key", "404", "none"):
            await jira.control("key-servers", server="primary", fault=fault)
            seen[fault] = await jira.client.get(f"/install-keys/{kid}")
        backup = await jira.client.get(f"/install-keys-backup/{kid}")
    assert [answer.status_code for answer in seen.values()] == [503, 200, 302, 200, 200, 404, 200]
    assert seen["html"].text.startswith("<html>")
    assert seen["redirect"].headers["location"] == f"/install-keys-backup/{kid}"
    assert len(seen["huge"].content) > 8192
    assert seen["wrong_key"].text != seen["none"].text
    assert backup.text == seen["none"].text
    assert backup.text.startswith("-----BEGIN PUBLIC KEY-----")


async def test_a_second_site_has_its_own_identity() -> None:
    async with wired() as jira:
        created = await jira.control("sites", name="b", base_url="http://site-b.test")
        await jira.act("install")
        await jira.act("install", site="b")
        there = await jira.client.get("http://site-b.test/_edge/tenant_info")
        here = await jira.client.get("/_edge/tenant_info")
        nowhere = await jira.client.get("http://nobody.test/rest/api/3/myself")
    assert there.json() == {"cloudId": created["cloud_id"]}
    assert here.json() != there.json()
    assert nowhere.status_code == 404
    assert len({body["clientKey"] for _, _, body in jira.receiver.seen}) == 2


async def test_the_same_seed_gives_the_same_identities() -> None:
    found = []
    for _ in range(2):
        async with wired(clock=Clock(1_800_000_000)) as jira:
            await jira.control("reset", seed=7)
            await jira.act("install")
            found.append(jira.receiver.seen[0])
    assert found[0] == found[1]


async def test_state_survives_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "jira.json"
    async with wired(state_file=file) as jira:
        await jira.act("install")
        secret = jira.secret
        kid = (await jira.view("keys"))["signing"]
        site = jira.standin.world.state.sites["demo"]
    assert file.stat().st_mode & 0o777 == 0o600
    async with wired(state_file=file) as again:
        saved = again.standin.world.state.sites["demo"]
        assert (await again.view("keys"))["signing"] == kid
        assert [one["value"] for one in (await again.view("secrets"))["secrets"]] == [secret]
        again.receiver.secrets[saved.client_key] = secret
        assert (await again.get("/rest/api/3/myself")).status_code == 200
    assert (saved.client_key, saved.cloud_id) == (site.client_key, site.cloud_id)


async def test_a_broken_state_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "jira.json"
    file.write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=r"jira\.json is not a state file"):
        async with wired(state_file=file):
            pass


async def test_unknown_actions_and_typing_errors_are_told() -> None:
    async with wired() as jira:
        unknown = await jira.client.post("/control/sites/demo/actions/explode")
        typo = await jira.client.post("/control/sites/demo/actions/install", json={"ur": 1})
        missing = await jira.client.post("/control/sites/nope/actions/install")
    assert (unknown.status_code, typo.status_code, missing.status_code) == (404, 400, 404)
    assert "rotate_secret" in unknown.json()["error"]


async def test_an_import_brings_a_new_client_key_and_uninstalls_nothing() -> None:
    async with wired() as jira:
        await jira.control("policy", rotation_overlap_seconds=600)
        await jira.act("install")
        old, old_key = jira.authorization("GET", "/rest/api/3/myself"), jira.receiver.seen[0][2]
        outcome = await jira.act("import_site")
        assert outcome["ok"]
        assert jira.receiver.hooks()[2:] == ["installed", "enabled"]
        body = jira.receiver.seen[2][2]
        assert body["clientKey"] != old_key["clientKey"]
        assert body["baseUrl"] == old_key["baseUrl"]
        assert (await jira.client.get("/rest/api/3/myself", headers=old)).status_code == 401
        assert (await jira.get("/rest/api/3/myself")).status_code == 200
        await jira.act("restore", client_key=old_key["clientKey"])
        assert jira.receiver.hooks()[4:] == ["installed"]
        assert jira.receiver.seen[-1][2]["clientKey"] == old_key["clientKey"]
        assert (await jira.get("/rest/api/3/myself")).status_code == 200
        foreign = await jira.client.post(
            "/control/sites/demo/actions/restore", json={"client_key": "another"}
        )
    assert foreign.status_code == 409


async def test_an_import_that_the_app_refuses_leaves_it_out() -> None:
    async with wired() as jira:
        await jira.act("install")
        jira.receiver.answer = 500
        outcome = await jira.act("import_site")
        assert (outcome["ok"], outcome["state"]) == (False, None)
        assert not jira.standin.world.state.sites["demo"].installations


async def test_a_restore_keeps_the_client_key_and_says_installed_alone() -> None:
    async with wired() as jira:
        await jira.act("install")
        await jira.act("restore")
    assert jira.receiver.hooks() == ["installed", "enabled", "installed"]
    assert len({body["clientKey"] for _, _, body in jira.receiver.seen}) == 1


async def test_after_a_registration_on_forge_installed_carries_an_installation_id() -> None:
    async with wired() as jira:
        await jira.act("install")
        assert (await jira.act("forge_register"))["deliveries"] == []
        assert (await jira.act("update"))["deliveries"] == []
        await jira.act("update", major=True)
        known = jira.receiver.seen[-1][2]["installationId"]
        assert known.startswith("ari:cloud:ecosystem::installation/")
        await jira.act("rename", base_url="http://renamed.test")
        assert "installationId" not in jira.receiver.seen[-1][2]
        await jira.act("rotate_secret")
        assert jira.receiver.seen[-1][2]["installationId"] == known
        for action in ("disable", "enable", "uninstall"):
            await jira.act(action)
        hooks = jira.receiver.hooks()
    assert hooks == ["installed", "enabled", "installed", "installed", "installed", "uninstalled"]
