"""How old the oldest record is that a processor has not settled yet, as a metric."""

from collections.abc import Sequence

from contracts.telemetry import ProcessorName
from kit.clock import Clock
from kit.kafka.consumer import Handler
from kit.kafka.records import Poison, Record
from services.telemetry.metrics import OLDEST_EVENT


def aged(handler: Handler, processor: ProcessorName, clock: Clock) -> Handler:
    """Wrap a handler: while it works or waits, the metric tells the age of its oldest record.

    Between two batches it is 0. Nothing is told for a processor that is not configured.
    """
    oldest: list[int] = []

    def seconds() -> float:
        return max(0.0, clock.now().timestamp() - oldest[0] / 1000) if oldest else 0.0

    OLDEST_EVENT.labels(processor.value).set_function(seconds)

    async def handle(records: Sequence[Record]) -> Sequence[Poison]:
        oldest[:] = [min(record.timestamp for record in records)]
        try:
            return await handler(records)
        finally:
            oldest.clear()

    return handle
