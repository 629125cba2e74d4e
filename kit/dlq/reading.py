"""Reads DLQs without joining a group: open letters in order, and marks them done."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, GroupLoadInProgressError
from aiokafka.structs import OffsetAndMetadata

from kit.dlq.letters import Letter, Queue, letter_from
from kit.dlq.progress import Progress
from kit.errors import Unavailable
from kit.kafka.client import Names, connection
from kit.settings import KafkaSettings

GROUP = "dlq-tool"
_SILENCE_SECONDS = 15.0


class Desk:
    """One connection for one command."""

    def __init__(
        self,
        settings: KafkaSettings,
        consumer: AIOKafkaConsumer,
        admin: AIOKafkaAdminClient,
        group: str,
    ) -> None:
        self._settings = settings
        self._consumer = consumer
        self._admin = admin
        self._group = group

    async def open_letters(self, queue: Queue) -> AsyncIterator[Letter]:
        """Yield what is neither replayed nor dropped, oldest first."""
        partition = TopicPartition(queue.name, 0)
        progress = await self._read_progress(partition)
        async for raw in self.records(partition, progress.base):
            if not progress.is_done(raw.offset):
                yield letter_from(queue, raw)

    async def mark_done(self, queue: Queue, letters: Iterable[Letter]) -> None:
        """Commit; raises ``TooScattered`` when they lie too far apart."""
        partition = TopicPartition(queue.name, 0)
        first = (await self._consumer.beginning_offsets([partition]))[partition]
        progress = await self._read_progress(partition)
        progress = progress.with_done((letter.offset for letter in letters), first)
        committed = OffsetAndMetadata(progress.base, progress.metadata)
        async with _consumer(self._settings, self._group) as member:
            member.assign([partition])
            await member.commit({partition: committed})

    async def end(self, partition: TopicPartition) -> int:
        """Return the offset that the next record gets."""
        return int((await self._consumer.end_offsets([partition]))[partition])

    async def records(
        self, partition: TopicPartition, start: int, end: int | None = None
    ) -> AsyncIterator[Any]:
        """Yield the records of a partition from ``start`` to its end of now."""
        first = (await self._consumer.beginning_offsets([partition]))[partition]
        end = await self.end(partition) if end is None else end
        if (start := max(start, first)) >= end:
            return
        # a consumer of its own: aiokafka may hang in stop() after a change of assignment
        async with _consumer(self._settings) as reader:
            reader.assign([partition])
            reader.seek(partition, start)
            deadline = asyncio.get_running_loop().time() + _SILENCE_SECONDS
            while await reader.position(partition) < end:
                batches = await reader.getmany(partition, timeout_ms=200, max_records=500)
                for raw in batches.get(partition, ()):
                    if raw.offset < end:
                        yield raw
                if batches:
                    deadline = asyncio.get_running_loop().time() + _SILENCE_SECONDS
                elif asyncio.get_running_loop().time() > deadline:
                    raise Unavailable(f"Kafka sends nothing more of {partition.topic}.")

    async def _read_progress(self, partition: TopicPartition) -> Progress:
        committed = (await self._committed(partition)).get(partition)
        return Progress.parse(committed.offset, committed.metadata) if committed else Progress()

    async def _committed(
        self, partition: TopicPartition
    ) -> dict[TopicPartition, OffsetAndMetadata]:
        deadline = asyncio.get_running_loop().time() + _SILENCE_SECONDS
        while True:
            try:
                found: dict[
                    TopicPartition, OffsetAndMetadata
                ] = await self._admin.list_consumer_group_offsets(
                    self._group, partitions=[partition]
                )
            except (GroupCoordinatorNotAvailableError, GroupLoadInProgressError):
                # the first group of a cluster makes Kafka create its topic of offsets
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(0.2)
            else:
                return found


def _consumer(settings: KafkaSettings, group: str | None = None) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        **connection(settings),
        client_id="ostro-dlq",
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        # what a relay has not committed may be taken back
        isolation_level="read_committed",
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )


@asynccontextmanager
async def desk(
    settings: KafkaSettings, names: Names, queues: Sequence[Queue] = ()
) -> AsyncIterator[Desk]:
    """Connect; raise KafkaError when Kafka does not answer."""
    admin = AIOKafkaAdminClient(**connection(settings), client_id="ostro-dlq")
    offsets = _consumer(settings)
    try:
        await admin.start()
        await offsets.start()
        # asked for one after the other, each new topic costs a tenth of a second
        partitions = [TopicPartition(queue.name, 0) for queue in queues]
        await asyncio.gather(*(offsets.beginning_offsets([p]) for p in partitions))
        yield Desk(settings, offsets, admin, names.group(GROUP))
    finally:
        await offsets.stop()
        await admin.close()
