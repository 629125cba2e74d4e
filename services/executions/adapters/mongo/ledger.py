"""The ledger: one row per stored chunk. Totals, the wait and upload state read it."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

from contracts.executions import ResultsRecorded
from kit.clock import Clock
from kit.ids import Ids
from kit.mongo import Database, insert_new, unavailable_when_down
from kit.outbox import entries
from services.executions.domain.testexecutions import LedgerRow

COLLECTION = "ledger"
RECORDED = "recorded"
INDEXES = [entries.INDEX]


class Ledger:
    """Rows have ids ``upload/chunk``; upload ids are random and belong to one tenant."""

    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        self._rows = database[COLLECTION]
        self._clock = clock
        self._ids = ids
        self._waiting: dict[str, asyncio.Event] = {}

    async def present(self, row_ids: Collection[str]) -> set[str]:
        """Return the rows that exist (exempt: insert-only ingest, ids are random)."""
        rows = await self._rows.find({"_id": {"$in": list(row_ids)}}, {"_id": 1}).to_list(None)
        return {r["_id"] for r in rows}

    async def add(self, row: LedgerRow) -> None:
        """Add a row with its one pending event; nudge who waits in this process."""
        recorded = ResultsRecorded(
            upload=row["upload"],
            chunk=row["chunk"],
            project=row["project"],
            cycle=row["cycle"],
            first_id=row["first_id"],
            last_id=row["last_id"],
            count=row["count"],
            by_status=row["by_status"],
        )
        pending = entries.entry(self._clock, self._ids, RECORDED, recorded.model_dump())
        await insert_new(self._rows, [{**row, "outbox": [pending]}])
        if (waiting := self._waiting.get(row["upload"])) is not None:
            waiting.set()

    async def stored_chunks(self, tenant: str, upload: str) -> int:
        """Count the stored chunks of an upload."""
        with unavailable_when_down():
            return int(await self._rows.count_documents(_of_upload(tenant, upload)))

    async def stored_results(self, tenant: str, upload: str) -> Mapping[int, int]:
        """Return the number of results in each stored chunk of an upload."""
        fields = {"_id": 0, "chunk": 1, "count": 1}
        with unavailable_when_down():
            rows = await self._rows.find(_of_upload(tenant, upload), fields).to_list(None)
        return {r["chunk"]: r["count"] for r in rows}

    async def changed(self, upload: str, seconds: float) -> None:
        """Return after that time, or at once when this process stores a chunk of the upload."""
        event = self._waiting.setdefault(upload, asyncio.Event())
        event.clear()
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting.pop(upload, None)


def _of_upload(tenant: str, upload: str) -> Mapping[str, Any]:
    # one range of ``_id``: '0' follows '/'
    return {"_id": {"$gt": f"{upload}/", "$lt": f"{upload}0"}, "tenant": tenant}
