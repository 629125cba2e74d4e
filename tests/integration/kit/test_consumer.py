"""The batch consumer on a real broker: order, poison, retries, isolation, commits."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from contracts.topics import (
    RESULT,
    TEST_CASE_STATE,
    UPLOAD,
    USAGE,
    topics_of,
)
from kit.errors import Unavailable
from kit.kafka.client import connection
from kit.kafka.consumer import GiveBack
from kit.kafka.dead_letters import DeadLetterLimit
from kit.kafka.records import Outgoing, Poison, Record
from kit.observability.metrics import DROPPED, RETRIES
from tests.harness.polling import eventually
from tests.integration.kit.conftest import Namespace

TOPICS = (RESULT, UPLOAD, USAGE, *topics_of("executions.library"))
GROUP = "executions.results"


class Collector:
    """A handler that stores what it gets; fails when told to."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.calls = 0
        self.failures: list[Exception] = []
        self.bad_values: set[bytes | None] = set()
        self.broken_values: set[bytes | None] = set()

    async def __call__(self, records: Sequence[Record]) -> Sequence[Poison]:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        if any(r.value in self.broken_values for r in records):
            raise ValueError("a secret value")
        self.records += [r for r in records if r.value not in self.bad_values]
        return [Poison(r, "unreadable") for r in records if r.value in self.bad_values]

    @property
    def values(self) -> list[Any]:
        return [r.value for r in self.records]


async def all_values(handler: Collector, count: int) -> None:
    async def number() -> int:
        return len(handler.values)

    await eventually(number, lambda n: n >= count)


async def test_a_new_group_reads_from_the_beginning_and_each_key_in_order(
    kafka: Namespace,
) -> None:
    sent = [(f"key{n % 30}", f"{n:04}".encode()) for n in range(600)]
    await kafka.send(RESULT, *sent)
    handler = Collector()
    async with kafka.consuming(GROUP, handler, max_records=100):
        await kafka.all_committed(GROUP, RESULT, 600)
    assert sorted(handler.values) == sorted(v for _, v in sent)
    assert len({r.partition for r in handler.records}) == RESULT.partitions
    by_key: dict[bytes | None, list[bytes]] = defaultdict(list)
    for record in handler.records:
        by_key[record.key].append(record.value or b"")
    assert all(values == sorted(values) for values in by_key.values())


async def test_poison_binary_headers_and_tombstones_do_not_cost_their_neighbours(
    kafka: Namespace,
) -> None:
    topic = kafka.names.topic(RESULT)
    await kafka.publisher.send(
        [
            Outgoing(topic, b"a", b"good 1"),
            Outgoing(topic, b"a", b"\xff\xfe not JSON", (("upload", b"u1"),)),
            Outgoing(topic, b"a", b"good 2", (("binary", b"\xff\x00\xfe"),)),
            Outgoing(topic, b"a", None),
            Outgoing(topic, b"a", b"", ()),
        ]
    )
    handler = Collector()
    handler.bad_values = {b"\xff\xfe not JSON"}
    async with kafka.consuming(GROUP, handler):
        await kafka.all_committed(GROUP, RESULT, 5)
    assert handler.values == [b"good 1", b"good 2", None, b""]
    assert handler.records[1].headers == {"binary": b"\xff\x00\xfe"}
    dlq = await kafka.read(kafka.names.dead_letters(RESULT, RESULT.subscriptions[0]))
    assert [letter.value for letter in dlq] == [b"\xff\xfe not JSON"]
    headers = dict(dlq[0].headers)
    assert headers["dlq-reason"] == b"unreadable"
    assert headers["dlq-group"] == GROUP.encode()
    assert headers["dlq-origin"].startswith(b"ostro.executions.result.v1/")
    assert headers["dlq-at"] == b"2026-11-24T12:00:00+00:00"
    assert headers["upload"] == b"u1"


async def test_a_null_header_value_is_read_as_empty(kafka: Namespace) -> None:
    async with AIOKafkaProducer(**connection(kafka.settings)) as producer:
        await producer.send_and_wait(
            kafka.names.topic(RESULT), b"v", key=b"k", headers=[("nothing", None), ("x", b"1")]
        )
    handler = Collector()
    async with kafka.consuming(GROUP, handler):
        await kafka.all_committed(GROUP, RESULT, 1)
    assert handler.records[0].headers == {"nothing": b"", "x": b"1"}


async def test_what_may_pass_is_tried_again_with_growing_waits_until_it_passes(
    kafka: Namespace,
) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    await kafka.send(RESULT, *[(f"k{n}", b"%d" % n) for n in range(20)])
    handler = Collector()
    handler.failures = [Unavailable("down"), TimeoutError(), ConnectionError()] * 2
    async with kafka.consuming(GROUP, handler, sleep=sleep):
        await kafka.all_committed(GROUP, RESULT, 20)
    assert sorted(handler.values) == sorted(b"%d" % n for n in range(20))
    assert len(waits) == 6
    assert all(0.05 * 2**n <= waits[n - 1] <= 0.15 * 2**n for n in range(1, 5))
    assert await kafka.read(kafka.names.dead_letters(RESULT, RESULT.subscriptions[0])) == []


async def test_a_batch_whose_time_is_over_is_rewound_and_comes_again(kafka: Namespace) -> None:
    await kafka.send(RESULT, *[(f"k{n}", b"%d" % n) for n in range(20)])
    handler = Collector()
    handler.failures = [Unavailable("down") for _ in range(3)]
    async with kafka.consuming(GROUP, handler, retry_budget=0.0):
        await kafka.all_committed(GROUP, RESULT, 20)
    assert sorted(handler.values) == sorted(b"%d" % n for n in range(20))


async def test_nothing_is_committed_while_a_batch_fails(kafka: Namespace) -> None:
    await kafka.send(RESULT, *[(f"k{n}", b"%d" % n) for n in range(20)])
    down = asyncio.Event()

    async def handler(_records: Sequence[Record]) -> Sequence[Poison]:
        down.set()
        raise Unavailable("down")

    async with kafka.consuming(GROUP, handler):
        await asyncio.wait_for(down.wait(), 10)
    assert await kafka.committed(GROUP, RESULT) == 0
    healed = Collector()
    async with kafka.consuming(GROUP, healed):
        await kafka.all_committed(GROUP, RESULT, 20)
    assert len(healed.values) == 20


async def test_a_record_that_always_fails_is_isolated_and_parked(kafka: Namespace) -> None:
    await kafka.send(RESULT, *[("same", b"%d" % n) for n in range(10)])
    handler = Collector()
    handler.broken_values = {b"4"}
    async with kafka.consuming(GROUP, handler):
        await kafka.all_committed(GROUP, RESULT, 10)
    assert handler.values == [b"%d" % n for n in range(10) if n != 4]
    letters = await kafka.read(kafka.names.dead_letters(RESULT, RESULT.subscriptions[0]))
    assert [letter.value for letter in letters] == [b"4"]
    # the type alone: the text may hold content
    assert dict(letters[0].headers)["dlq-reason"] == b"handler failed: ValueError"


async def test_while_isolating_what_may_pass_still_loses_nothing(kafka: Namespace) -> None:
    await kafka.send(RESULT, *[("same", b"%d" % n) for n in range(5)])
    handler = Collector()
    broken = [ValueError() for _ in range(3)]
    handler.failures = [*broken, Unavailable("down")]
    async with kafka.consuming(GROUP, handler):
        await kafka.all_committed(GROUP, RESULT, 5)
    assert handler.values == [b"%d" % n for n in range(5)]


async def test_a_batch_given_back_is_neither_tried_here_nor_lost(kafka: Namespace) -> None:
    await kafka.send(RESULT, ("k", b"1"))
    handler = Collector()
    handler.failures = [GiveBack()]
    before = RETRIES.labels(GROUP, "GiveBack")._value.get()
    async with kafka.consuming(GROUP, handler):
        await kafka.all_committed(GROUP, RESULT, 1)
    assert handler.values == [b"1"]
    assert RETRIES.labels(GROUP, "GiveBack")._value.get() == before


async def test_too_much_poison_stops_the_group_and_health_says_so(kafka: Namespace) -> None:
    stuck = asyncio.Event()

    async def sleep(_seconds: float) -> None:
        stuck.set()
        await asyncio.sleep(0.05)

    await kafka.send(RESULT, *[("same", b"bad") for _ in range(8)])
    handler = Collector()
    handler.bad_values = {b"bad"}
    limit = DeadLetterLimit(consecutive=5)
    async with kafka.consuming(GROUP, handler, limit=limit, sleep=sleep):
        await asyncio.wait_for(stuck.wait(), 10)
        assert await kafka.health.ready() == {GROUP: "8 poison records in a row"}
        assert await kafka.committed(GROUP, RESULT) == 0
        assert await kafka.read(kafka.names.dead_letters(RESULT, RESULT.subscriptions[0])) == []
        # a new version can read them: the group moves again by itself
        handler.bad_values = set()
        await kafka.all_committed(GROUP, RESULT, 8)
        assert await kafka.health.ready() == {}


async def test_poison_of_a_topic_without_a_dlq_is_dropped_and_counted(kafka: Namespace) -> None:
    group = "telemetry.anonymizer"
    before = DROPPED.labels(group, USAGE.name)._value.get()
    await kafka.send(USAGE, ("t", b"bad"), ("t", b"good"))
    handler = Collector()
    handler.bad_values = {b"bad"}
    async with kafka.consuming(group, handler):
        await kafka.all_committed(group, USAGE, 2)
    assert DROPPED.labels(group, USAGE.name)._value.get() == before + 1


async def test_a_letter_too_large_to_park_goes_without_its_value(kafka: Namespace) -> None:
    huge = b"0" * (3 * 1024 * 1024)
    async with AIOKafkaProducer(
        **connection(kafka.settings), compression_type="gzip", max_request_size=2 * len(huge)
    ) as producer:
        await producer.send_and_wait(kafka.names.topic(RESULT), huge, key=b"k")
    await kafka.send(RESULT, ("k", b"good"))
    handler = Collector()
    handler.bad_values = {huge}
    async with kafka.consuming(GROUP, handler):
        await kafka.all_committed(GROUP, RESULT, 2)
    (letter,) = await kafka.read(kafka.names.dead_letters(RESULT, RESULT.subscriptions[0]))
    assert letter.value is None
    assert dict(letter.headers)["dlq-cut"] == b"3145728"
    assert handler.values == [b"good"]


async def test_the_largest_record_that_a_topic_takes_can_be_parked(kafka: Namespace) -> None:
    value = b"x" * (RESULT.max_message_bytes - 200)
    async with AIOKafkaProducer(
        **connection(kafka.settings), max_request_size=2 * len(value)
    ) as producer:
        await producer.send_and_wait(kafka.names.topic(RESULT), value, key=b"k")
    handler = Collector()
    handler.bad_values = {value}
    async with kafka.consuming(GROUP, handler):
        await kafka.all_committed(GROUP, RESULT, 1)
    (letter,) = await kafka.read(kafka.names.dead_letters(RESULT, RESULT.subscriptions[0]))
    assert letter.value == value


async def test_records_of_aborted_and_open_transactions_are_not_seen(kafka: Namespace) -> None:
    topic = kafka.names.topic(TEST_CASE_STATE)
    handler = Collector()
    async with AIOKafkaProducer(
        **connection(kafka.settings), transactional_id=f"{kafka.settings.topic_prefix}x"
    ) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"aborted", key=b"k")
        await producer.abort_transaction()
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"committed", key=b"k")
        await producer.commit_transaction()
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"open", key=b"k")
        async with kafka.consuming("executions.library", handler):
            await all_values(handler, 1)
            assert handler.values == [b"committed"]
        await producer.abort_transaction()


async def test_a_record_replayed_for_another_group_is_skipped(kafka: Namespace) -> None:
    topic = kafka.names.topic(UPLOAD)
    await kafka.publisher.send(
        [
            Outgoing(topic, b"k", b"for others", (("ostro-replay-group", b"telemetry.segment"),)),
            Outgoing(topic, b"k", b"for us", (("ostro-replay-group", b"testcases.uploads"),)),
            Outgoing(topic, b"k", b"for all"),
        ]
    )
    handler = Collector()
    async with kafka.consuming("testcases.uploads", handler):
        await kafka.all_committed("testcases.uploads", UPLOAD, 3)
    assert handler.values == [b"for us", b"for all"]


@pytest.mark.parametrize("members", [3])
async def test_members_coming_and_going_lose_nothing(kafka: Namespace, members: int) -> None:
    handlers = [Collector() for _ in range(members)]
    total = 900

    async def publish() -> None:
        for start in range(0, total, 30):
            batch = [(f"k{n}", b"%d" % n) for n in range(start, start + 30)]
            await kafka.send(RESULT, *batch)
            await asyncio.sleep(0.02)

    publishing = asyncio.create_task(publish())
    async with kafka.consuming(GROUP, handlers[0], max_records=20):
        async with kafka.consuming(GROUP, handlers[1], max_records=20):
            await all_values(handlers[0], 30)
            async with kafka.consuming(GROUP, handlers[2], max_records=20):
                await publishing
        await kafka.all_committed(GROUP, RESULT, total)
    seen = {value for handler in handlers for value in handler.values}
    assert seen == {b"%d" % n for n in range(total)}


async def test_a_stop_waits_for_the_batch_in_flight_and_commits_it(kafka: Namespace) -> None:
    await kafka.send(RESULT, *[(f"k{n}", b"%d" % n) for n in range(20)])
    started, finish = asyncio.Event(), asyncio.Event()
    stored: list[Record] = []

    async def slow(records: Sequence[Record]) -> Sequence[Poison]:
        started.set()
        await finish.wait()
        stored.extend(records)
        return []

    async with kafka.consuming(GROUP, slow):
        await asyncio.wait_for(started.wait(), 10)
        asyncio.get_running_loop().call_later(0.3, finish.set)
    assert stored
    assert await kafka.committed(GROUP, RESULT) == len(stored)


async def test_a_dead_consume_loop_shows_in_health(kafka: Namespace) -> None:
    from kit.kafka.consumer import check_running

    async with kafka.consuming(GROUP, Collector()) as subscriber:
        await check_running(subscriber)
    with pytest.raises(Unavailable):
        await check_running(subscriber)
