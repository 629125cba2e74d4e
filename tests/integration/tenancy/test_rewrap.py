"""Changing the wrapping key: everything opens afterwards, nothing is lost or overwritten."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from kit.mongo import Database
from services.tenancy.adapters.sealing.key_ring import KeyRing
from services.tenancy.adapters.sealing.kms import KmsKeys
from services.tenancy.adapters.sealing.vault import EnvelopeVault
from services.tenancy.domain.audit import Action
from services.tenancy.domain.secret import Place
from services.tenancy.usecases.ports import ChangedMeanwhile, Note, SealBroken
from tests.harness.kms import CREDENTIALS, kms_server
from tests.integration.tenancy.sealed_house import BY, PER_TENANT, House, local, nothing

pytestmark = pytest.mark.long

TENANTS = 30
ALL = TENANTS * PER_TENANT + 3
"""With two signing keys and the key of the index."""
A, B = local("a"), local("b")


@pytest.fixture
async def house(database: Database) -> House:
    found = House(database)
    await found.fill(A, TENANTS)
    return found


def summary(outcomes: Any) -> dict[str, int]:
    return {o.collection: o.done for o in outcomes}


async def test_every_secret_moves_and_only_its_wrapped_key_changes(house: House) -> None:
    names = ("tenants", "signing_keys", "own_keys")
    before = {n: await house.database[n].find().sort("_id", 1).to_list(None) for n in names}
    seen: list[tuple[str, int]] = []
    ring = KeyRing(B, [A])
    outcomes = await house.job(ring).run(BY, lambda c, n: seen.append((c, n)), dry_run=False)
    assert summary(outcomes) == {"tenants": TENANTS * PER_TENANT, "signing_keys": 2, "own_keys": 1}
    assert sum(n for _, n in seen) == ALL
    assert await house.under() == {B.key_id: ALL}
    assert await house.opens(B)
    with pytest.raises(SealBroken):
        await house.opens(A)
    after = {n: await house.database[n].find().sort("_id", 1).to_list(None) for n in names}
    assert without_wrapping(before) == without_wrapping(after)
    (audit,) = await house.database["audit"].find({"action": "secrets.rewrapped"}).to_list(None)
    assert (audit["tenant"], audit["subject"], audit["actor"]) == ("-", B.key_id, "operator")


def without_wrapping(value: Any) -> Any:
    """Leave out what the job may change."""
    if isinstance(value, dict):
        return {
            name: without_wrapping(inner)
            for name, inner in value.items()
            if name not in {"wrapped", "key_id", "rev"}
        }
    return [without_wrapping(v) for v in value] if isinstance(value, list) else value


async def test_again_changes_nothing(house: House) -> None:
    ring = KeyRing(B, [A])
    await house.job(ring).run(BY, nothing, dry_run=False)
    before = await house.database["tenants"].find().to_list(None)
    outcomes = await house.job(ring).run(BY, nothing, dry_run=False)
    assert not any(o.done or o.broken or o.contended for o in outcomes)
    assert await house.database["tenants"].find().to_list(None) == before
    assert await house.database["audit"].count_documents({"action": "secrets.rewrapped"}) == 1


async def test_a_dry_run_opens_everything_and_changes_nothing(house: House) -> None:
    outcomes = await house.job(KeyRing(B, [A])).run(BY, nothing, dry_run=True)
    assert sum(o.done for o in outcomes) == ALL
    assert await house.under() == {A.key_id: ALL}
    assert await house.database["audit"].count_documents({"action": "secrets.rewrapped"}) == 0


async def test_from_a_file_to_kms_and_back(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with kms_server(tmp_path) as kms:
        one, two = [KmsKeys(kms.new_key(), kms.endpoint) for _ in range(2)]
        for current, before in ((one, A), (two, one), (B, two)):
            ring = KeyRing(current, [before])
            outcomes = await house.job(ring).run(BY, nothing, dry_run=False)
            assert sum(o.done for o in outcomes) == ALL
            assert await house.under() == {current.key_id: ALL}
            assert await house.opens(current)
        await one.close()
        await two.close()


class Stopped(Exception):
    """The process ends here."""


@pytest.mark.parametrize("after", [0, 1, 7, 20, 40, ALL - 1])
async def test_ended_anywhere_it_does_the_rest(house: House, after: int) -> None:
    ring, done = KeyRing(B, [A]), 0

    def count(_: str, secrets: int) -> None:
        nonlocal done
        if done >= after:
            raise Stopped
        done += secrets

    with pytest.raises(Stopped):
        await house.job(ring).run(BY, count, dry_run=False)
    # in between both keys are needed, and enough
    assert await house.opens(ring)
    await house.job(ring).run(BY, nothing, dry_run=False)
    assert await house.under() == {B.key_id: ALL}
    assert await house.opens(B)


async def test_what_cannot_be_opened_is_named_and_the_rest_is_done(house: House) -> None:
    tenant, moved = house.tenants_made[3:5]
    rows = house.database["tenants"]
    query = {"_id": tenant}
    await rows.update_one(query, {"$set": {"install.current.sealed.ciphertext": b"nonsense" * 9}})
    other = await rows.find_one({"_id": house.tenants_made[0]})
    assert other is not None
    stolen = other["install"]["client_key"]
    await rows.update_one({"_id": moved}, {"$set": {"install.client_key": stolen}})
    outcomes = await house.job(KeyRing(B, [A])).run(BY, nothing, dry_run=False)
    broken = {(b.id, b.path) for o in outcomes for b in o.broken}
    assert broken == {(tenant, "install.current.sealed"), (moved, "install.client_key")}
    assert await house.under() == {A.key_id: 2, B.key_id: ALL - 2}


async def test_a_key_that_is_not_there_is_no_reason_to_stop(house: House) -> None:
    strange = house.tenants_made[0]
    field = "install.previous.sealed.key_id"
    await house.database["tenants"].update_one({"_id": strange}, {"$set": {field: "local:gone"}})
    outcomes = await house.job(KeyRing(B, [A])).run(BY, nothing, dry_run=False)
    (broken,) = [b for o in outcomes for b in o.broken]
    assert (broken.id, broken.reason) == (strange, "sealed with a key that is not configured")


async def test_an_install_that_was_decided_before_loses_and_is_decided_again(house: House) -> None:
    tenant = house.tenants_made[0]
    found = await house.tenants.get(tenant)
    assert found is not None
    await house.job(KeyRing(B, [A])).run(BY, nothing, dry_run=False)
    with pytest.raises(ChangedMeanwhile):
        await house.tenants.replace(found, Note(Action.INSTALLED, BY))
    await house.install_again(tenant, EnvelopeVault(KeyRing(B, [A])))
    assert await house.opens(B)


class Meddling(KeyRing):
    """Lets something happen between the reading and the storing of every document."""

    def __init__(self, house: House, meddle: Any) -> None:
        super().__init__(B, [A])
        self._house = house
        self._meddle = meddle

    async def unwrap(self, key_id: str, wrapped: bytes, place: Place) -> Any:
        await self._meddle(place)
        return await super().unwrap(key_id, wrapped, place)


async def test_a_rotation_between_reading_and_storing_is_not_overwritten(house: House) -> None:
    vault, rotated = EnvelopeVault(KeyRing(B, [A])), set[str]()

    async def rotate_once(place: Place) -> None:
        if place.tenant in house.tenants_made and place.tenant not in rotated:
            rotated.add(place.tenant)
            await house.install_again(place.tenant, vault)

    outcomes = await house.job(Meddling(house, rotate_once)).run(BY, nothing, dry_run=False)
    assert len(rotated) == TENANTS
    assert not any(o.broken or o.contended for o in outcomes)
    for tenant in house.tenants_made:
        found = await house.tenants.get(tenant)
        assert found is not None
        assert found.install is not None
        assert found.install.current.version == 3
    assert await house.under() == {B.key_id: ALL}
    assert await house.opens(B)


async def test_a_wiped_secret_does_not_come_back(house: House) -> None:
    wiped = False

    async def wipe(_: Place) -> None:
        nonlocal wiped
        if not wiped:
            wiped = True
            house.clock.advance(minutes=6)
            await house.tenants.wipe_replaced_secrets(house.clock.now())

    await house.job(Meddling(house, wipe)).run(BY, nothing, dry_run=False)
    assert await house.database["tenants"].count_documents({"install.previous": {"$ne": None}}) == 0
    assert await house.under() == {B.key_id: ALL - TENANTS}
    assert await house.opens(B)


async def test_what_is_always_busy_is_left_and_said(house: House) -> None:
    busy = house.tenants_made[0]

    async def touch(place: Place) -> None:
        if place.tenant == busy:
            await house.database["tenants"].update_one({"_id": busy}, {"$inc": {"rev": 1}})

    outcomes = await house.job(Meddling(house, touch)).run(BY, nothing, dry_run=False)
    assert {o.collection: o.contended for o in outcomes} == {
        "tenants": 1,
        "signing_keys": 0,
        "own_keys": 0,
    }
    assert await house.under() == {A.key_id: PER_TENANT, B.key_id: ALL - PER_TENANT}


async def test_two_jobs_and_a_busy_service_at_once(house: House) -> None:
    ring = KeyRing(B, [A])
    # the processes of the service: some have restarted with the new key, some have not
    vaults = [EnvelopeVault(KeyRing(A, [B])), EnvelopeVault(ring)]

    async def service(number: int) -> None:
        for tenant in house.tenants_made[number::3]:
            for _ in range(10):
                try:
                    await house.install_again(tenant, vaults[number % 2])
                    break
                except ChangedMeanwhile:
                    continue

    jobs = [house.job(ring).run(BY, nothing, dry_run=False) for _ in range(2)]
    await asyncio.gather(*jobs, *(service(n) for n in range(3)))
    assert await house.opens(ring)
    await house.job(ring).run(BY, nothing, dry_run=False)
    assert await house.under() == {B.key_id: ALL}
    assert await house.opens(B)
