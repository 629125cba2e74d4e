"""The attack pack: a strict app refuses each, a careless one takes them all."""

import pytest

from devstack.jira.attacks import ATTACKS
from tests.devstack.jira_world import wired

CASES = [(attack.name, hook) for attack in ATTACKS.values() for hook in attack.hooks]


@pytest.mark.parametrize(("attack", "hook"), CASES)
async def test_a_strict_app_refuses(attack: str, hook: str) -> None:
    async with wired() as jira:
        await jira.act("install")
        seen = len(jira.receiver.seen)
        outcome = await jira.act("forge_lifecycle", attack=attack, hook=hook)
    assert outcome["refused"], outcome
    assert outcome["note"] == f"forged: {attack}"
    assert len(jira.receiver.seen) == seen


async def test_a_call_without_deviation_is_accepted() -> None:
    """So a refusal above is due to the deviation alone."""
    async with wired() as jira:
        await jira.act("install")
        for hook in ("installed", "uninstalled"):
            outcome = await jira.act("forge_lifecycle", deviation={"hook": hook})
            assert outcome["status"] == 204, (hook, jira.receiver.refusals)
            assert not outcome["refused"]


async def test_forged_notifications_use_the_known_secret() -> None:
    async with wired() as jira:
        await jira.act("install")
        for hook in ("enabled", "disabled"):
            outcome = await jira.act("forge_lifecycle", deviation={"hook": hook})
            assert outcome["status"] == 204, (hook, jira.receiver.refusals)


async def test_a_careless_app_is_seen_to_accept_and_nothing_changes_here() -> None:
    async with wired() as jira:
        await jira.act("install")
        secret = jira.secret
        jira.receiver.strict = False
        outcome = await jira.act("forge_lifecycle", attack="alg_none")
        assert not outcome["refused"]
        installations = jira.standin.world.state.sites["demo"].installations
    assert [app.shared_secret for app in installations.values()] == [secret]


async def test_attacks_work_before_any_install_and_show_their_token_when_asked() -> None:
    async with wired() as jira:
        outcome = await jira.act("forge_lifecycle", attack="kid_long", raw=True)
        listed = (await jira.view("attacks"))["attacks"]
        unknown = await jira.client.post(
            "/control/sites/demo/actions/forge_lifecycle", json={"attack": "nope"}
        )
        wrong_hook = await jira.client.post(
            "/control/sites/demo/actions/forge_lifecycle",
            json={"attack": "body_no_secret", "hook": "uninstalled"},
        )
    assert outcome["headers"]["authorization"].startswith("JWT ey")
    assert {attack["name"] for attack in listed if attack["route"] == "lifecycle"} == set(ATTACKS)
    assert (unknown.status_code, wrong_hook.status_code) == (404, 409)
