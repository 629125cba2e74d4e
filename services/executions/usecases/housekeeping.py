"""Housekeeping of uploads: nothing stays undecided, untold or hidden for ever."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from kit.clock import Clock
from kit.errors import OstroError
from kit.mongo import MongoError
from services.executions.usecases.uploadports import LedgerView, UploadRows

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=30)
"""How long an upload is its process's without a renewal."""
_RENEW_SECONDS = 5.0
_LOOK_SECONDS = 2.0
REMOVE_AFTER = timedelta(minutes=10)
"""A consumer that saw the upload undecided has stored its chunk by then."""


@dataclass(frozen=True)
class UploadRef:
    """An upload with something left to do."""

    tenant: str
    upload: str
    project: int
    accepted: bool
    chunks: int
    """Those that can still be stored: all but dead letters."""
    cycle: int | None


class Rows(Protocol):
    """The uploads of all tenants. Each question is answered with a limited number."""

    async def renew(self, instance: str, until: datetime) -> None: ...
    async def left_behind(self, now: datetime) -> list[UploadRef]:
        """Undecided ones whose process is gone."""
        ...

    async def unstored(self) -> list[UploadRef]:
        """Accepted ones with results that wait for storage, the oldest first."""
        ...

    async def removable(self, ended_before: datetime) -> list[UploadRef]:
        """Aborted ones that are hidden still."""
        ...

    async def untold(self) -> list[UploadRef]:
        """Ended ones of which the owner of the cases does not know."""
        ...

    async def remove(self, aborted: UploadRef) -> None:
        """Remove what it stored, then that anything of it has to be hidden."""
        ...


class CaseDecisions(Protocol):
    """The owner of the cases learns how an upload ended."""

    async def accepted(self, tenant: str, project: int, upload: str) -> None: ...
    async def aborted(self, tenant: str, project: int, upload: str) -> None: ...


class Turn(Protocol):
    """Whether it is this process's turn."""

    def hold(self) -> Awaitable[bool]: ...


class Housekeeping:
    """Two loops: every process renews its leases, one at a time cleans up."""

    def __init__(
        self,
        rows: Rows,
        uploads: UploadRows,
        ledger: LedgerView,
        owner: CaseDecisions,
        turn: Turn,
        instance: str,
        clock: Clock,
    ) -> None:
        self._rows = rows
        self._uploads = uploads
        self._ledger = ledger
        self._owner = owner
        self._turn = turn
        self._instance = instance
        self._clock = clock

    async def renew(self) -> None:
        """Keep this process's uploads from being taken for left behind; until cancelled."""
        while True:
            try:
                await self._rows.renew(self._instance, self._clock.now() + LEASE)
            except MongoError as error:
                log.warning("cannot renew upload leases", cause=type(error).__name__)
            await asyncio.sleep(_RENEW_SECONDS)

    async def run(self) -> None:
        """Clean up whenever it is our turn; until cancelled."""
        while True:
            try:
                if await self._turn.hold():
                    await self.once()
            except (MongoError, OstroError) as error:
                log.warning("housekeeping interrupted", cause=type(error).__name__)
            await asyncio.sleep(_LOOK_SECONDS)

    async def once(self) -> None:
        """One pass. The owner of the cases comes last: when it is down, the rest is done."""
        now = self._clock.now()
        for upload in await self._rows.left_behind(now):
            await self._uploads.abort(upload.tenant, upload.upload)
        for upload in await self._rows.unstored():
            stored = await self._ledger.stored_chunks(upload.tenant, upload.upload)
            if stored >= upload.chunks:
                await self._uploads.stored(upload.tenant, upload.upload)
        for upload in await self._rows.removable(now - REMOVE_AFTER):
            await self._rows.remove(upload)
        for upload in await self._rows.untold():
            tell = self._owner.accepted if upload.accepted else self._owner.aborted
            await tell(upload.tenant, upload.project, upload.upload)
            await self._uploads.told(upload.tenant, upload.upload)
