"""Housekeeping of uploads: nothing stays undecided, hidden or unfinished for ever."""

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
_RENEW_SECONDS = 5.0
_LOOK_SECONDS = 2.0
_REMOVE_AFTER = timedelta(seconds=60)
"""A consumer that saw the upload undecided has stored its chunk by then."""
_FORGET_AFTER = timedelta(minutes=10)


@dataclass(frozen=True)
class Undecided:
    """An upload whose process is gone."""

    tenant: str
    upload: str


@dataclass(frozen=True)
class Ended:
    """An ended upload with something left to do."""

    tenant: str
    upload: str
    project: int
    accepted: bool
    told: bool
    chunks: int
    ended_at: datetime
    cycle: int | None
    stored: bool


class Rows(Protocol):
    """The uploads of all tenants."""

    async def renew(self, instance: str, until: datetime) -> None: ...
    async def left_behind(self, now: datetime) -> list[Undecided]: ...
    async def unfinished(self) -> list[Ended]: ...
    async def remove(self, ended: Ended) -> None: ...
    async def forget(self, ended: Ended) -> None: ...


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
        """One pass."""
        for undecided in await self._rows.left_behind(self._clock.now()):
            await self._uploads.abort(undecided.tenant, undecided.upload)
        for ended in await self._rows.unfinished():
            if ended.accepted:
                await self._finish(ended)
            else:
                await self._clean(ended)

    async def _finish(self, ended: Ended) -> None:
        if not ended.told:
            await self._owner.accepted(ended.tenant, ended.project, ended.upload)
        chunks = await self._ledger.stored_chunks(ended.tenant, ended.upload)
        await self._uploads.finish(
            ended.tenant, ended.upload, told=True, stored=ended.stored or chunks >= ended.chunks
        )

    async def _clean(self, ended: Ended) -> None:
        if not ended.told:
            await self._owner.aborted(ended.tenant, ended.project, ended.upload)
            await self._uploads.finish(ended.tenant, ended.upload, told=True, stored=False)
        age = self._clock.now() - ended.ended_at
        if age > _REMOVE_AFTER:
            await self._rows.remove(ended)
        if age > _FORGET_AFTER:
            await self._rows.forget(ended)
