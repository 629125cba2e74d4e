"""Group ``executions.library``: the copy of the library, and values of fields that are gone."""

from collections.abc import Sequence

from contracts.ids import MAX_ID
from contracts.topics import CUSTOM_FIELD_STATE
from kit.kafka.records import Poison, Record
from kit.projection import Projection
from services.executions.usecases.customfields import FieldValues


class LibraryConsumer:
    """Applies the projection first, so that nobody takes a field whose values are removed."""

    def __init__(self, projection: Projection, values: Sequence[FieldValues]) -> None:
        self._projection = projection
        self._values = values

    async def handle(self, records: Sequence[Record]) -> Sequence[Poison]:
        """Store the states of a batch; repeats do no harm."""
        poison = await self._projection.apply(records)
        for record in records:
            gone = _gone(record)
            if gone is not None:
                for values in self._values:
                    await values.forget(*gone)
        return poison


def _gone(record: Record) -> tuple[str, int] | None:
    """Return tenant and custom field of a tombstone; None for any other record."""
    if record.topic is not CUSTOM_FIELD_STATE or record.value is not None or not record.key:
        return None
    tenant, _, field = record.key.decode(errors="replace").rpartition("/")
    if not (tenant and field.isascii() and field.isdigit() and int(field) <= MAX_ID):
        return None
    return tenant, int(field)
