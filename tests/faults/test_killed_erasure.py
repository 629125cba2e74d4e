"""Erasure with telemetry killed -9 in the middle: every pseudonym of every epoch is asked for.

A tenant's keys are there until the last processor has answered.
"""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from kit.clock import SystemClock
from kit.mongo import Database, connect
from services.telemetry.adapters.mongo.documents import ERASURES as ERASURE_ROWS
from services.telemetry.adapters.mongo.pseudonym_keys import MongoPseudonymKeys
from services.telemetry.adapters.sealing import Sealer, read_wrapping_key
from services.telemetry.admin_erase import requests_of
from services.telemetry.domain.pseudonyms import Domain
from services.telemetry.settings import EraseSettings
from tests.harness.installation import Installation
from tests.harness.polling import eventually
from tests.harness.processes import ServiceProcess, process
from tests.harness.tenancy_world import TenancyWorld, tenancy_world
from tests.integration.telemetry.erasing import (
    ERASURES,
    asked_for,
    erasure_settings,
    finish_jobs,
)
from tests.integration.telemetry.house import settings_of
from tests.integration.telemetry.standins import Standins, standins

pytestmark = [pytest.mark.long, pytest.mark.timeout(180)]

ACCOUNT = "712020:1c2d3e4f-8a77-4a52-9d5e-0c1f3b2a4d6e"
INSTANCE = "a-jira-instance"
OLD_EPOCHS = ("2026-05", "2026-06", "2026-07")
_MONGO = "services.telemetry.adapters.mongo.erasures:MongoErasures"
_KEYS = "services.telemetry.usecases.keys:Shredding"


@dataclass
class Scene:
    """A tenant with keys of several epochs."""

    installation: Installation
    world: TenancyWorld
    standins: Standins
    database: Database
    tenant: str
    keys: MongoPseudonymKeys

    @asynccontextmanager
    async def telemetry(self, point: str | None = None) -> AsyncIterator[ServiceProcess]:
        """Run it, perhaps one that dies at a point."""
        command = None if point is None else ("-m", "tests.faults.killed_telemetry", point, "all")
        settings = settings_of(self.installation, self.standins) | erasure_settings(
            self.installation, self.standins
        )
        # as if the time of a killed process' lease had passed
        await self.database["leases"].delete_many({"_id": "erasures"})
        async with process(self.installation, "telemetry", command=command, **settings) as running:
            yield running

    async def erase_tenant(self) -> None:
        """Ask for it as the command does."""
        values = self.installation.values("telemetry")
        settings = EraseSettings(
            mongodb_uri=values["mongodb_uri"],
            mongodb_database=values["mongodb_database"],
            pseudonym_key_file=self.installation.secret("pseudonym-key"),
            erasure_settle_seconds=0,
        )
        await requests_of(self.database, settings).of_tenant(self.tenant, "test")

    async def pseudonyms(self, value: str, domain: Domain) -> set[str]:
        """Return those of every epoch that has a key."""
        found: set[str] = set()
        for epoch in await self.keys.epochs(self.tenant):
            pseudonym = await self.keys.pseudonym_of(self.tenant, epoch, value, domain)
            found |= set() if pseudonym is None else {pseudonym}
        return found

    async def ended(self) -> dict[str, Any] | None:
        """Return the erasure once it has ended."""
        return await self.database[ERASURE_ROWS].find_one(
            {"tenant": self.tenant, "ended_at": {"$exists": True}}
        )


@pytest.fixture
async def scene(installation: Installation) -> AsyncIterator[Scene]:
    """Everything but the service."""
    wrapping = read_wrapping_key(installation.secret("pseudonym-key"))
    uri = installation.values("telemetry")["mongodb_uri"]
    async with (
        tenancy_world(installation) as world,
        standins() as processors,
        connect(uri, installation.database("telemetry")) as database,
    ):
        sealer = Sealer(wrapping, secrets.token_bytes)
        keys = MongoPseudonymKeys(database, sealer, secrets.token_bytes, SystemClock())
        tenant = await world.tenant(jira_instance=INSTANCE)
        await keys.keys([(tenant, epoch) for epoch in OLD_EPOCHS])
        await processors.limit("amplitude-deletion", requests_per_second=100)
        yield Scene(installation, world, processors, database, tenant, keys)


async def times_asked(scene: Scene, processor: str, ids: set[str]) -> Sequence[int]:
    """Return how often each id was asked for; AssertionError for one that is another's."""
    found = await asked_for(scene.standins, processor)
    assert set(found) == ids, processor
    return sorted(found.count(one) for one in ids)


@pytest.mark.parametrize(("when", "most"), [("after", 1), ("before", 2)])
async def test_an_account_is_asked_for_everywhere_and_no_part_is_lost(
    scene: Scene, when: str, most: int
) -> None:
    async with scene.telemetry(f"{_MONGO}.settle:{when}") as deadly:
        base = f"http://127.0.0.1:{scene.installation.http_ports['telemetry']}"
        headers = scene.world.headers(scene.tenant)
        async with httpx.AsyncClient(base_url=base, trust_env=False, headers=headers) as http:

            async def begun() -> bool:
                # 503 until the projection has the tenant
                answer = await http.post(ERASURES, json={"accountId": ACCOUNT})
                return answer.status_code == 202

            await eventually(begun)
        assert await deadly.ended() == -9
    users = await scene.pseudonyms(ACCOUNT, Domain.USER)
    assert len(users) > len(OLD_EPOCHS)
    await finish_jobs(scene.standins)
    async with scene.telemetry():
        row = await eventually(scene.ended, seconds=40)
    assert row is not None
    states = {part["processor"]: part["state"] for part in row["parts"]}
    assert {states[name] for name in ("amplitude", "segment", "beamer")} == {"DONE"}
    # the one that died between the answer and its note may ask again; nobody else does
    assert max(await times_asked(scene, "amplitude-deletion", users)) <= most
    for processor in ("segment-regulations", "beamer"):
        assert set(await times_asked(scene, processor, users)) == {1}
    assert await scene.keys.epochs(scene.tenant)
    for name in await scene.database.list_collection_names():
        assert ACCOUNT not in str(await scene.database[name].find().to_list(None)), name


async def test_a_tenants_keys_go_when_everybody_has_answered(scene: Scene) -> None:
    async with scene.telemetry(f"{_KEYS}.all_of:before") as deadly:
        # the directory must have the instance before its pseudonyms are worked out
        await eventually(
            lambda: scene.database["directory_tenants"].find_one({"tenant": scene.tenant})
        )
        names = {
            "amplitude-deletion": await scene.pseudonyms(INSTANCE, Domain.INSTANCE),
            "segment-regulations": await scene.pseudonyms(INSTANCE, Domain.INSTANCE),
            "bugsnag-data": await scene.pseudonyms(scene.tenant, Domain.TENANT),
        }
        assert all(len(ids) == len(OLD_EPOCHS) for ids in names.values())
        await finish_jobs(scene.standins)
        await scene.erase_tenant()
        assert await deadly.ended() == -9
    # killed right before: every processor has been asked, and every key is still there
    for processor, ids in names.items():
        assert set(await times_asked(scene, processor, ids)) == {1}, processor
    assert len(await scene.keys.epochs(scene.tenant)) == len(OLD_EPOCHS)
    assert await scene.ended() is None
    async with scene.telemetry():
        row = await eventually(scene.ended, seconds=40)
    assert row is not None
    assert row["keys_destroyed"] == len(OLD_EPOCHS)
    assert await scene.keys.epochs(scene.tenant) == []
    for processor, ids in names.items():
        assert set(await times_asked(scene, processor, ids)) == {1}, processor


async def test_a_tenants_keys_stay_while_something_failed(scene: Scene) -> None:
    async with scene.telemetry():
        await eventually(
            lambda: scene.database["directory_tenants"].find_one({"tenant": scene.tenant})
        )
        await finish_jobs(scene.standins)
        await scene.standins.fail("segment-regulations", "status", status=400)
        await scene.erase_tenant()
        row = await eventually(scene.ended, seconds=40)
        assert row is not None
        assert {p["state"] for p in row["parts"] if p["processor"] == "segment"} == {"FAILED"}
        assert len(await scene.keys.epochs(scene.tenant)) == len(OLD_EPOCHS)
        # once more, and now every processor can be asked
        await scene.database[ERASURE_ROWS].delete_one({"_id": row["_id"], "tenant": scene.tenant})
        await scene.erase_tenant()
        again = await eventually(scene.ended, seconds=40)
    assert again is not None
    assert again["keys_destroyed"] == len(OLD_EPOCHS)
