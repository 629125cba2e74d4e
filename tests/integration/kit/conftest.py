"""A Kafka namespace of its own for each test, and consumers that run inside the test."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.topics import TOPICS, Topic
from kit.kafka.client import Names, connection
from kit.kafka.consumer import BatchProcessor, Handler, broker_for, subscribe
from kit.kafka.dead_letters import DeadLetterLimit, DeadLetters
from kit.kafka.producer import Publisher
from kit.kafka.records import Outgoing
from kit.kafka.topics import apply
from kit.observability.health import Health
from kit.settings import KafkaSettings
from tests.harness.backends import Backends
from tests.harness.fakes import ManualClock
from tests.harness.polling import eventually
from tests.harness.topics import remove_topics


@dataclass
class Namespace:
    """Topics under one prefix, a publisher, and what tests do with them."""

    settings: KafkaSettings
    publisher: Publisher
    health: Health = field(default_factory=Health)

    @property
    def names(self) -> Names:
        """Physical names here."""
        return Names(self.settings.topic_prefix)

    async def send(self, topic: Topic, *records: tuple[str, bytes | None]) -> None:
        """Publish (key, value) pairs."""
        name = self.names.topic(topic)
        await self.publisher.send([Outgoing(name, k.encode(), v) for k, v in records])

    async def read(self, physical: str) -> list[Any]:
        """Return everything that stands in a topic now, committed records only."""
        async with reader(self.settings) as consumer:
            partitions = [
                TopicPartition(physical, p)
                for p in await consumer._client._wait_on_metadata(physical)
            ]
            consumer.assign(partitions)
            found: list[Any] = []
            for partition, end in (await consumer.end_offsets(partitions)).items():
                consumer.seek(partition, 0)
                while await consumer.position(partition) < end:
                    for batch in (await consumer.getmany(partition, timeout_ms=100)).values():
                        found += batch
            return found

    async def committed(self, group: str, topic: Topic) -> int:
        """Return how many records of a topic a group has committed."""
        async with reader(self.settings, self.names.group(group)) as consumer:
            total = 0
            for number in range(topic.partitions):
                partition = TopicPartition(self.names.topic(topic), number)
                total += await consumer.committed(partition) or 0
            return total

    async def all_committed(self, group: str, topic: Topic, count: int) -> None:
        """Wait until the group has committed ``count`` records."""
        await eventually(lambda: self.committed(group, topic), lambda n: n == count)

    @contextlib.asynccontextmanager
    async def consuming(
        self,
        group: str,
        handler: Handler,
        *,
        limit: DeadLetterLimit | None = None,
        max_records: int = 500,
        **processor_options: Any,
    ) -> AsyncIterator[Any]:
        """Run one member of a group; yields the subscriber."""
        letters = DeadLetters(self.publisher, self.names, group, ManualClock(), limit)
        stopping = asyncio.Event()
        processor = BatchProcessor(
            group, handler, letters, self.health, stopping=stopping, **processor_options
        )
        broker = broker_for(self.settings, f"test-{secrets.token_hex(4)}")
        subscriber = subscribe(broker, processor, self.names, group, max_records=max_records)
        await broker.start()
        try:
            yield subscriber
        finally:
            stopping.set()
            await broker.stop()


@contextlib.asynccontextmanager
async def reader(settings: KafkaSettings, group: str | None = None) -> AsyncIterator[Any]:
    """A plain consumer of committed records."""
    consumer = AIOKafkaConsumer(
        **connection(settings),
        group_id=group,
        enable_auto_commit=False,
        isolation_level="read_committed",
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


@pytest.fixture
async def kafka(servers: Backends, request: pytest.FixtureRequest) -> AsyncIterator[Namespace]:
    """Topics under a fresh prefix: those that the module names as TOPICS, else the registry."""
    prefix = f"t{secrets.token_hex(5)}."
    settings = KafkaSettings(kafka_bootstrap=servers.kafka, topic_prefix=prefix)
    await apply(settings, getattr(request.module, "TOPICS", TOPICS))
    publisher = Publisher(settings, client_id="test")
    try:
        yield Namespace(settings, publisher)
    finally:
        await publisher.stop()
        await remove_topics(settings)
