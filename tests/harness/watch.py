"""Looks at Kafka from outside: what stands in topics, how far groups have come, who is a member."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from contracts.topics import Topic, topics_of
from kit.kafka.client import Names, connection
from kit.settings import KafkaSettings
from tests.harness.polling import eventually


class Watch:
    """One admin and one consumer that stay connected; committed records only."""

    def __init__(
        self, names: Names, admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer
    ) -> None:
        self.names = names
        self._admin = admin
        self._consumer = consumer

    async def records(self, physical: str, partitions: int = 1) -> list[Any]:
        """Return everything that stands in a topic now, partition by partition."""
        wanted = [TopicPartition(physical, p) for p in range(partitions)]
        self._consumer.assign(wanted)
        await self._consumer.seek_to_beginning(*wanted)
        found: list[Any] = []
        for partition, end in (await self._consumer.end_offsets(wanted)).items():
            while await self._consumer.position(partition) < end:
                batches = await self._consumer.getmany(partition, timeout_ms=200)
                found += batches.get(partition, [])
        return found

    async def behind(self, group: str, topic: Topic) -> int:
        """Return how many records of a topic a group has not committed."""
        partitions = [TopicPartition(self.names.topic(topic), p) for p in range(topic.partitions)]
        committed = await self._admin.list_consumer_group_offsets(
            self.names.group(group), partitions=partitions
        )
        ends = await self._consumer.end_offsets(partitions)
        return sum(end - max(0, committed[p].offset) for p, end in ends.items())

    async def caught_up(self, group: str, *topics: Topic, seconds: float = 30) -> None:
        """Wait until a group has committed everything (of all its topics by default)."""
        for topic in topics or topics_of(group):
            await eventually(
                lambda topic=topic: self.behind(group, topic),  # type: ignore[misc]
                lambda n: n == 0,
                seconds=seconds,
            )

    async def members(self, group: str) -> list[int]:
        """Return how many partitions each member of a group has, rising; none while it moves."""
        (answer,) = await self._admin.describe_consumer_groups([self.names.group(group)])
        ((_error, _name, state, _kind, _protocol, members, *_),) = answer.groups
        if state != "Stable":
            return []
        return sorted(_held(assignment) for *_member, assignment in members)


def _held(assignment: bytes) -> int:
    decoded = ConsumerProtocolMemberAssignment.decode(assignment)
    return sum(len(partitions) for _topic, partitions in decoded.assignment)


@contextlib.asynccontextmanager
async def watching(settings: KafkaSettings) -> AsyncIterator[Watch]:
    """Connect."""
    admin = AIOKafkaAdminClient(**connection(settings))
    consumer = AIOKafkaConsumer(
        **connection(settings),
        enable_auto_commit=False,
        isolation_level="read_committed",
        # a fetch of what it looked at before must not hold the next look up
        fetch_max_wait_ms=20,
    )
    await admin.start()
    await consumer.start()
    try:
        yield Watch(Names(settings.topic_prefix), admin, consumer)
    finally:
        await consumer.stop()
        await admin.close()
