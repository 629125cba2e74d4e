"""Group ``testcases.uploads``: the end of uploads, for whoever missed the call."""

from collections.abc import Sequence

from pydantic import TypeAdapter

from contracts.envelope import Event
from contracts.executions import UploadEnded
from kit.kafka.records import Poison, Record, decode
from services.testcases.usecases.uploads import Uploads

_ENDED: TypeAdapter[Event[UploadEnded]] = TypeAdapter(Event[UploadEnded])


class UploadsConsumer:
    """Ends uploads as the internal route does; repeats do no harm."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads

    async def handle(self, records: Sequence[Record]) -> Sequence[Poison]:
        """Apply the ends of a batch in order; return what cannot be read."""
        poison: list[Poison] = []
        for record in records:
            event = decode(record, _ENDED)
            if isinstance(event, Poison):
                poison.append(event)
            elif event.data.created_cases:
                ended = event.data
                await self._uploads.end(
                    event.tenantid, ended.project, ended.upload, accepted=ended.accepted
                )
        return poison
