"""Group ``executions.library``: the copy of the library, and what follows when a part of it goes.

Values of fields go here; runs of cases, and what is in folders, is left to jobs.
"""

from collections.abc import Sequence
from typing import Protocol

from contracts.ids import MAX_ID
from contracts.topics import CUSTOM_FIELD_STATE, FOLDER_STATE, TEST_CASE_STATE, Topic
from kit.kafka.records import Poison, Record
from kit.projection import Projection
from services.executions.usecases.customfields import FieldValues


class Gone(Protocol):
    """Notes what is to be done behind things of the library that are gone; repeats do no harm."""

    async def case(self, tenant: str, case: int) -> None:
        """A test case: its runs go."""
        ...

    async def folder(self, tenant: str, folder: int) -> None:
        """A folder: what is in it goes to the root."""
        ...


class LibraryConsumer:
    """Applies the projection first, so that nobody takes what is gone while that is seen to."""

    def __init__(self, projection: Projection, values: Sequence[FieldValues], behind: Gone) -> None:
        self._projection = projection
        self._values = values
        self._behind = behind

    async def handle(self, records: Sequence[Record]) -> Sequence[Poison]:
        """Store the states of a batch; repeats do no harm."""
        poison = await self._projection.apply(records)
        for record in records:
            gone = _gone(record)
            if gone is not None:
                await self._follow(record.topic, *gone)
        return poison

    async def _follow(self, topic: Topic, tenant: str, ident: int) -> None:
        if topic is CUSTOM_FIELD_STATE:
            for values in self._values:
                await values.forget(tenant, ident)
        elif topic is TEST_CASE_STATE:
            await self._behind.case(tenant, ident)
        elif topic is FOLDER_STATE:
            await self._behind.folder(tenant, ident)


def _gone(record: Record) -> tuple[str, int] | None:
    """Return tenant and id of a tombstone; None for any other record."""
    if record.value is not None or not record.key:
        return None
    tenant, _, ident = record.key.decode(errors="replace").rpartition("/")
    if not (tenant and ident.isascii() and ident.isdigit() and int(ident) <= MAX_ID):
        return None
    return tenant, int(ident)
