"""Definitions of custom fields that were read less than a second ago, as the directory does it."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Sequence

from contracts.customfields import CustomFieldEntity, CustomFieldState

Read = Callable[[str, Collection[int], CustomFieldEntity], Awaitable[Sequence[CustomFieldState]]]
_FRESH_SECONDS = 0.9
_MOST = 10_000
"""Projects; each has 100 fields at most."""


class RecentFields:
    """What one process has read."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._kept: OrderedDict[
            tuple[str, int, CustomFieldEntity], tuple[float, Sequence[CustomFieldState]]
        ] = OrderedDict()

    async def of(
        self, tenant: str, projects: Collection[int], entity: CustomFieldEntity
    ) -> list[CustomFieldState]:
        """Return the fields of projects."""
        now = asyncio.get_running_loop().time()
        found: list[CustomFieldState] = []
        missing = []
        for project in projects:
            kept = self._kept.get((tenant, project, entity))
            if kept is not None and now - kept[0] < _FRESH_SECONDS:
                found += kept[1]
            else:
                missing.append(project)
        if missing:
            rows = await self._read(tenant, missing, entity)
            for project in missing:
                key = (tenant, project, entity)
                self._kept[key] = now, [field for field in rows if field.project == project]
                self._kept.move_to_end(key)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
            found += rows
        return found
