"""Publishes product events that come in by HTTP, to where the other services publish theirs."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.topics import USAGE
from contracts.usage import ProductEvent
from kit.kafka.client import Names
from kit.kafka.producer import Publisher
from kit.kafka.records import outgoing


class UsageTopic:
    """Implements ``usecases.browser_events.Intake``."""

    def __init__(self, publisher: Publisher, names: Names) -> None:
        self._publisher = publisher
        self._topic = names.topic(USAGE)

    async def publish(self, events: Sequence[Event[ProductEvent]]) -> None:
        """Return when the broker has all of them."""
        await self._publisher.send([outgoing(self._topic, e.tenantid, e) for e in events])
