"""The embedded outbox and its relay: order, leadership, fencing, crashes, what cannot be sent."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import ProducerFenced

from contracts.topics import RECORDED, TEST_CASE_STATE
from kit.clock import SystemClock
from kit.ids import SystemIds, stable_uuid
from kit.kafka.client import connection
from kit.kafka.records import Outgoing, tombstone
from kit.leases import Lease
from kit.mongo import Database, Document
from kit.outbox import entries
from kit.outbox.relay import Relay, Source
from tests.harness.polling import eventually
from tests.integration.kit.conftest import Namespace

TOPICS = (TEST_CASE_STATE, RECORDED)
CLOCK, IDS = SystemClock(), SystemIds()


class World:
    """A collection with an outbox, and relays that drain it."""

    def __init__(self, kafka: Namespace, database: Database) -> None:
        self.kafka = kafka
        self.database = database
        self.things = database["things"]
        self.topic = kafka.names.topic(TEST_CASE_STATE)

    def source(self, **options: Any) -> Source:
        return Source("things", self.render, **options)

    def render(self, document: Mapping[str, Any], pending: Mapping[str, Any]) -> Sequence[Outgoing]:
        """State as the services do it: the current document, an id that a repeat gets again."""
        if document.get("deleted"):
            return [tombstone(self.topic, document["_id"], document["rev"])]
        if document.get("unrenderable"):
            raise KeyError("content of the customer")
        if pending["kind"] == "fact":
            key, value = document["_id"].encode(), pending["data"]["text"].encode()
            event_id = pending["id"].encode()
            return [Outgoing(self.kafka.names.topic(RECORDED), key, value, (("id", event_id),))]
        value = f"{document['rev']}:{document.get('body', '')}"
        event_id = stable_uuid(self.topic, document["_id"], document["rev"])
        headers = (("id", event_id.encode()),)
        return [Outgoing(self.topic, document["_id"].encode(), value.encode(), headers)]

    async def write(self, name: str, **changes: Any) -> None:
        """Change a document and say so in the same write."""
        await self.things.update_one(
            {"_id": name},
            {"$set": changes, "$inc": {"rev": 1}, "$push": {"outbox": entries.entry(CLOCK, IDS)}},
            upsert=True,
        )

    async def tell(self, name: str, *texts: str) -> None:
        """Add facts to a document."""
        pending = [entries.entry(CLOCK, IDS, "fact", {"text": text}) for text in texts]
        await self.things.update_one(
            {"_id": name}, {"$push": {"outbox": {"$each": pending}}}, upsert=True
        )

    def relay(self, holder: str, source: Source, ttl: float = 10) -> Relay:
        lease = Lease(
            self.database["leases"], "relay", holder, timedelta(seconds=ttl), SystemClock()
        )
        return Relay(self.kafka.settings, "test", self.database, [source], lease)

    @contextlib.asynccontextmanager
    async def relaying(
        self, *, holder: str = "a", ttl: float = 10, **options: Any
    ) -> AsyncIterator[Relay]:
        relay = self.relay(holder, self.source(**options), ttl)
        task = asyncio.create_task(relay.run())
        try:
            yield relay
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def pending(self) -> int:
        return await self.things.count_documents({"outbox.seq": {"$gt": 0}})

    async def drained(self) -> None:
        await eventually(self.pending, lambda n: n == 0)

    async def published(self) -> list[Any]:
        return await self.kafka.read(self.topic)


@pytest.fixture
async def world(kafka: Namespace, database: Database) -> World:
    await database["things"].create_indexes([entries.INDEX])
    return World(kafka, database)


async def test_every_change_is_published_and_the_outbox_is_empty_afterwards(world: World) -> None:
    async with world.relaying() as relay:
        for n in range(30):
            await world.write(f"t/{n % 5}", body=str(n))
            relay.nudge()
        await world.drained()
    last = {r.key: r.value for r in await world.published()}
    assert last == {f"t/{n}".encode(): f"6:{25 + n}".encode() for n in range(5)}
    document = await world.things.find_one({"_id": "t/1"})
    assert document is not None
    assert document["outbox"] == []


async def test_facts_of_a_document_keep_the_order_of_the_writes(world: World) -> None:
    # a clock that runs backwards between two writers must not turn the order around
    late, early = (entries.entry(CLOCK, IDS, "fact", {"text": t}) for t in ("1", "2"))
    early["seq"] = late["seq"] - 5000
    await world.things.insert_one({"_id": "t/x", "outbox": [late, early]})
    await world.tell("t/x", "3", "4")
    async with world.relaying():
        await world.drained()
    facts = await world.kafka.read(world.kafka.names.topic(RECORDED))
    assert [r.value for r in facts] == [b"1", b"2", b"3", b"4"]


async def test_a_repeat_after_a_crash_has_the_same_ids(world: World) -> None:
    await world.write("t/1", body="x")
    await world.tell("t/1", "fact")
    before = await world.things.find_one({"_id": "t/1"})
    assert before is not None
    async with world.relaying():
        await world.drained()
    # the acknowledgement came, the removal did not
    await world.things.update_one({"_id": "t/1"}, {"$set": {"outbox": before["outbox"]}})
    async with world.relaying():
        await world.drained()
    for topic in (world.topic, world.kafka.names.topic(RECORDED)):
        first, second = await world.kafka.read(topic)
        assert (first.key, first.value, first.headers) == (
            second.key,
            second.value,
            second.headers,
        )


async def test_an_entry_written_while_the_batch_is_sent_stays_for_the_next(world: World) -> None:
    await world.write("t/1", body="1")
    relay = world.relay("a", world.source())
    async with _transactional(world) as producer:
        documents = await relay._pending(world.source())
        await world.write("t/1", body="2")
        await relay._drain(producer, world.source(), documents)
    assert await world.pending() == 1
    async with world.relaying():
        await world.drained()
    assert [r.value for r in await world.published()] == [b"1:1", b"2:2"]


async def test_another_process_takes_over_when_the_leader_is_gone(world: World) -> None:
    dead = Lease(world.database["leases"], "relay", "dead", timedelta(seconds=2), SystemClock())
    assert await dead.hold()
    await world.write("t/1", body="x")
    async with world.relaying(holder="b"):
        await world.drained()
    assert len(await world.published()) == 1


async def test_only_one_of_two_relays_leads(world: World) -> None:
    async with world.relaying(holder="a"), world.relaying(holder="b"):
        for n in range(40):
            await world.write(f"t/{n}", body="x")
        await world.drained()
    # both leading would fence each other and repeat batches
    assert len(await world.published()) == 40


async def test_nothing_that_a_zombie_publishes_is_visible(world: World) -> None:
    await world.write("t/1", body="old")
    zombie = world.relay("zombie", world.source())
    async with _transactional(world) as producer:
        documents = await zombie._pending(world.source())
        # it stalls; meanwhile another becomes leader and publishes what is newer
        await world.write("t/1", body="new")
        async with world.relaying(holder="b"):
            await world.drained()
        with pytest.raises(ProducerFenced):
            await zombie._drain(producer, world.source(), documents)
    assert {r.value for r in await world.published()} == {b"2:new"}


async def test_a_relay_that_was_fenced_gives_the_lease_up_and_does_not_fight(
    world: World,
) -> None:
    async with world.relaying(holder="a"):
        await world.write("t/1", body="1")
        await world.drained()
        async with _transactional(world):  # somebody else leads
            await world.write("t/2", body="2")

            async def lease() -> Document | None:
                return await world.database["leases"].find_one({"_id": "relay"})

            await eventually(lease, lambda row: row is None)
        await world.drained()  # it leads again, later
    assert {r.value for r in await world.published()} == {b"1:1", b"1:2"}


async def test_what_is_too_large_is_parked_and_does_not_block_the_rest(world: World) -> None:
    await world.write("t/1", body="x" * (1024 * 1024))
    await world.write("t/2", body="small")
    async with world.relaying():
        await world.drained()
    assert [r.key for r in await world.published()] == [b"t/2"]
    parked = await world.things.find_one({"_id": "t/1"})
    assert parked is not None
    assert len(parked["outbox_parked"]) == 1
    assert parked["outbox"] == []


async def test_what_cannot_be_built_is_parked_and_does_not_block_the_rest(world: World) -> None:
    await world.write("t/1", unrenderable=True)
    await world.write("t/2", body="fine")
    async with world.relaying():
        await world.drained()
    assert [r.key for r in await world.published()] == [b"t/2"]


async def test_a_parked_event_is_given_back_as_operations_says(world: World) -> None:
    await world.write("t/1", unrenderable=True)
    async with world.relaying():
        await world.drained()
        await world.things.update_one({"_id": "t/1"}, {"$set": {"unrenderable": False}})
        # docs/operations.md, "Dead letters"
        await world.things.update_many(
            {"outbox_parked": {"$exists": True}},
            [
                {
                    "$set": {
                        "outbox": {
                            "$concatArrays": [{"$ifNull": ["$outbox", []]}, "$outbox_parked"]
                        }
                    }
                },
                {"$unset": "outbox_parked"},
            ],
        )
        await world.drained()
    assert [r.value for r in await world.published()] == [b"1:"]


async def test_when_nothing_can_be_built_nothing_is_moved_away(world: World) -> None:
    for n in range(60):
        await world.write(f"t/{n}", unrenderable=True)
    with pytest.raises(RuntimeError, match="none of 60"):
        await asyncio.wait_for(world.relay("a", world.source()).run(), 20)
    assert await world.pending() == 60


async def test_a_deleted_document_goes_only_after_its_tombstone(world: World) -> None:
    await world.write("t/1", body="x")
    async with world.relaying(purge_deleted=True):
        await world.drained()
        await world.write("t/1", deleted=True)
        await world.drained()
        await eventually(lambda: world.things.count_documents({}), lambda n: n == 0)
    last = (await world.published())[-1]
    assert (last.key, last.value) == (b"t/1", None)
    assert dict(last.headers)["ce_sequence"] == b"2"


async def test_a_deleted_document_with_news_of_its_own_stays(world: World) -> None:
    await world.write("t/1", deleted=True)
    source = world.source(purge_deleted=True)
    relay = world.relay("a", source)
    async with _transactional(world) as producer:
        documents = await relay._pending(source)
        await world.tell("t/1", "said meanwhile")
        await relay._drain(producer, source, documents)
    assert await world.things.count_documents({}) == 1
    async with world.relaying(purge_deleted=True):
        await eventually(lambda: world.things.count_documents({}), lambda n: n == 0)


async def test_rows_with_a_single_event_lose_the_whole_field(world: World) -> None:
    await world.tell("t/1", "only")
    async with world.relaying(single_event=True):
        await world.drained()
    assert await world.things.find_one({"_id": "t/1"}) == {"_id": "t/1"}
    assert len(await world.kafka.read(world.kafka.names.topic(RECORDED))) == 1


async def test_an_idle_relay_renews_its_lease_seldom(world: World) -> None:
    async with world.relaying(ttl=4):

        async def until() -> Any:
            row = await world.database["leases"].find_one({"_id": "relay"})
            return row and row["until"]

        first = await eventually(until)
        second = await eventually(until, lambda found: found != first)
    # its rounds are a quarter of a second apart at most
    assert second - first > timedelta(seconds=0.9)


@contextlib.asynccontextmanager
async def _transactional(world: World) -> AsyncIterator[AIOKafkaProducer]:
    """A producer with the relay's fence."""
    settings = world.kafka.settings
    producer = AIOKafkaProducer(
        **connection(settings), transactional_id=f"{settings.topic_prefix}test.relay"
    )
    await producer.start()
    try:
        yield producer
    finally:
        with contextlib.suppress(AssertionError):
            await producer.stop()
