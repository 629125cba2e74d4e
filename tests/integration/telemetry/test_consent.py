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

NOTHING = {
    "amplitude": False,
    "beamer": False,
    "bugsnag": False,
    "launchdarkly": False,
    "segment": False,
    "keepKeys": False,
}
SEGMENT_ON, AMPLITUDE_ON = NOTHING | {"segment": True}, NOTHING | {"amplitude": True}


async def answered(house: House, tenant: str) -> dict[str, Any]:
    """Return consent as the API shows it."""
    headers = house.world.headers(tenant, scopes=[Scope.ADMIN])
    return dict((await house.http.get(CONSENT, headers=headers)).json())


async def shown(house: House, tenant: str) -> dict[str, Any]:
    """Return the choices alone."""
    return {
        name: value for name, value in (await answered(house, tenant)).items() if name in NOTHING
    }


async def test_consent_is_off_until_it_is_given_and_put_replaces_it(telemetry: House) -> None:
    tenant, other = await telemetry.tenant(segment=True), await telemetry.tenant(amplitude=True)
    assert await shown(telemetry, tenant) == SEGMENT_ON
    assert await shown(telemetry, other) == AMPLITUDE_ON
    await telemetry.consent(tenant, amplitude=True)
    assert await shown(telemetry, tenant) == AMPLITUDE_ON
    headers = telemetry.world.headers(tenant, scopes=[Scope.ADMIN])
    answer = await telemetry.http.put(CONSENT, json={}, headers=headers)
    assert (answer.status_code, await shown(telemetry, tenant)) == (200, NOTHING)


async def test_who_changed_it_last_is_kept_by_token_and_not_by_person(telemetry: House) -> None:
    tenant = await telemetry.tenant()
    headers = telemetry.world.headers(tenant, scopes=[Scope.ADMIN])
    await telemetry.consent(tenant)
    first = await answered(telemetry, tenant)
    assert first["changedBy"].startswith("token ")
    answer = await telemetry.http.put(CONSENT, json={"keepKeys": True}, headers=headers)
    assert answer.json() == await answered(telemetry, tenant)
    assert answer.json()["keepKeys"]
    assert answer.json()["changedAt"] >= first["changedAt"]


@pytest.mark.parametrize(
    "body",
    [
        '{"mixpanel": true}',
        '{"keepKeys": 1}',
        '{"segment": "true"}',
        '{"segment": 1}',
        "[]",
        "{",
        "",
    ],
)
async def test_what_is_no_consent_is_refused_and_changes_nothing(
    telemetry: House, body: str
) -> None:
    tenant = await telemetry.tenant(segment=True)
    headers = telemetry.world.headers(tenant) | {"content-type": "application/json"}
    answer = await telemetry.http.put(CONSENT, content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["errorCode"] == 400
    assert await shown(telemetry, tenant) == SEGMENT_ON


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
    assert await shown(telemetry, tenant) == SEGMENT_ON


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
    assert "segment: on" in turned_on.stdout.splitlines(), turned_on.stderr
    assert turned_on.stdout.splitlines()[-1].endswith(" by admin command")
    await telemetry.publish(telemetry.event(tenant))
    await eventually(lambda: telemetry.standins.visible("segment"))
    turned_off = await admin(installation, "set", *of_segment, "--off")
    off = [f"{name}: off" for name in ("amplitude", "beamer", "bugsnag", "launchdarkly", "segment")]
    assert turned_off.output.splitlines()[:-1] == [*off, "keys in paths: replaced"]
    await telemetry.publish(telemetry.event(tenant))
    await telemetry.all_drained()
    assert len(await telemetry.standins.visible("segment")) == 1
    listed = await admin(installation, "show", "--tenant", tenant)
    assert listed.output == turned_off.output


async def test_a_wrong_processor_is_named_by_the_command(installation: Installation) -> None:
    answer = await admin(installation, "set", "--tenant", "t", "--processor", "mixpanel", "--on")
    assert answer.exit_code == 2
    assert "mixpanel" in answer.output
