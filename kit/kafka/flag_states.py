"""Reads the states of flags into memory."""

import asyncio

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from pydantic import TypeAdapter

from contracts.envelope import Event
from contracts.flags import FlagState
from contracts.topics import FLAG_STATE
from kit.flags import Flags, Values, accepted
from kit.kafka.client import Names, connection
from kit.kafka.records import Poison, Record, decode, records_from
from kit.observability.metrics import FLAG_RECORDS_REFUSED
from kit.settings import KafkaSettings

log = structlog.get_logger(__name__)

_ADAPTER = TypeAdapter(Event[FlagState])
_POLL_MS = 1_000
_PAUSE_SECONDS = 1.0


class FlagReader:
    """Reads the topic from its beginning and on, without a group: all of it is for everybody."""

    def __init__(self, settings: KafkaSettings, names: Names, flags: Flags) -> None:
        self._settings = settings
        self._names = names
        self._flags = flags

    async def run(self) -> None:
        """Read until cancelled; the last known state holds through interruptions."""
        while True:
            try:
                await self._read()
            except (KafkaError, OSError, TimeoutError) as error:
                log.info("flags are not being read", cause=type(error).__name__)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _read(self) -> None:
        consumer = AIOKafkaConsumer(
            **connection(self._settings),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        try:
            await consumer.start()
            name = self._names.topic(FLAG_STATE)
            partitions = [TopicPartition(name, n) for n in range(FLAG_STATE.partitions)]
            consumer.assign(partitions)
            await consumer.seek_to_beginning(*partitions)
            ends = await consumer.end_offsets(partitions)
            # history is replayed beside what is known, so that nothing old shows again
            states: dict[str, Values] = {}
            while any([await consumer.position(p) < ends[p] for p in partitions]):
                await self._poll(consumer, states)
            self._flags.replace(dict(states))
            while True:
                if await self._poll(consumer, states):
                    self._flags.replace(dict(states))
        finally:
            await consumer.stop()

    async def _poll(self, consumer: AIOKafkaConsumer, states: dict[str, Values]) -> bool:
        found = await consumer.getmany(timeout_ms=_POLL_MS)
        for raw in found.values():
            for record in records_from(raw, self._names):
                apply(record, states)
        return bool(found)


def apply(record: Record, states: dict[str, Values]) -> None:
    """Take one record over; the newest of a key is the last one in its partition."""
    key = (record.key or b"").decode("utf-8", "replace")
    if record.value is None:
        states.pop(key, None)
        return
    event = decode(record, _ADAPTER)
    if isinstance(event, Poison) or event.type != FLAG_STATE.type or not key:
        FLAG_RECORDS_REFUSED.inc()
        return
    states[key] = accepted(event.data.values)
