"""Uploads that nobody ends: broken ones of processes that died, abandoned ones."""

import asyncio
from typing import Protocol

import structlog

from kit.attachments.attachments import SETTLE
from kit.attachments.rows import AttachmentRows, AttachmentState, key_of
from kit.attachments.store import ByteStore, Damaged
from kit.clock import Clock
from kit.errors import OstroError
from kit.mongo import MongoError

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 10.0


class Turn(Protocol):
    """Whether it is this process's turn."""

    async def hold(self) -> bool:
        """Take it or keep it."""
        ...


class Sweeper:
    """Removes rows and bytes of uploads whose lease is over."""

    def __init__(self, rows: AttachmentRows, store: ByteStore, turn: Turn, clock: Clock) -> None:
        self._rows = rows
        self._store = store
        self._turn = turn
        self._clock = clock

    async def run(self) -> None:
        """Sweep whenever it is our turn; until cancelled."""
        while True:
            try:
                if await self._turn.hold():
                    await self.once()
            except (MongoError, OstroError, Damaged) as error:
                log.warning("sweeping of uploads interrupted", cause=type(error).__name__)
            await asyncio.sleep(_LOOK_SECONDS)

    async def once(self) -> None:
        """One pass. What ends now is looked at once more: a write may be on its way still."""
        now = self._clock.now()
        for found in await self._rows.due(now):
            ours = found.state is AttachmentState.REMOVING or await self._rows.give_up(
                found.tenant, found.id, now + SETTLE, due=now
            )
            if not ours:
                continue
            await self._store.delete(key_of(found.tenant, found.id))
            if found.state is AttachmentState.REMOVING:
                await self._rows.forget(found.tenant, found.id)
