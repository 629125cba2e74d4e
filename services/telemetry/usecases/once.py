"""For a processor without an idempotency key: remembers what it has accepted.

Not sent twice: what comes again from Kafka after it was accepted and written down. Sent twice: what
was accepted in the moment before a crash, and what was accepted although its answer was lost.
"""

from collections.abc import Collection, Sequence
from typing import Generic, Protocol

from services.telemetry.domain.answers import Accepted, Answer
from services.telemetry.usecases.delivery import E_contra, Limits, Prepared, Processor


class Sent(Protocol):
    """Ids of events that a processor has accepted, for as long as they may come again."""

    async def known(self, ids: Collection[str]) -> Collection[str]:
        """Return those that it has."""
        ...

    async def add(self, ids: Collection[str]) -> None:
        """Write down more."""
        ...


class Once(Generic[E_contra]):
    """A processor that gets nothing again that it has; implements ``delivery.Processor``."""

    def __init__(self, processor: Processor[E_contra], sent: Sent) -> None:
        self._processor = processor
        self._sent = sent
        self._unwritten: set[str] = set()
        self.name = processor.name
        self.limits: Limits = processor.limits

    def prepare(self, event: E_contra) -> Prepared:
        """Render one event."""
        return self._processor.prepare(event)

    async def send(self, events: Sequence[Prepared], repeats: int) -> Answer:
        """Send what is new. The processor names no single events, so the answer is for all."""
        await self._write()
        known = set(await self._sent.known([event.event_id for event in events]))
        fresh = [event for event in events if event.event_id not in known]
        if not fresh:
            return Accepted()
        answer = await self._processor.send(fresh, repeats)
        if isinstance(answer, Accepted):
            self._unwritten.update(event.event_id for event in fresh)
            await self._write()
        return answer

    async def _write(self) -> None:
        """Write down what was accepted; what fails here is written before the next request."""
        if self._unwritten:
            await self._sent.add(list(self._unwritten))
            self._unwritten.clear()
