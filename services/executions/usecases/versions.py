"""Following Jira's versions: one that is deleted disappears, one that is merged is replaced."""

from datetime import datetime
from typing import Protocol

from kit.clock import Clock
from services.executions.domain.versions import RemovedVersion


class Rows(Protocol):
    """What became of versions."""

    async def add(self, row: RemovedVersion) -> None:
        """Store a row; one that is there stays."""
        ...

    async def current(self, tenant: str, version: int) -> int | None:
        """Return what stands for a version now: itself, another, or None."""
        ...


class Replacer(Protocol):
    """Stored cycles and executions."""

    async def project(self, tenant: str, jira_project: int) -> int | None:
        """Return our id of a Jira project, None when the tenant does not use it."""
        ...

    async def replace(
        self, tenant: str, project: int | None, version: int, by: int | None, now: datetime
    ) -> None:
        """Put ``by`` in the place of a version; ``project`` None: wherever it is named."""
        ...


class Versions:
    """Acts on versions that are gone. Repeats and any order lead to the same."""

    def __init__(self, rows: Rows, replacer: Replacer, clock: Clock) -> None:
        self._rows = rows
        self._replacer = replacer
        self._clock = clock

    async def removed(
        self, tenant: str, version: int, *, jira_project: int | None, merged_into: int | None
    ) -> None:
        """Take a version out of everything that names it."""
        now = self._clock.now()
        await self._rows.add(
            RemovedVersion(
                _id=f"{tenant}/{version}",
                tenant=tenant,
                version=version,
                merged_into=merged_into,
                at=now,
            )
        )
        project = None
        if jira_project is not None:
            project = await self._replacer.project(tenant, jira_project)
            if project is None:
                return
        await self._settle(tenant, project, version, now)

    async def _settle(self, tenant: str, project: int | None, version: int, now: datetime) -> None:
        """Replace until what took its place is itself still there."""
        current: int | None = version
        while current is not None:
            target = await self._rows.current(tenant, current)
            if target == current:
                return
            await self._replacer.replace(tenant, project, current, target, now)
            current = target
