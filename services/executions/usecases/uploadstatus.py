"""The state of one upload, read from its row and the ledger."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from services.executions.domain.uploads import UploadState


@dataclass(frozen=True)
class UploadView:
    """An upload's row."""

    state: UploadState
    cycle: int | None
    results: int
    chunks: int
    parked: Collection[int]
    """Chunks that became dead letters, also those that were replayed since."""
    accepted_at: datetime


class Storage(StrEnum):
    """How far the storage of an upload's results is."""

    STORING = "storing"
    STORED = "stored"
    INCOMPLETE = "incomplete"
    """The rest became dead letters; it comes only if the operator replays them."""


@dataclass(frozen=True)
class UploadProgress:
    """An upload and how much of it is stored."""

    state: UploadState
    cycle: int | None
    results: int
    stored_results: int
    storage: Storage
    accepted_at: datetime


class UploadViews(Protocol):
    """Reads uploads of one tenant; raises ``NotFound``."""

    async def view(self, tenant: str, upload: str) -> UploadView: ...


class StoredResults(Protocol):
    """The stored chunks of an upload."""

    async def stored_results(self, tenant: str, upload: str) -> Mapping[int, int]:
        """Return the number of results in each chunk that is stored."""
        ...


class UploadStatus:
    """Answers how an upload fares."""

    def __init__(self, uploads: UploadViews, ledger: StoredResults) -> None:
        self._uploads = uploads
        self._ledger = ledger

    async def get(self, tenant: str, upload: str) -> UploadProgress:
        """Return the progress; raise ``NotFound``."""
        view = await self._uploads.view(tenant, upload)
        stored = await self._ledger.stored_results(tenant, upload)
        return UploadProgress(
            view.state,
            view.cycle,
            view.results,
            sum(stored.values()),
            _storage(view, stored),
            view.accepted_at,
        )


def _storage(view: UploadView, stored: Mapping[int, int]) -> Storage:
    if len(stored) >= view.chunks:
        return Storage.STORED
    expected = view.chunks - len(set(view.parked) - stored.keys())
    return Storage.STORING if len(stored) < expected else Storage.INCOMPLETE
