"""What the log says of lifecycle calls: one line each, done or refused, without their content."""

import logging
from typing import Any

import pytest

from tests.integration.tenancy.forge_site import join
from tests.integration.tenancy.world import World


def lines(caplog: pytest.LogCaptureFixture, part: str) -> list[dict[str, Any]]:
    """Return the fields of the lines of an event."""
    found = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    return [line for line in found if part in line["event"]]


async def test_each_call_that_was_acted_on_is_one_line(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    site, tenant = await world.installed()
    for hook in ("disabled", "enabled", "uninstalled"):
        world.clock.advance(seconds=1)
        assert (await world.call(site, hook)).status_code == 204
    told = [
        (line["hook"], line["tenant"], line["action"], line["tenant_status"])
        for line in lines(caplog, "lifecycle call")
    ]
    assert told == [
        ("installed", tenant, "app.installed", "active"),
        ("disabled", tenant, "app.disabled", "disabled"),
        ("enabled", tenant, "app.enabled", "active"),
        ("uninstalled", tenant, "app.uninstalled", "uninstalled"),
    ]
    assert site.secret not in caplog.text
    assert site.client_key not in caplog.text


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"baseUrl": "https://evil.example"}, 400, "the host of baseUrl is not allowed"),
        ({"clientKey": "another"}, 403, "The token was issued for another clientKey"),
        ({"key": "another"}, 403, "key is not the key of this app"),
        ({"sharedSecret": ...}, 400, "sharedSecret is missing or not valid"),
    ],
)
async def test_each_refusal_is_one_line_with_our_reason(
    world: World,
    caplog: pytest.LogCaptureFixture,
    changes: dict[str, Any],
    status: int,
    reason: str,
) -> None:
    caplog.set_level(logging.INFO)
    stranger = world.site()
    known, tenant = await world.installed()
    caplog.clear()
    world.clock.advance(seconds=1)
    for site, owner in ((stranger, None), (known, tenant)):
        answer = await world.call(site, "installed", body=site.body("installed", **changes))
        assert answer.status_code == status
        (line,) = lines(caplog, "lifecycle call refused")
        assert (line["hook"], line["tenant"], line["reason"]) == ("installed", owner, reason)
        assert site.secret not in caplog.text
        assert "evil.example" not in caplog.text
        caplog.clear()


async def test_forge_calls_are_lines_too(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    _, tenant = await world.installed()
    forge = world.forge_site()
    await join(world.database, tenant, forge)
    for hook in ("refresh", "uninstalled"):
        headers = {"authorization": forge.token(), "x-forge-oauth-system": "lent-canary"}
        assert (await world.http.post(f"/forge/{hook}", headers=headers)).status_code == 204
        world.clock.advance(seconds=400)
    told = [(line["hook"], line["tenant"], line["action"]) for line in lines(caplog, "Forge call")]
    assert told == [
        ("refresh", tenant, None),
        ("uninstalled", tenant, "app.forge-uninstalled"),
    ]
    assert "lent-canary" not in caplog.text

    caplog.clear()
    forge.cloud = "another-cloud"
    answer = await world.http.post("/forge/refresh", headers={"authorization": forge.token()})
    assert answer.status_code == 403
    (line,) = lines(caplog, "Forge call refused")
    assert (line["hook"], line["tenant"]) == ("refresh", tenant)
    assert line["reason"] == "The installation belongs to another site"
