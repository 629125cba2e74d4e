"""The publisher: acknowledged, or Unavailable in time; a refused record costs itself alone."""

import asyncio
import gc
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from contracts.topics import RESULT, UPLOAD
from devstack.embedded.guard import guarded_folder
from devstack.embedded.kafka import KafkaSite, start_kafka
from devstack.embedded.ports import free_ports
from kit.errors import TooLarge, Unavailable
from kit.kafka.producer import MAX_REQUEST_BYTES, Publisher, RecordTooLarge
from kit.kafka.records import Outgoing
from kit.kafka.topics import apply
from kit.settings import KafkaSettings
from tests.harness.installation import free_port
from tests.integration.kit.conftest import Namespace

TOPICS = (RESULT, UPLOAD)


async def test_records_arrive_with_key_headers_and_tombstones(kafka: Namespace) -> None:
    topic = kafka.names.topic(UPLOAD)
    await kafka.publisher.send(
        [Outgoing(topic, b"k", b"1", (("h", b"\xff"),)), Outgoing(topic, b"k", None)]
    )
    found = await kafka.read(topic)
    assert [(r.key, r.value, r.headers) for r in found] == [
        (b"k", b"1", (("h", b"\xff"),)),
        (b"k", None, ()),
    ]


async def test_an_oversize_record_is_refused_before_anything_is_sent(kafka: Namespace) -> None:
    topic = kafka.names.topic(RESULT)
    small, large = (Outgoing(topic, b"k", b"x" * size) for size in (1, MAX_REQUEST_BYTES))
    with pytest.raises(RecordTooLarge) as refused:
        await kafka.publisher.send([small, large])
    assert isinstance(refused.value, TooLarge)  # 413, not "try again"
    assert await kafka.read(topic) == []
    await kafka.publisher.send([small])
    assert len(await kafka.read(topic)) == 1


async def test_what_the_broker_refuses_is_unavailable_and_the_next_send_works(
    kafka: Namespace,
) -> None:
    topic = kafka.names.topic(RESULT)
    await kafka.publisher.send([Outgoing(topic, b"k", b"before")])
    above_the_topics_cap = b"x" * (RESULT.max_message_bytes + 1000)
    with pytest.raises(Unavailable):
        await kafka.publisher.send(
            [Outgoing(topic, b"k", above_the_topics_cap)], max_bytes=2 * RESULT.max_message_bytes
        )
    await kafka.publisher.send([Outgoing(topic, b"k", b"%d" % n) for n in range(3)])
    assert [r.value for r in await kafka.read(topic)] == [b"before", b"0", b"1", b"2"]


async def test_a_topic_that_does_not_exist_is_unavailable_in_time(kafka: Namespace) -> None:
    publisher = Publisher(kafka.settings, client_id="test", timeout=1.0)
    started = asyncio.get_running_loop().time()
    with pytest.raises(Unavailable):
        await publisher.send([Outgoing("no-such-topic", b"k", b"v")])
    assert asyncio.get_running_loop().time() - started < 10
    await publisher.stop()


async def test_without_a_broker_start_fails_and_send_is_unavailable() -> None:
    settings = KafkaSettings(kafka_bootstrap=f"127.0.0.1:{free_port()}")
    publisher = Publisher(settings, client_id="test", timeout=2.0)
    with pytest.raises(KafkaError):
        await publisher.start()
    started = asyncio.get_running_loop().time()
    with pytest.raises(Unavailable) as failure:
        await publisher.send([Outgoing("t", b"k", b"v")])
    assert failure.value.headers["Retry-After"] == "5"
    assert asyncio.get_running_loop().time() - started < 10
    await publisher.stop()


async def test_many_senders_at_once_share_one_producer_and_order_holds(kafka: Namespace) -> None:
    topic = kafka.names.topic(RESULT)
    await asyncio.gather(
        *(
            kafka.publisher.send([Outgoing(topic, b"%d" % key, b"%d" % n) for n in range(20)])
            for key in range(25)
        )
    )
    found = await kafka.read(topic)
    assert len(found) == 500
    for key in range(25):
        mine = [int(r.value) for r in found if r.key == b"%d" % key]
        assert mine == list(range(20))


@pytest.mark.slow
async def test_a_broker_that_goes_away_and_comes_back(tmp_path: Path) -> None:
    before = open_producers()
    with guarded_folder(tmp_path / "kafka") as guard:
        site = KafkaSite((tmp_path / "kafka").resolve(), *free_ports(2))
        broker = await asyncio.to_thread(start_kafka, site, started=guard.watch)
        settings = KafkaSettings(kafka_bootstrap=site.bootstrap)
        await apply(settings)
        publisher = Publisher(settings, client_id="test", timeout=3.0)
        record = Outgoing(UPLOAD.name, b"k", b"v")
        await publisher.send([record])
        await asyncio.to_thread(broker.stop)
        for _ in range(2):
            started = asyncio.get_running_loop().time()
            with pytest.raises(Unavailable):
                await publisher.send([record])
            assert asyncio.get_running_loop().time() - started < 4.0
        broker = await asyncio.to_thread(start_kafka, site, started=guard.watch)
        await publisher.send([record])
        await publisher.stop()
        await asyncio.to_thread(broker.stop)
    # nothing of the producers that were given up is left in this loop
    assert open_producers() <= before


def open_producers() -> set[int]:
    """Producers that are neither closed nor collected, and tasks of theirs."""
    gc.collect()
    found = (o for o in gc.get_objects() if type(o) is AIOKafkaProducer and not o._closed)
    senders = (t for t in asyncio.all_tasks() if "_sender_routine" in repr(t.get_coro()))
    return {id(o) for o in (*found, *senders)}
