"""Keys of pseudonyms and tenant handles: all processes agree, nothing is stored in the clear."""

import asyncio
import secrets
from datetime import date

import pytest
from typer.testing import CliRunner, Result

from kit.errors import Unavailable
from kit.ids import SystemIds
from kit.mongo import Database, ensure_indexes
from services.telemetry.__main__ import cli
from services.telemetry.adapters.mongo.documents import PSEUDONYM_KEYS
from services.telemetry.adapters.mongo.handles import MongoHandles
from services.telemetry.adapters.mongo.key_register import MongoKeyRegister
from services.telemetry.adapters.mongo.pseudonym_keys import MongoPseudonymKeys
from services.telemetry.adapters.sealing import Sealer
from services.telemetry.domain.pseudonyms import Domain, pseudonym
from services.telemetry.main import INDEXES
from services.telemetry.usecases.keys import Shredding
from tests.harness.backends import Backends
from tests.harness.fakes import ManualClock
from tests.harness.polling import eventually

WRAPPING = secrets.token_bytes(32)


def keys(database: Database, wrapping: bytes = WRAPPING, cached: int = 100) -> MongoPseudonymKeys:
    """One process's view of the keys."""
    sealer = Sealer(wrapping, secrets.token_bytes)
    return MongoPseudonymKeys(database, sealer, secrets.token_bytes, ManualClock(), cached=cached)


async def agreed(database: Database, tenant: str, epoch: str) -> bytes:
    """Ask for a key as eight processes at once."""

    async def one() -> bytes:
        view = keys(database)
        while True:
            try:
                found = await view.key(tenant, epoch)
            except Unavailable:
                await asyncio.sleep(0.01)  # as the consumer does
            else:
                assert found is not None
                return found

    (agreed_on,) = set(await asyncio.gather(*(one() for _ in range(8))))
    return agreed_on


async def test_all_processes_use_the_key_that_was_stored_first(database: Database) -> None:
    key = await agreed(database, "one", "2026-11")
    assert len(key) == 32
    others = [await agreed(database, "two", "2026-11"), await agreed(database, "one", "2026-12")]
    assert len({key, *others}) == 3
    assert await database[PSEUDONYM_KEYS].count_documents({}) == 3
    rows = await database[PSEUDONYM_KEYS].find().to_list(None)
    assert not any(key in row["sealed"] for row in rows)


async def test_many_keys_are_asked_for_at_once(database: Database) -> None:
    view = keys(database)
    one = await view.key("one", "2026-11")
    wanted = [("one", "2026-11"), ("one", "2026-12"), ("two", "2026-11")]
    found = await view.keys(wanted)
    assert found.keys() == set(wanted)
    assert found["one", "2026-11"] == one
    assert await keys(database).keys(wanted) == found


async def test_a_destroyed_key_is_gone_for_everybody_and_never_made_again(
    database: Database,
) -> None:
    register, clock = MongoKeyRegister(database), ManualClock()
    shredding, running = Shredding(register, clock), keys(database)
    october = await running.key("one", "2026-10")
    await running.keys([("one", "2026-11"), ("one", "2026-12"), ("two", "2026-11")])
    assert october is not None
    assert await running.pseudonym_of("one", "2026-10", "bob") == pseudonym(
        october, Domain.USER, "bob"
    )
    assert await shredding.before("one", date(2026, 11, 1), "test") == 1
    # another process has it no longer; this one forgets it in a second
    assert await keys(database).key("one", "2026-10") is None
    await eventually(lambda: running.key("one", "2026-10"), lambda key: key is None, seconds=2)
    assert await running.pseudonym_of("one", "2026-10", "bob") is None
    assert await running.epochs("one") == ["2026-11", "2026-12"]
    assert await shredding.one("one", "2026-12", "test") == 1
    assert await shredding.one("one", "2026-12", "test") == 0
    # a late event of an epoch that never had a key must not make one afterwards
    assert await shredding.all_of("one", "test") == 1
    other = keys(database)
    for epoch in ("2026-10", "2026-11", "2026-12", "2026-Q4", "2026-W47", "2026-11-24"):
        assert await other.key("one", epoch) is None, epoch
    assert await running.epochs("one") == []
    assert await other.key("two", "2026-11") is not None
    entries = await register.entries("one")
    assert {entry.destroyed_by for entry in entries} == {"test"}
    assert {entry.destroyed_at for entry in entries} == {clock.now()}
    assert await database[PSEUDONYM_KEYS].count_documents({"sealed": {"$exists": True}}) == 1
    await keys(database).check()


async def test_the_commands_list_and_destroy(database: Database, servers: Backends) -> None:
    await keys(database).keys([("one", "2026-11"), ("two", "2026-11")])
    address = {"OSTRO_MONGODB_DATABASE": database.name, "OSTRO_MONGODB_URI": servers.mongodb}
    runner = CliRunner(env=address)

    async def run(*arguments: str) -> Result:
        return await asyncio.to_thread(runner.invoke, cli, ["admin", "keys", *arguments])

    assert (await run("list", "--tenant", "one")).output.startswith("2026-11: since 2026-11-24")
    for wrong in ((), ("--all", "--epoch", "2026-11"), ("--epoch", "someday")):
        assert (await run("destroy", "--tenant", "one", *wrong)).exit_code == 2
    destroyed = await run("destroy", "--tenant", "one", "--epoch", "2026-11")
    assert destroyed.output == "destroyed: 1\n"
    assert (await run("list", "--tenant", "one")).output.endswith(" by admin command\n")
    assert await keys(database).key("one", "2026-11") is None
    assert await keys(database).key("two", "2026-11") is not None


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
