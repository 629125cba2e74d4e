"""Recording: chunks from Kafka become executions, exactly once however often they come.

Per chunk: one unordered insert (``_id`` fixed beforehand, a duplicate counts as done), then one
ledger row. A chunk with a row is done; a chunk of an aborted upload is dropped.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from contracts.executions import ResultChunk
from kit.clock import Clock
from services.executions.domain.testexecutions import LedgerRow, documents_of, ledger_id
from services.executions.usecases.removaljobs import LATE

_INSERTS_IN_FLIGHT = 2


class ExecutionWriter(Protocol):
    """Inserts executions. Exempt from the tenant rule: insert-only, the tenant is in ``_id``."""

    async def insert(self, documents: Sequence[Mapping[str, Any]], *, repeated: bool) -> None:
        """Insert what is not there; ``repeated`` says that some may be."""
        ...


class LedgerWriter(Protocol):
    """The ledger of stored chunks."""

    async def present(self, row_ids: Collection[str]) -> set[str]:
        """Return those that are stored."""
        ...

    async def add(self, row: LedgerRow) -> None:
        """Add a row with its pending event; a row that is there stays."""
        ...


class UploadStates(Protocol):
    """Which uploads still take chunks, and what of them is not coming."""

    async def dropped(self, uploads: Collection[str]) -> set[str]:
        """Return those that are aborted or forgotten."""
        ...

    async def parked(self, upload: str, chunk: int) -> None:
        """Note that a chunk is a dead letter: nothing may wait for it."""
        ...


class LateRuns(Protocol):
    """Runs that come when their case may be gone, as from dead letters that are replayed."""

    async def look(self, tenant: str, cases: Collection[int]) -> None:
        """See to it that nothing is left of runs of cases that are gone."""
        ...


class Recording:
    """Stores chunks."""

    def __init__(
        self,
        executions: ExecutionWriter,
        ledger: LedgerWriter,
        uploads: UploadStates,
        late: LateRuns,
        clock: Clock,
    ) -> None:
        self._late = late
        self._executions = executions
        self._ledger = ledger
        self._uploads = uploads
        self._clock = clock

    async def open_chunks(self, chunks: Collection[tuple[str, int]]) -> set[tuple[str, int]]:
        """Return those (upload, chunk) that are still to be stored."""
        uploads = {upload for upload, _ in chunks}
        present, dropped = await asyncio.gather(
            self._ledger.present([ledger_id(*chunk) for chunk in chunks]),
            self._uploads.dropped(uploads),
        )
        return {c for c in chunks if ledger_id(*c) not in present and c[0] not in dropped}

    async def parked(self, chunks: Collection[tuple[str, int]]) -> None:
        """Note dead letters; a replayed one is stored like any other."""
        for upload, chunk in chunks:
            await self._uploads.parked(upload, chunk)

    async def store(self, chunks: Sequence[tuple[str, ResultChunk]], *, repeated: bool) -> None:
        """Store (tenant, chunk) pairs, two inserts in flight."""
        gate = asyncio.Semaphore(_INSERTS_IN_FLIGHT)

        async def one(tenant: str, chunk: ResultChunk) -> None:
            async with gate:
                row = await self._insert(tenant, chunk, repeated=repeated)
            await self._ledger.add(row)

        # not a TaskGroup: the caller tells transient faults by their own type
        done = await asyncio.gather(*(one(*chunk) for chunk in chunks), return_exceptions=True)
        for outcome in done:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _insert(self, tenant: str, chunk: ResultChunk, *, repeated: bool) -> LedgerRow:
        now = self._clock.now()
        documents, by_status = documents_of(chunk, tenant, now)
        await self._executions.insert(documents, repeated=repeated)
        if now - chunk.executed_at > LATE:
            # before the ledger says that it is done
            await self._late.look(tenant, {d["case"] for d in documents})
        ids = [d["id"] for d in documents]
        return LedgerRow(
            _id=ledger_id(chunk.upload, chunk.chunk),
            tenant=tenant,
            upload=chunk.upload,
            chunk=chunk.chunk,
            project=chunk.project,
            cycle=chunk.cycle,
            first_id=min(ids),
            last_id=max(ids),
            count=len(ids),
            by_status=dict(by_status),
            stored_at=now,
        )
