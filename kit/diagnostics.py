"""Publishes what ``kit.observability.diagnostics`` noted: ``ostro.telemetry.diagnostic.v1``.

In the background and in small numbers (one request of each route in ten seconds, one error three
times a minute). With Kafka away the notes are dropped and counted: they are not worth waiting for.
"""

import asyncio
from collections.abc import Sequence

from contracts.diagnostics import Diagnostic
from contracts.envelope import Event
from contracts.topics import DIAGNOSTIC
from kit.ids import Ids
from kit.kafka.client import Names
from kit.kafka.producer import Publisher
from kit.kafka.records import Outgoing, outgoing
from kit.observability.diagnostics import Noted, Recorder
from kit.observability.metrics import DIAGNOSTICS

_EVERY_SECONDS = 1.0
_FLUSH_SECONDS = 3.0


class Diagnostics:
    """The notes of one process on their way."""

    def __init__(self, recorder: Recorder, publisher: Publisher, names: Names, ids: Ids) -> None:
        self._recorder = recorder
        self._publisher = publisher
        self._topic = names.topic(DIAGNOSTIC)
        self._ids = ids
        self._begun: list[Outgoing] = []

    async def run(self) -> None:
        """Publish what is noted, about once a second, until cancelled."""
        while True:
            await self._publish(self._records(self._recorder.take()))
            await asyncio.sleep(_EVERY_SECONDS)

    async def flush(self) -> None:
        """Publish the rest; a broker that is away is not waited for."""
        rest = [*self._begun, *self._records(self._recorder.rest())]
        try:
            async with asyncio.timeout(_FLUSH_SECONDS):
                await self._publish(rest)
        except TimeoutError:
            DIAGNOSTICS.labels("dropped").inc(len(rest))

    async def _publish(self, records: list[Outgoing]) -> None:
        if not records:
            return
        # after a stop in the middle the flush sends them, again perhaps, under the same ids
        self._begun = records
        try:
            await self._publisher.send(records)
        except Exception:  # noqa: BLE001  a service does not end for what it tells of itself
            DIAGNOSTICS.labels("dropped").inc(len(records))
        else:
            DIAGNOSTICS.labels("sent").inc(len(records))
        self._begun = []

    def _records(self, notes: Sequence[Noted]) -> list[Outgoing]:
        return [self._record(note) for note in notes]

    def _record(self, note: Noted) -> Outgoing:
        service = self._recorder.service
        event = Event[Diagnostic](
            id=self._ids.uuid7(),
            source=f"ostro/{service}",
            type=DIAGNOSTIC.type,
            subject=service,
            time=note.at,
            tenantid=note.tenant,
            data=note.diagnostic,
        )
        return outgoing(self._topic, service, event)
