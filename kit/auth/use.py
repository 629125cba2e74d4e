"""Tells tenancy that API tokens were used: ``ostro.tenancy.token-use.v1``.

A request only leaves a note in memory, one per token and minute. The notes go out in the
background; with Kafka away they are dropped and counted, for a newer use makes up for them.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from contracts.envelope import Event
from contracts.tenancy import TokenUse
from contracts.topics import TOKEN_USE
from kit.auth.principal import Principal
from kit.clock import Clock
from kit.errors import OstroError
from kit.ids import stable_uuid
from kit.kafka.client import Names
from kit.kafka.producer import Publisher
from kit.kafka.records import Outgoing, outgoing
from kit.observability.metrics import TOKEN_USES

_MOST_NOTES = 20_000
_BATCH = 500
_EVERY_SECONDS = 1.0
_FLUSH_SECONDS = 3.0

Note = tuple[str, str, datetime]
"""Tenant, token id, when."""


class TokenUses:
    """The notes of one process."""

    def __init__(
        self,
        publisher: Publisher,
        names: Names,
        service: str,
        clock: Clock,
        *,
        most_notes: int = _MOST_NOTES,
    ) -> None:
        self._publisher = publisher
        self._topic = names.topic(TOKEN_USE)
        self._source = f"ostro/{service}"
        self._clock = clock
        self._most_notes = most_notes
        self._minute = 0
        self._noted: set[tuple[str, str]] = set()
        self._notes: list[Note] = []
        self._waiting = asyncio.Event()

    def note(self, principal: Principal) -> None:
        """Note that a token passed verification; costs a look-up when it was noted already."""
        now = self._clock.now()
        minute = int(now.timestamp()) // 60
        if minute != self._minute:
            self._minute = minute
            self._noted.clear()
        key = principal.tenant, principal.token_id
        if key in self._noted:
            return
        if len(self._noted) >= self._most_notes or len(self._notes) >= self._most_notes:
            TOKEN_USES.labels("dropped").inc()
            return
        self._noted.add(key)
        self._notes.append((*key, now))
        self._waiting.set()

    async def run(self) -> None:
        """Publish what is noted, about once a second, until cancelled."""
        while True:
            await self._waiting.wait()
            await self._publish()
            await asyncio.sleep(_EVERY_SECONDS)

    async def flush(self) -> None:
        """Publish the rest; a broker that is away is not waited for."""
        try:
            async with asyncio.timeout(_FLUSH_SECONDS):
                await self._publish()
        except TimeoutError:
            self._dropped(self._notes)
            self._notes = []

    async def _publish(self) -> None:
        while notes := self._taken():
            try:
                await self._publisher.send([self._record(note) for note in notes])
            except OstroError:
                self._dropped(notes)
            except asyncio.CancelledError:
                # a stop: the flush that follows sends them (again, which does no harm)
                self._notes[:0] = notes
                raise
            else:
                TOKEN_USES.labels("sent").inc(len(notes))

    def _taken(self) -> Sequence[Note]:
        taken, self._notes = self._notes[:_BATCH], self._notes[_BATCH:]
        if not self._notes:
            self._waiting.clear()
        return taken

    def _dropped(self, notes: Sequence[Note]) -> None:
        TOKEN_USES.labels("dropped").inc(len(notes))

    def _record(self, note: Note) -> Outgoing:
        tenant, token, used_at = note
        event = Event[TokenUse](
            id=stable_uuid(TOKEN_USE.name, self._source, tenant, token, used_at.isoformat()),
            source=self._source,
            type=TOKEN_USE.type,
            subject=token,
            time=used_at,
            tenantid=tenant,
            data=TokenUse(token_id=token, used_at=used_at),
        )
        return outgoing(self._topic, f"{tenant}/{token}", event)
