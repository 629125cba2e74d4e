"""Keys of pseudonyms and tenant handles: all processes agree, nothing is stored in the clear."""

import asyncio
import secrets

import pytest

from kit.errors import Unavailable
from kit.ids import SystemIds
from kit.mongo import Database, ensure_indexes
from services.telemetry.adapters.mongo.documents import PSEUDONYM_KEYS
from services.telemetry.adapters.mongo.handles import MongoHandles
from services.telemetry.adapters.mongo.pseudonym_keys import MongoPseudonymKeys
from services.telemetry.adapters.sealing import Sealer
from services.telemetry.main import INDEXES
from tests.harness.fakes import ManualClock

WRAPPING = secrets.token_bytes(32)


def keys(database: Database, wrapping: bytes = WRAPPING, cached: int = 100) -> MongoPseudonymKeys:
    """One process's view of the keys."""
    sealer = Sealer(wrapping, secrets.token_bytes)
    return MongoPseudonymKeys(database, sealer, secrets.token_bytes, ManualClock(), cached)


async def agreed(database: Database, tenant: str, epoch: str) -> bytes:
    """Ask for a key as eight processes at once."""

    async def one() -> bytes:
        view = keys(database)
        while True:
            try:
                return await view.key(tenant, epoch)
            except Unavailable:
                await asyncio.sleep(0.01)  # as the consumer does

    found = set(await asyncio.gather(*(one() for _ in range(8))))
    assert len(found) == 1
    return found.pop()


async def test_all_processes_use_the_key_that_was_stored_first(database: Database) -> None:
    key = await agreed(database, "one", "2026-11")
    assert len(key) == 32
    others = [await agreed(database, "two", "2026-11"), await agreed(database, "one", "2026-12")]
    assert len({key, *others}) == 3
    assert await database[PSEUDONYM_KEYS].count_documents({}) == 3
    rows = await database[PSEUDONYM_KEYS].find().to_list(None)
    assert not any(key in row["sealed"] for row in rows)


async def test_a_bounded_cache_reads_again_what_it_forgot(database: Database) -> None:
    view = keys(database, cached=2)
    found = [await view.key(f"tenant-{n}", "2026-11") for n in range(5)]
    assert len(view._keys) == 2
    assert [await view.key(f"tenant-{n}", "2026-11") for n in range(5)] == found


async def test_a_wrong_wrapping_key_drops_nothing_and_shows_at_start(database: Database) -> None:
    await keys(database).check()
    await keys(database).key("one", "2026-11")
    await keys(database).check()
    wrong = keys(database, secrets.token_bytes(32))
    with pytest.raises(Unavailable, match="OSTRO_PSEUDONYM_KEY_FILE"):
        await wrong.key("one", "2026-11")
    with pytest.raises(Unavailable, match="OSTRO_PSEUDONYM_KEY_FILE"):
        await wrong.check()


async def test_all_processes_use_one_handle_per_tenant(database: Database) -> None:
    await ensure_indexes(database, INDEXES)

    async def one() -> str:
        view = MongoHandles(database, SystemIds())
        while True:
            try:
                return await view.handle("one")
            except Unavailable:
                await asyncio.sleep(0.01)

    (handle,) = set(await asyncio.gather(*(one() for _ in range(8))))
    view = MongoHandles(database, SystemIds())
    other = await view.handle("two")
    assert len({handle, other}) == 2
    assert "one" not in handle
    names = await view.tenants([handle, other, "unknown"])
    assert names == {handle: "one", other: "two"}
    assert await view.tenants([handle, other]) == names
    assert await view.handle("one") == handle
