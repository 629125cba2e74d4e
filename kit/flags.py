"""Feature flags as a service asks for them: every process keeps the whole state in memory.

Telemetry publishes it; while telemetry, LaunchDarkly or Kafka is away the last known state holds,
and where nothing is known the default.
"""

import asyncio
from collections.abc import Callable, Mapping

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from pydantic import TypeAdapter

from contracts.envelope import Event
from contracts.flags import EVERYBODY, FLAGS, Flag, FlagState, V
from contracts.topics import FLAG_STATE
from kit.kafka.client import Names, connection
from kit.kafka.records import Poison, Record, decode, records_from
from kit.observability.metrics import FLAG_RECORDS_REFUSED, FLAG_VALUES_REFUSED
from kit.settings import KafkaSettings

log = structlog.get_logger(__name__)

_ADAPTER = TypeAdapter(Event[FlagState])
_POLL_MS = 1_000
_PAUSE_SECONDS = 1.0

Values = Mapping[str, bool | int | float]
"""Accepted values by flag."""


class Flags:
    """What this process knows. Empty, it answers with defaults."""

    def __init__(self) -> None:
        self._states: Mapping[str, Values] = {}
        self._known = asyncio.Event()
        self._changed = asyncio.Event()

    def value(self, tenant: str, flag: Flag[V], otherwise: V | None = None) -> V:
        """Return what holds for a tenant; ``otherwise`` is the setting instead of the default."""
        states = self._states
        state = states.get(tenant)
        found = (states.get(EVERYBODY, {}) if state is None else state).get(flag.key)
        if found is not None:
            return type(flag.default)(found)
        return flag.default if otherwise is None else otherwise

    def replace(self, states: Mapping[str, Values]) -> None:
        """Know exactly this."""
        self._states = states
        self._known.set()
        self._changed.set()

    async def known(self) -> None:
        """Return once everything is known that had been published before the start."""
        await self._known.wait()

    async def until(self, holds: Callable[[Mapping[str, Values]], bool]) -> None:
        """Return once the states fulfil the condition; for one caller at a time."""
        while not holds(self._states):
            self._changed.clear()
            await self._changed.wait()

    @property
    def states(self) -> Mapping[str, Values]:
        """Every state, by tenant, and everybody's; not to be changed."""
        return self._states


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
        await consumer.start()
        try:
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


def accepted(values: Mapping[str, object]) -> Values:
    """Return the values that their flags take; the others are counted and have their default."""
    taken: dict[str, bool | int | float] = {}
    for flag in FLAGS:
        if flag.key not in values:
            continue
        value = flag.accepted(values[flag.key])
        if value is None:
            FLAG_VALUES_REFUSED.labels(flag.key).inc()
        else:
            taken[flag.key] = value
    return taken
