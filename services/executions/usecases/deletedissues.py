"""Following Jira's issues: with one that is deleted go the links to it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from kit.clock import Clock


class Notes(Protocol):
    """Which issues were deleted lately."""

    async def add(self, tenant: str, issues: Collection[int], now: datetime) -> None:
        """Note issues; repeats do no harm."""
        ...


class IssueLinkRows(Protocol):
    """Links inside the documents of one collection."""

    async def drop(self, tenant: str, issues: Collection[int], now: datetime) -> None:
        """Remove every link to these issues, a bounded number of documents at a time."""
        ...


class DeletedIssues:
    """Acts on issues that are gone. Repeats and any order lead to the same."""

    def __init__(self, notes: Notes, rows: Sequence[IssueLinkRows], clock: Clock) -> None:
        self._notes = notes
        self._rows = rows
        self._clock = clock

    async def deleted(self, tenant: str, issues: Collection[int]) -> None:
        """Drop the links to these issues; the note comes first (see ``usecases/links.py``)."""
        now = self._clock.now()
        await self._notes.add(tenant, issues, now)
        for rows in self._rows:
            await rows.drop(tenant, issues, now)
