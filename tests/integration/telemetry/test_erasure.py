"""Erasure: a person is suppressed and every processor asked, a tenant's keys go last."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from contracts.topics import ANONYMOUS, USAGE
from kit.mongo import Database, connect
from tests.harness.installation import Installation
from tests.harness.polling import eventually
from tests.harness.tenancy_world import TenancyWorld
from tests.integration.telemetry.erasing import (
    ERASURES,
    asked_for,
    erasure_settings,
    finish_jobs,
)
from tests.integration.telemetry.house import ANONYMIZER, SEGMENT, House, house
from tests.integration.telemetry.standins import Standins

pytestmark = pytest.mark.long

ACCOUNT = "712020:0f9d1e3c-8a77-4a52-9d5e-0c1f3b2a4d6e"


@pytest.fixture(scope="module")
async def erasing(
    installation: Installation, world: TenancyWorld, processors: Standins
) -> AsyncIterator[House]:
    """Telemetry that asks the stand-ins at once and looks every half second."""
    # no processor is asked before every process has heard of the suppression: a second, and more
    more = erasure_settings(installation, processors) | {"erasure_settle_seconds": 1.5}
    async with house(installation, world, processors, **more) as found:
        yield found


async def begun(house: House, tenant: str, account: str = ACCOUNT) -> dict[str, Any]:
    """Ask for an erasure."""
    headers = house.world.headers(tenant)
    answer = await house.http.post(ERASURES, json={"accountId": account}, headers=headers)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


async def shown(house: House, tenant: str, erasure: str) -> dict[str, Any]:
    """Read it."""
    headers = house.world.headers(tenant)
    answer = await house.http.get(f"{ERASURES}/{erasure}", headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_an_account_is_suppressed_and_every_processor_asked(
    erasing: House, installation: Installation
) -> None:
    standins = erasing.standins
    await standins.reset()
    tenant = await erasing.tenant(segment=True, amplitude=True)
    await erasing.publish(erasing.event(tenant, account_id=ACCOUNT))
    await erasing.all_drained()
    (seen,) = await standins.visible("segment")
    user = seen["userId"]
    erasure = await begun(erasing, tenant)
    assert (await begun(erasing, tenant))["id"] == erasure["id"]
    await eventually(
        lambda: shown(erasing, tenant, erasure["id"]),
        lambda found: (
            found["processors"]["segment"]["state"] == "PENDING"
            and found["processors"]["amplitude"]["state"] == "PENDING"
        ),
    )
    await erasing.publish(erasing.event(tenant, account_id=ACCOUNT), erasing.event(tenant))
    await erasing.drained(ANONYMIZER, USAGE)
    await erasing.drained(SEGMENT, ANONYMOUS)
    assert [one["userId"] == user for one in await standins.visible("segment")] == [True, False]
    await finish_jobs(standins)
    ended = await eventually(
        lambda: shown(erasing, tenant, erasure["id"]), lambda found: found["endedAt"] is not None
    )
    assert {name: one["state"] for name, one in ended["processors"].items()} == {
        "amplitude": "DONE",
        "beamer": "DONE",
        "bugsnag": "NOT_SUPPORTED",
        "launchdarkly": "NOT_SUPPORTED",
        "segment": "DONE",
    }
    assert ended["processors"]["bugsnag"]["reasons"] == ["nothing of a person is sent there"]
    assert ended["keysDestroyed"] is None
    for processor in ("amplitude-deletion", "segment-regulations", "beamer"):
        ids = await asked_for(standins, processor)
        assert user in ids, processor
        assert len(ids) == len(set(ids)), processor
    values = installation.values("telemetry")
    async with connect(values["mongodb_uri"], installation.database("telemetry")) as database:
        assert not await holding(database, ACCOUNT)


async def holding(database: Database, text: str) -> list[str]:
    """Return the collections that hold a text anywhere."""
    names = await database.list_collection_names()
    return [name for name in names if text in str(await database[name].find().to_list(None))]


async def test_other_tenants_see_nothing_and_nonsense_is_refused(erasing: House) -> None:
    await erasing.standins.reset()
    one, two = await erasing.tenant(segment=True), await erasing.tenant(segment=True)
    erasure = await begun(erasing, one)
    other = erasing.world.headers(two)
    answer = await erasing.http.get(f"{ERASURES}/{erasure['id']}", headers=other)
    assert answer.status_code == 404
    assert (await erasing.http.get(ERASURES, headers=other)).json() == {"values": []}
    listed = await erasing.http.get(ERASURES, headers=erasing.world.headers(one))
    assert [found["id"] for found in listed.json()["values"]] == [erasure["id"]]
    for wrong in ({}, {"accountId": ""}, {"accountId": "a\nb"}, {"accountId": "x" * 129}):
        refused = await erasing.http.post(ERASURES, json=wrong, headers=other)
        assert refused.status_code == 400, wrong
