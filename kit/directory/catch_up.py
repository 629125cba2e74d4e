"""When the directory copy may be trusted: once it has all that was published before the start.

Until then a service asks tenancy about each tenant, so that a revoked token passes neither on a
new deployment nor on one that was down for long. Each process finds out by itself: its service's
group has committed everything up to the ends of the topics.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from contracts.topics import topics_of
from kit.directory.copy import DirectoryCopy
from kit.kafka.client import Names, connection
from kit.service import Background, Runtime
from kit.settings import KafkaSettings

log = structlog.get_logger(__name__)

_SHORTEST, _LONGEST = 0.1, 2.0
_SILENCE_SECONDS = 10.0

Ends = Mapping[TopicPartition, int]


def until_trusted(runtime: Runtime[Any], directory: DirectoryCopy) -> Background:
    """Return the task that has the copy trusted, in processes of every role."""
    group = f"{runtime.service}.directory"

    async def run() -> None:
        await caught_up(runtime.settings, runtime.names, group)
        directory.trust()
        log.info("the directory copy has caught up")

    return Background(None, run)


async def caught_up(settings: KafkaSettings, names: Names, group: str) -> None:
    """Return when a group has stored whatever its topics held at the first look."""
    ends: Ends | None = None
    pause = _SHORTEST
    while True:
        try:
            async with asyncio.timeout(_SILENCE_SECONDS), _reader(settings, names, group) as reader:
                ends = ends or await reader.end_offsets(list(reader.assignment()))
                if not await _left(reader, ends):
                    return
        except (KafkaError, OSError, TimeoutError) as error:
            log.info("cannot tell yet how far the directory copy is", cause=type(error).__name__)
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST)


async def _left(reader: AIOKafkaConsumer, ends: Ends) -> bool:
    """Whether a record lies between what the group has committed and the ends.

    Offsets alone do not tell: the last ones may be marks of transactions, which nobody commits.
    """
    for partition, end in ends.items():
        while await reader.position(partition) < end:
            records = (await reader.getmany(partition, timeout_ms=200)).get(partition, ())
            if any(record.offset < end for record in records):
                return True
    return False


@asynccontextmanager
async def _reader(
    settings: KafkaSettings, names: Names, group: str
) -> AsyncIterator[AIOKafkaConsumer]:
    """Yield a consumer that stands where the group does, without being a member of it."""
    reader = AIOKafkaConsumer(
        **connection(settings),
        group_id=names.group(group),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    await reader.start()
    try:
        reader.assign(
            [
                TopicPartition(names.topic(topic), number)
                for topic in topics_of(group)
                for number in range(topic.partitions)
            ]
        )
        yield reader
    finally:
        await reader.stop()
