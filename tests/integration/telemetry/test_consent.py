"""Consent by API and by command."""

import asyncio
import os
import subprocess
import sys
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from kit.auth.principal import Scope
from services.telemetry.__main__ import cli
from tests.harness.installation import Installation
from tests.harness.polling import eventually
from tests.integration.telemetry.house import CONSENT, House

NOTHING = {"segment": False, "amplitude": False}


async def shown(house: House, tenant: str) -> Any:
    """Return consent as the API shows it."""
    headers = house.world.headers(tenant, scopes=[Scope.ADMIN])
    return (await house.http.get(CONSENT, headers=headers)).json()


async def test_consent_is_off_until_it_is_given_and_put_replaces_it(telemetry: House) -> None:
    tenant, other = await telemetry.tenant(segment=True), await telemetry.tenant(amplitude=True)
    assert await shown(telemetry, tenant) == {"segment": True, "amplitude": False}
    assert await shown(telemetry, other) == {"segment": False, "amplitude": True}
    await telemetry.consent(tenant, amplitude=True)
    assert await shown(telemetry, tenant) == {"segment": False, "amplitude": True}
    headers = telemetry.world.headers(tenant, scopes=[Scope.ADMIN])
    answer = await telemetry.http.put(CONSENT, json={}, headers=headers)
    assert (answer.status_code, answer.json()) == (200, NOTHING)


@pytest.mark.parametrize(
    "body", ['{"beamer": true}', '{"segment": "true"}', '{"segment": 1}', "[]", "{", ""]
)
async def test_what_is_no_consent_is_refused_and_changes_nothing(
    telemetry: House, body: str
) -> None:
    tenant = await telemetry.tenant(segment=True)
    headers = telemetry.world.headers(tenant) | {"content-type": "application/json"}
    answer = await telemetry.http.put(CONSENT, content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["errorCode"] == 400
    assert await shown(telemetry, tenant) == {"segment": True, "amplitude": False}


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_only_an_administrator_of_the_whole_tenant_may(telemetry: House, method: str) -> None:
    tenant = await telemetry.tenant(segment=True)
    refused = {
        "no administrator": telemetry.world.headers(
            tenant, scopes=[s for s in Scope if s is not Scope.ADMIN]
        ),
        "of some projects": telemetry.world.headers(tenant, projects=[7]),
    }
    for who, headers in refused.items():
        answer = await telemetry.http.request(method, CONSENT, json=NOTHING, headers=headers)
        assert answer.status_code == 403, who
    answer = await telemetry.http.request(method, CONSENT, json=NOTHING)
    assert answer.status_code == 401
    assert await shown(telemetry, tenant) == {"segment": True, "amplitude": False}


async def test_a_body_is_read_of_known_callers_only_and_up_to_a_cap(telemetry: House) -> None:
    answer = await telemetry.http.put(CONSENT, content="{")
    assert answer.status_code == 401
    headers = telemetry.world.headers(await telemetry.tenant(segment=True))
    answer = await telemetry.http.put(CONSENT, content=b" " * 3_000_000, headers=headers)
    assert answer.status_code == 413


def only_mongodb(installation: Installation) -> dict[str, str]:
    """Return all that the command may know."""
    return {
        "OSTRO_MONGODB_URI": installation.backends.mongodb,
        "OSTRO_MONGODB_DATABASE": installation.database("telemetry"),
    }


async def admin(installation: Installation, *arguments: str) -> Result:
    """Run the command in a thread of its own; the service goes on meanwhile."""
    runner = CliRunner(env=only_mongodb(installation))
    return await asyncio.to_thread(runner.invoke, cli, ["admin", "consent", *arguments])


async def test_the_command_needs_only_mongodb_and_counts_at_once(
    telemetry: House, installation: Installation
) -> None:
    tenant = await telemetry.tenant(segment=False)
    of_segment = ("--tenant", tenant, "--processor", "segment")
    turned_on = await asyncio.to_thread(
        subprocess.run,
        [
            sys.executable,
            "-m",
            "services.telemetry",
            "admin",
            "consent",
            "set",
            *of_segment,
            "--on",
        ],
        env={"PATH": os.environ["PATH"], **only_mongodb(installation)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert turned_on.stdout.splitlines() == ["segment: on", "amplitude: off"], turned_on.stderr
    await telemetry.publish(telemetry.event(tenant))
    await eventually(lambda: telemetry.standins.visible("segment"))
    turned_off = await admin(installation, "set", *of_segment, "--off")
    assert turned_off.output.splitlines() == ["segment: off", "amplitude: off"]
    await telemetry.publish(telemetry.event(tenant))
    await telemetry.all_drained()
    assert len(await telemetry.standins.visible("segment")) == 1
    listed = await admin(installation, "show", "--tenant", tenant)
    assert listed.output.splitlines() == ["segment: off", "amplitude: off"]


async def test_a_wrong_processor_is_named_by_the_command(installation: Installation) -> None:
    answer = await admin(installation, "set", "--tenant", "t", "--processor", "beamer", "--on")
    assert answer.exit_code == 2
    assert "beamer" in answer.output
