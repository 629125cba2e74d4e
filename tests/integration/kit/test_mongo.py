"""The MongoDB door, counters and leases on a real replica set."""

import asyncio
import logging
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo import ASCENDING, IndexModel, MongoClient, UpdateOne
from pymongo.errors import OperationFailure

from kit.counters import Counters
from kit.errors import Unavailable
from kit.leases import Lease
from kit.mongo import (
    BulkFailure,
    Database,
    bulk_upsert,
    connect,
    ensure_indexes,
    insert_new,
    is_transient,
    unavailable_when_down,
    wait_until_up,
)
from tests.harness.fakes import ManualClock
from tests.harness.installation import free_port


async def test_insert_new_says_which_were_there_already(database: Database) -> None:
    things = database["things"]
    assert await insert_new(things, []) == set()
    assert await insert_new(things, [{"_id": n} for n in (1, 3)]) == set()
    assert await insert_new(things, [{"_id": n} for n in range(5)]) == {1, 3}
    assert await things.count_documents({}) == 5


async def test_a_duplicate_in_another_unique_index_is_no_silent_success(
    database: Database,
) -> None:
    things = database["things"]
    await ensure_indexes(
        database, {"things": [IndexModel([("name", ASCENDING)], unique=True)], "none": []}
    )
    await insert_new(things, [{"_id": 1, "name": "a"}])
    with pytest.raises(BulkFailure) as failure:
        await insert_new(things, [{"_id": 2, "name": "a"}])
    assert failure.value.codes == (11000,)


async def test_a_bulk_failure_holds_no_content(database: Database) -> None:
    await database.create_collection("strict", validator={"secret": {"$type": "int"}})
    documents = [{"_id": n, "secret": "customer content"} for n in range(3)]
    with pytest.raises(BulkFailure) as failure:
        await insert_new(database["strict"], documents)
    with pytest.raises(BulkFailure) as upserting:
        await bulk_upsert(
            database["strict"],
            [UpdateOne({"_id": 1}, {"$set": {"secret": "customer content"}}, upsert=True)],
        )
    for found in (failure, upserting):
        assert "customer content" not in f"{found.value!r} {found.value.__cause__!r}"
        assert found.value.codes[0] == 121
        assert not is_transient(found.value)


async def test_an_upsert_that_lost_the_race_is_done(database: Database) -> None:
    things = database["things"]
    await things.insert_one({"_id": 1, "seq": 5})
    await bulk_upsert(
        things, [UpdateOne({"_id": 1, "seq": {"$lt": 3}}, {"$set": {"seq": 3}}, upsert=True)]
    )
    assert await things.find_one({"_id": 1}) == {"_id": 1, "seq": 5}


@pytest.mark.parametrize(
    ("code", "transient"),
    [(11600, True), (189, True), (64, True), (50, True), (11000, False), (121, False), (2, False)],
)
def test_codes_that_may_pass(code: int, transient: bool) -> None:
    assert is_transient(OperationFailure("x", code)) is transient
    assert is_transient(BulkFailure([code])) is transient
    assert not is_transient(BulkFailure([]))


class _Coded(Exception):
    code = 7


def test_only_errors_of_mongodb_are_its_faults() -> None:
    assert not is_transient(_Coded())
    assert not is_transient(ValueError())


async def test_a_database_that_is_not_there_is_unavailable() -> None:
    uri = f"mongodb://127.0.0.1:{free_port()}/?directConnection=true"
    async with connect(uri, "x", timeout_ms=200) as database:
        with pytest.raises(Unavailable), unavailable_when_down():
            await database["things"].find_one({})
        with pytest.raises(Unavailable, match="MongoDB does not answer"):
            await wait_until_up(database, 0.1)
        with pytest.raises(ValueError, match="other"), unavailable_when_down():
            raise ValueError("other")


async def test_writes_are_majority_and_journaled(database: Database) -> None:
    assert database.write_concern.document == {"w": "majority", "j": True}


# --- counters ---------------------------------------------------------------------------------


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    groups=st.lists(st.lists(st.integers(1, 50), min_size=1, max_size=12), min_size=1, max_size=3)
)
async def test_numbers_are_dense_and_unique_over_processes(
    database: Database, groups: list[list[int]]
) -> None:
    collection = database["counters"]
    await collection.delete_many({})
    processes = [Counters(collection) for _ in groups]  # one per process
    firsts = await asyncio.gather(
        *(
            p.reserve("t/1/T", n)
            for p, counts in zip(processes, groups, strict=True)
            for n in counts
        )
    )
    counts = [n for group in groups for n in group]
    numbers = [f + i for f, n in zip(firsts, counts, strict=True) for i in range(n)]
    assert sorted(numbers) == list(range(1, sum(counts) + 1))


async def test_a_burst_shares_its_writes(database: Database) -> None:
    counters = Counters(database["counters"])
    client: MongoClient[dict[str, object]] = database.client.delegate
    before = client.admin.command("serverStatus")["opcounters"]["command"]
    numbers = await asyncio.gather(*(counters.reserve("t/1/E") for _ in range(500)))
    after = client.admin.command("serverStatus")["opcounters"]["command"]
    assert sorted(numbers) == list(range(1, 501))
    assert after - before < 250  # others use the server too


async def test_a_cancelled_reserver_takes_nobody_down(database: Database) -> None:
    counters = Counters(database["counters"])
    first = asyncio.create_task(counters.reserve("t/1/E", 10))
    second = asyncio.create_task(counters.reserve("t/1/E", 5))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 11
    assert await counters.reserve("t/1/E") == 16


async def test_counters_are_apart_and_can_be_raised_never_lowered(database: Database) -> None:
    counters = Counters(database["counters"])
    await counters.at_least("t/1/T", 100)
    await counters.at_least("t/1/T", 50)
    assert await counters.reserve("t/1/T") == 101
    assert await counters.reserve("t/2/T") == 1
    with pytest.raises(ValueError, match="cannot reserve 0"):
        await counters.reserve("t/1/T", 0)


async def test_a_failed_write_fails_each_waiter() -> None:
    uri = f"mongodb://127.0.0.1:{free_port()}/?directConnection=true"
    async with connect(uri, "x", timeout_ms=200) as database:
        counters = Counters(database["counters"])
        results = await asyncio.gather(
            *(counters.reserve("c") for _ in range(3)), return_exceptions=True
        )
    assert all(isinstance(r, Exception) and is_transient(r) for r in results)


# --- leases -----------------------------------------------------------------------------------


async def test_one_holder_at_a_time(database: Database) -> None:
    clock, leases = ManualClock(), database["leases"]
    a, b = (Lease(leases, "x", name, timedelta(seconds=10), clock) for name in "ab")
    assert await a.hold()
    assert not await b.hold()
    clock.advance(seconds=6)
    assert await a.hold()  # renewed
    clock.advance(seconds=6)
    assert not await b.hold()
    clock.advance(seconds=5)
    assert await b.hold()  # expired
    assert not await a.hold()
    await a.release()  # not its own any more
    assert not await a.hold()
    await b.release()
    assert await a.hold()


async def test_of_many_that_ask_at_once_one_gets_it(database: Database) -> None:
    clock = ManualClock()
    leases = [
        Lease(database["leases"], "x", str(n), timedelta(seconds=10), clock) for n in range(20)
    ]
    assert sum(await asyncio.gather(*(lease.hold() for lease in leases))) == 1


def test_the_drivers_log_is_quiet() -> None:
    assert not logging.getLogger("pymongo").isEnabledFor(logging.DEBUG)
