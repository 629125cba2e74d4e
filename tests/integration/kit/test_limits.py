"""Requests a minute, counted in a real MongoDB by several limiters."""

import asyncio
from datetime import UTC

import pytest

from kit.auth.limits import INDEXES, PERMITS, OverLimit, Quota, RateLimiter
from kit.auth.principal import Principal
from kit.mongo import Database, connect, ensure_indexes
from kit.observability.metrics import REGISTRY
from tests.harness.backends import Backends
from tests.harness.fakes import ManualClock
from tests.harness.pipe import pipe_to_mongodb
from tests.harness.polling import eventually

TOKEN = Principal("t1", "acc", "tok1", frozenset())


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def permits(database: Database) -> Database:
    await ensure_indexes(database, INDEXES)
    return database


async def admitted(limiter: RateLimiter, times: int, principal: Principal = TOKEN) -> int:
    """Try in a crowd; return how many passed."""

    async def one() -> bool:
        try:
            await limiter.admit(principal)
        except OverLimit:
            return False
        return True

    return sum(await asyncio.gather(*(one() for _ in range(times))))


@pytest.mark.parametrize("limit", [1, 7, 60, 1_000])
async def test_two_processes_together_pass_exactly_the_limit(
    permits: Database, clock: ManualClock, limit: int
) -> None:
    one, two = (RateLimiter(permits, limit, clock) for _ in range(2))
    passed = 0
    for _ in range(2 + limit // 40):
        passed += sum(await asyncio.gather(admitted(one, 37), admitted(two, 11)))
    assert passed == limit
    with pytest.raises(OverLimit) as refusal:
        await one.admit(TOKEN)
    assert refusal.value.quota == Quota(limit, 0, 60)
    assert (refusal.value.status, refusal.value.headers) == (429, {"Retry-After": "60"})
    clock.advance(seconds=59.5)
    with pytest.raises(OverLimit) as refusal:
        await two.admit(TOKEN)
    assert refusal.value.headers == {"Retry-After": "1"}
    clock.advance(seconds=0.5)
    assert await two.admit(TOKEN) == Quota(limit, limit - 1, 60)


async def test_tokens_and_tenants_are_counted_apart_and_the_lower_limit_holds(
    permits: Database, clock: ManualClock
) -> None:
    limiter = RateLimiter(permits, 10, clock)
    for other in (
        TOKEN,
        Principal("t2", "acc", "tok1", frozenset()),
        Principal("t1", "acc", "tok2", frozenset()),
    ):
        assert await admitted(limiter, 15, other) == 10
    low = Principal("t1", "acc", "low", frozenset())
    assert [(await limiter.admit(low, 3)).remaining for _ in range(3)] == [2, 1, 0]
    with pytest.raises(OverLimit, match="The token may make 3 requests a minute"):
        await limiter.admit(low, 3)
    high = Principal("t1", "acc", "high", frozenset())
    assert (await limiter.admit(high, 1_000_000)).limit == 10


@pytest.mark.long
async def test_a_busy_token_costs_few_round_trips_and_an_idle_batch_little(
    permits: Database, clock: ManualClock
) -> None:
    counted = permits.get_collection(PERMITS)
    one, two = (RateLimiter(permits, 100_000, clock) for _ in range(2))
    key = {"_id": f"t1/tok1/{int(clock.now().timestamp()) // 60}"}
    await two.admit(TOKEN)
    steps = set()
    for _ in range(20_000):
        await one.admit(TOKEN)
        steps.add(one._minutes["t1", "tok1"].taken)
    assert len(steps) < 25
    row = await counted.find_one(key)
    assert row is not None
    assert 20_001 <= row["taken"] <= 20_001 + 2_000
    # the other had taken eight and used one
    quota = await two.admit(TOKEN)
    assert quota.remaining == 100_000 - 8 + 6
    assert await admitted(one, 100_000) + 20_000 == 100_000 - 8


async def test_a_minute_is_swept_by_its_index_only(permits: Database, clock: ManualClock) -> None:
    await RateLimiter(permits, 10, clock).admit(TOKEN)
    index = (await permits[PERMITS].index_information())["until"]
    assert index["expireAfterSeconds"] == 0
    row = await permits[PERMITS].find_one({})
    assert row is not None
    now = (await permits.command("hello"))["localTime"].replace(tzinfo=UTC)
    assert 500 < (row["until"] - now).total_seconds() <= 600


async def test_with_mongodb_away_requests_pass_and_that_is_counted(
    servers: Backends, database: Database, clock: ManualClock
) -> None:
    def uncounted() -> float:
        return REGISTRY.get_sample_value("ostro_uncounted_requests_total") or 0.0

    with pipe_to_mongodb(servers.mongodb) as (pipe, uri):
        async with connect(uri, database.name, timeout_ms=500) as through:
            limiter = RateLimiter(through, 5, clock)
            assert (await limiter.admit(TOKEN, 1)).remaining == 0
            before = uncounted()
            pipe.cut()
            assert await admitted(limiter, 20) == 20
            assert uncounted() == before + 20
            pipe.mend()

            async def refused() -> bool:
                return await admitted(limiter, 20) < 20

            await eventually(refused)
    assert await admitted(RateLimiter(database, 5, clock), 5) == 0


async def test_a_request_that_is_given_up_takes_the_others_permits_not_away(
    permits: Database, clock: ManualClock
) -> None:
    limiter = RateLimiter(permits, 100, clock)
    given_up = asyncio.create_task(limiter.admit(TOKEN))
    other = asyncio.create_task(limiter.admit(TOKEN))
    asyncio.get_running_loop().call_soon(given_up.cancel)
    assert (await other).limit == 100
    assert given_up.cancelled()
