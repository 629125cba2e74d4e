"""How webhooks are signed, tried again, given up and spoiled on purpose."""

from collections.abc import AsyncIterator
from itertools import count

import pytest

from devstack.jira import demo
from devstack.standin.clock import Clock
from tests.devstack.jira_world import Wired, wired
from tests.devstack.test_jira_standin_webhooks import NOW, listening

_NUMBERS = count(1)


@pytest.fixture
async def jira() -> AsyncIterator[Wired]:
    async with wired(clock=Clock(NOW), seed=3) as connected:
        listening(connected.receiver)
        await connected.act("install")
        yield connected


async def change(jira: Wired, times: int = 1) -> None:
    for _ in range(times):
        await jira.control("issues", issue={"id": 10001, "summary": f"Text {next(_NUMBERS)}"})


async def wait(jira: Wired, minutes: float) -> None:
    await jira.control("clock/advance", seconds=minutes * 60)


async def test_headers_and_claims(jira: Wired) -> None:
    await change(jira, 2)
    await jira.deliver()
    first, second = jira.receiver.webhooks
    assert first.headers["x-atlassian-webhook-flow"] == "Primary"
    assert first.headers["x-atlassian-webhook-trace"]
    assert first.headers["user-agent"] == "Atlassian Webhook HTTP Client"
    assert first.headers["content-type"] == "application/json; charset=UTF-8"
    assert "x-atlassian-webhook-retry" not in first.headers
    names = {hook.headers["x-atlassian-webhook-identifier"] for hook in (first, second)}
    assert len(names) == 2
    assert first.claims["sub"] == demo.ADMIN
    assert first.claims["exp"] - first.claims["iat"] == 180


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 503])
async def test_what_may_pass_by_is_tried_again_with_the_same_identifier(
    jira: Wired, status: int
) -> None:
    jira.receiver.webhook_answers = [status]
    await change(jira)
    assert await jira.deliver() == ["retry"]
    await wait(jira, 4.9)
    assert await jira.deliver() == []
    await wait(jira, 10.2)
    assert await jira.deliver() == ["delivered"]
    first, again = jira.receiver.webhooks
    assert again.headers["x-atlassian-webhook-retry"] == "1"
    same = "x-atlassian-webhook-identifier"
    assert first.headers[same] == again.headers[same]
    assert first.raw == again.raw
    assert again.claims["iat"] > first.claims["iat"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 302])
async def test_refusals_are_final(jira: Wired, status: int) -> None:
    jira.receiver.webhook_answers = [status]
    await change(jira)
    assert await jira.deliver() == ["refused"]
    await wait(jira, 60)
    assert await jira.deliver() == []
    assert (await jira.get("/rest/api/3/webhook/failed")).json()["values"] == []


async def test_after_the_last_try_it_is_on_the_failed_list_for_72_hours(jira: Wired) -> None:
    jira.receiver.webhook_answers = [503] * 9
    await change(jira)
    outcomes = await jira.deliver()
    while outcomes[-1] == "retry":
        await wait(jira, 7)
        outcomes += await jira.deliver()
    assert outcomes[-1] == "given_up"
    assert 2 <= len(outcomes) <= 5
    (failed,) = (await jira.get("/rest/api/3/webhook/failed")).json()["values"]
    seen = jira.receiver.webhooks[0]
    assert failed["id"] == seen.headers["x-atlassian-webhook-identifier"]
    assert failed["body"] == seen.raw.decode()
    assert failed["failureTime"] == jira.standin.world.clock.now() * 1000
    later = f"/rest/api/3/webhook/failed?after={failed['failureTime']}"
    assert (await jira.get(later)).json()["values"] == []
    await wait(jira, 72 * 60)
    assert (await jira.get("/rest/api/3/webhook/failed")).json()["values"] == []


async def test_a_host_that_fails_for_half_an_hour_gets_one_try(jira: Wired) -> None:
    jira.receiver.webhook_answers = [500, 500, 500]
    await change(jira)
    assert await jira.deliver() == ["retry"]
    await wait(jira, 31)
    await change(jira)
    assert await jira.deliver() == ["given_up", "given_up"]
    jira.receiver.webhook_answers = []
    await change(jira)
    assert await jira.deliver() == ["delivered"]
    jira.receiver.webhook_answers = [500]
    await change(jira)
    assert await jira.deliver() == ["retry"]


async def test_the_secret_is_read_when_it_is_sent(jira: Wired) -> None:
    jira.receiver.webhook_answers = [503]
    await change(jira, 2)
    await jira.deliver()
    await jira.act("rotate_secret")
    await wait(jira, 16)
    assert await jira.deliver() == ["delivered"]
    assert not jira.receiver.refusals


async def test_disabled_and_uninstalled_apps_hear_nothing(jira: Wired) -> None:
    await jira.act("disable")
    await change(jira)
    assert await jira.deliver() == []
    await jira.act("enable")
    await change(jira)
    await jira.act("uninstall")
    assert await jira.deliver() == ["undeliverable"]
    assert not jira.receiver.webhooks


async def test_duplicates_share_their_identifier(jira: Wired) -> None:
    await jira.control("webhooks/faults", fault="duplicate", n=2)
    await change(jira, 2)
    assert await jira.deliver() == ["delivered", "delivered"]
    seen = [hook.headers["x-atlassian-webhook-identifier"] for hook in jira.receiver.webhooks]
    assert len(seen) == 4
    assert len(set(seen)) == 2


async def test_reorder_turns_neighbours_around(jira: Wired) -> None:
    await jira.control("webhooks/faults", fault="reorder", window=3)
    await change(jira, 4)
    await jira.deliver()
    seen = [int(h.headers["x-atlassian-webhook-identifier"]) for h in jira.receiver.webhooks]
    assert [number - min(seen) for number in seen] == [2, 1, 0, 3]


async def test_lost_stale_and_huge(jira: Wired) -> None:
    for fault in ("drop", "stale_secret"):
        await jira.control("webhooks/faults", fault=fault)
    await change(jira, 3)
    assert await jira.deliver() == ["lost", "refused", "delivered"]
    await jira.control("webhooks/faults", fault="huge")
    await jira.control("webhooks/faults", fault="huge", bytes=3_000_000)
    await change(jira, 2)
    assert await jira.deliver() == ["too_large", "delivered"]
    assert len(jira.receiver.webhooks[-1].raw) > 3_000_000
    await jira.control("webhooks/faults", fault="drop", times=None)
    assert (await jira.client.delete("/control/webhooks/faults")).status_code == 204
    await change(jira)
    assert await jira.deliver() == ["delivered"]


async def test_bulk_changes_flow_secondary(jira: Wired) -> None:
    made = await jira.control("webhooks/faults", fault="bulk", n=1000)
    assert made["made"] == 1000
    assert await jira.deliver(parallel=20) == ["delivered"] * 1000
    last = jira.receiver.webhooks[-1]
    assert last.headers["x-atlassian-webhook-flow"] == "Secondary"
    assert last.body["bulkOperationMetaData"]
    assert "sub" not in last.claims


async def test_an_event_nobody_knows(jira: Wired) -> None:
    assert (await jira.control("webhooks/faults", fault="unknown_event"))["made"] == 1
    await jira.deliver()
    assert jira.heard() == ["jira:galaxy_collapsed"]


async def test_the_log_of_attempts(jira: Wired) -> None:
    jira.receiver.webhook_answers = [500]
    await change(jira)
    await jira.deliver()
    await wait(jira, 16)
    await jira.deliver()
    view = await jira.view("webhooks")
    log = [(a["attempt"], a["outcome"], a["status"]) for a in view["attempts"]]
    assert log == [(1, "retry", 500), (2, "delivered", 204)]
    assert view["queue"] == []
    assert not view["automatic"]
    raw = (await jira.view("deliveries", raw="true"))["deliveries"]
    shown = {entry["seq"]: entry for entry in raw}[view["attempts"][-1]["delivery"]]
    assert shown["hook"] == "jira:issue_updated"
