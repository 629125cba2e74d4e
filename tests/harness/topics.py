"""Topics of a test: read whole, and gone afterwards: thousands make a broker slow for everybody."""

from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from pydantic import TypeAdapter

from contracts.envelope import Event
from contracts.topics import Topic
from kit.kafka.client import Names, connection
from kit.kafka.topics import wanted_topics
from kit.settings import KafkaSettings


async def remove_topics(settings: KafkaSettings) -> None:
    """Delete every topic of the registry under the settings' prefix; missing ones do no harm."""
    admin = AIOKafkaAdminClient(**connection(settings), request_timeout_ms=30_000)
    await admin.start()
    try:
        await admin.delete_topics([t.name for t in wanted_topics(settings.topic_prefix)])
    finally:
        await admin.close()


async def events_of(settings: KafkaSettings, topic: Topic) -> list[tuple[str, Event[Any] | None]]:
    """Everything in a topic, in order of each partition: key and event, None for tombstones."""
    adapter: TypeAdapter[Event[Any]] = TypeAdapter(Event[topic.payload])  # type: ignore[name-defined]  # dynamic
    name = Names(settings.topic_prefix).topic(topic)
    consumer = AIOKafkaConsumer(
        **connection(settings),
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    )
    await consumer.start()
    found = []
    try:
        partitions = [TopicPartition(name, p) for p in range(topic.partitions)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        for partition in partitions:
            while await consumer.position(partition) < ends[partition]:
                batches = await consumer.getmany(partition, timeout_ms=500)
                for record in batches.get(partition, []):
                    event = adapter.validate_json(record.value) if record.value else None
                    found.append((record.key.decode(), event))
    finally:
        await consumer.stop()
    return found
