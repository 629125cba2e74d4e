"""Topic ``ostro.telemetry.anonymous.v2``, group ``telemetry.file``: into a local file.

What it cannot read is counted and gone: the groups of the processors keep it in their DLQs.
"""

from collections.abc import Sequence

from kit.kafka.records import Poison, Record
from services.telemetry.consumers.anonymous import read
from services.telemetry.usecases.sink import Sink

GROUP = "telemetry.file"


class SinkEvents:
    """Decodes anonymous events for the file."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    async def handle(self, records: Sequence[Record]) -> Sequence[Poison]:
        """Return when the batch is on disk."""
        found = [read(record) for record in records]
        await self._sink.write([item for item in found if not isinstance(item, Poison)])
        return [item for item in found if isinstance(item, Poison)]
