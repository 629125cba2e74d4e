"""Topic ``ostro.executions.result.v1``: skip by header, decode, store."""

from collections.abc import Sequence

from pydantic import TypeAdapter

from contracts.envelope import Event
from contracts.executions import ResultChunk
from kit.kafka.records import Poison, Record, decode
from services.executions.usecases.recording import Recording

MAX_RECORDS = 4
"""Chunks of one poll: 2,000 results and 2 MiB at most."""
UPLOAD_HEADER, CHUNK_HEADER = "upload", "chunk"

_EVENT = TypeAdapter(Event[ResultChunk])


class ResultsConsumer:
    """Handler of the group ``executions.results``."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._seen: dict[int, int] = {}

    async def handle(self, records: Sequence[Record]) -> Sequence[Poison]:
        """Store the chunks that have no ledger row yet."""
        poison: list[Poison] = []
        named: list[tuple[Record, tuple[str, int]]] = []
        for record in records:
            name = _chunk_name(record)
            if name is None:
                poison.append(Poison(record, "headers: upload or chunk missing"))
            else:
                named.append((record, name))
        still_open = await self._recording.open_chunks([name for _, name in named])
        chunks: list[tuple[str, ResultChunk]] = []
        for record, name in named:
            if name not in still_open:
                continue
            event = decode(record, _EVENT)
            if isinstance(event, Poison):
                poison.append(event)
            elif (event.data.upload, event.data.chunk) != name:
                poison.append(Poison(record, "headers: not those of the chunk"))
            else:
                chunks.append((event.tenantid, event.data))
        await self._recording.store(chunks, repeated=self._repeated(records))
        for record in records:
            self._seen[record.partition] = record.offset
        return poison

    async def parked(self, poison: Sequence[Poison]) -> None:
        """Note which chunks wait for nobody any more."""
        names = (_chunk_name(item.record) for item in poison)
        await self._recording.parked([name for name in names if name is not None])

    def _repeated(self, records: Sequence[Record]) -> bool:
        # after an assignment or a rewind some documents may be there already
        firsts: dict[int, int] = {}
        for record in records:
            firsts.setdefault(record.partition, record.offset)
        return any(self._seen.get(p, -2) + 1 != offset for p, offset in firsts.items())


def _chunk_name(record: Record) -> tuple[str, int] | None:
    upload = record.headers.get(UPLOAD_HEADER, b"").decode("ascii", "replace")
    number = record.headers.get(CHUNK_HEADER, b"")
    if not upload or not number.isdigit() or len(number) > 9:
        return None
    return upload, int(number)
