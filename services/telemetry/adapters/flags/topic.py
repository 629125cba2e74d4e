"""Publishes states of flags."""

from collections.abc import Mapping

from contracts.envelope import Event
from contracts.flags import FlagState
from contracts.topics import FLAG_STATE
from kit.clock import Clock
from kit.flags import Values
from kit.ids import Ids
from kit.kafka.client import Names
from kit.kafka.producer import Publisher
from kit.kafka.records import Outgoing, outgoing, tombstone


class FlagTopic:
    """Implements ``usecases.flags.FlagOutlet``."""

    def __init__(self, publisher: Publisher, names: Names, clock: Clock, ids: Ids) -> None:
        self._publisher = publisher
        self._topic = names.topic(FLAG_STATE)
        self._clock = clock
        self._ids = ids

    async def publish(self, states: Mapping[str, Values | None]) -> None:
        """Return when the broker has them."""
        await self._publisher.send([self._record(key, values) for key, values in states.items()])

    def _record(self, key: str, values: Values | None) -> Outgoing:
        now = self._clock.now()
        sequence = int(now.timestamp() * 1000)
        if values is None:
            return tombstone(self._topic, key, sequence)
        event = Event[FlagState](
            id=self._ids.uuid7(),
            source="ostro/telemetry",
            type=FLAG_STATE.type,
            subject=key,
            time=now,
            tenantid=key,
            sequence=sequence,
            data=FlagState(values=dict(values)),
        )
        return outgoing(self._topic, key, event)
