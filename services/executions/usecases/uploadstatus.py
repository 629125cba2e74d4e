"""The state of one upload, read from its row and the ledger."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.executions.domain.uploads import UploadState


@dataclass(frozen=True)
class UploadView:
    """An upload's row."""

    state: UploadState
    cycle: int | None
    results: int
    accepted_at: datetime


@dataclass(frozen=True)
class UploadProgress:
    """An upload and how much of it is stored."""

    state: UploadState
    cycle: int | None
    results: int
    stored_results: int
    accepted_at: datetime


class UploadViews(Protocol):
    """Reads uploads of one tenant; raises ``NotFound``."""

    async def view(self, tenant: str, upload: str) -> UploadView: ...


class StoredResults(Protocol):
    """Counts stored results of an upload."""

    async def stored_results(self, tenant: str, upload: str) -> int: ...


class UploadStatus:
    """Answers how an upload fares."""

    def __init__(self, uploads: UploadViews, ledger: StoredResults) -> None:
        self._uploads = uploads
        self._ledger = ledger

    async def get(self, tenant: str, upload: str) -> UploadProgress:
        """Return the progress; raise ``NotFound``."""
        view = await self._uploads.view(tenant, upload)
        stored = await self._ledger.stored_results(tenant, upload)
        return UploadProgress(view.state, view.cycle, view.results, stored, view.accepted_at)
