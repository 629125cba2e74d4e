"""The product event of the upload, raw from Kafka and as it reached the Segment stand-in."""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.topics import USAGE
from contracts.usage import UsageEventName
from devstack.demo.http import Api
from devstack.embedded.errors import StackError
from devstack.embedded.process import pause

WAIT_SECONDS = 30.0
_POLL_MILLISECONDS = 300
_WANTED = UsageEventName.UPLOADED_AUTOMATION_RESULTS.value


@dataclass(frozen=True)
class Marks:
    """How far the topic and the stand-in's record reached before the upload."""

    offsets: dict[int, int]
    recorded: int


def mark(bootstrap: str, processors: Api) -> Marks:
    """Remember what is there, so that older events are not taken for the new one."""
    return Marks(asyncio.run(_end_offsets(bootstrap)), _recorded(processors, 0)["last"])


def raw_event(bootstrap: str, marks: Marks) -> dict[str, Any]:
    """Return the upload's ProductEvent, whole, as it stands in Kafka."""
    return asyncio.run(_read_raw(bootstrap, marks.offsets))


def anonymous_event(processors: Api, marks: Marks) -> dict[str, Any]:
    """Return the upload's event as Segment got it."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        for request in _recorded(processors, marks.recorded)["requests"]:
            for message in (request.get("body") or {}).get("batch", []):
                if message.get("event") == _WANTED:
                    return dict(message)
        pause(_POLL_MILLISECONDS / 1000)
    raise StackError(f"no anonymous event reached the Segment stand-in in {WAIT_SECONDS:.0f} s")


def _recorded(processors: Api, after: int) -> dict[str, Any]:
    listing: dict[str, Any] = processors.get("/recorded", processor="segment", after=after)
    return listing


async def _end_offsets(bootstrap: str) -> dict[int, int]:
    async with AIOKafkaConsumer(USAGE.name, bootstrap_servers=bootstrap) as consumer:
        ends = await consumer.end_offsets(consumer.assignment())
        return {partition.partition: offset for partition, offset in ends.items()}


async def _read_raw(bootstrap: str, offsets: dict[int, int]) -> dict[str, Any]:
    deadline = time.monotonic() + WAIT_SECONDS
    async with AIOKafkaConsumer(
        USAGE.name, bootstrap_servers=bootstrap, isolation_level="read_committed"
    ) as consumer:
        for number, offset in offsets.items():
            consumer.seek(TopicPartition(USAGE.name, number), offset)
        while time.monotonic() < deadline:
            batches = await consumer.getmany(timeout_ms=_POLL_MILLISECONDS)
            for record in (record for batch in batches.values() for record in batch):
                event: dict[str, Any] = json.loads(record.value)
                if event["data"]["name"] == _WANTED:
                    return event
    raise StackError(f"no product event of the upload came to {USAGE.name}")
