"""What of executions has an option of the library, or a value of one of its custom fields."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Usage:
    """Counts of things, and what may still come."""

    test_plans: int
    test_cycles: int
    test_executions: int
    uploads_pending: bool
    archived_here: bool


class UsageReader(Protocol):
    """Counts in one project."""

    async def of_option(self, tenant: str, project: int, option: int) -> tuple[int, int, int]:
        """Count plans, cycles and executions that have a status or environment."""
        ...

    async def of_field(self, tenant: str, project: int, field: int) -> tuple[int, int, int]:
        """Count plans, cycles and executions that have a value of a custom field."""
        ...

    async def pending(self, tenant: str, project: int) -> bool:
        """Whether an upload is undecided, or accepted and not stored."""
        ...

    async def archived(self, tenant: str, project: int, option: int) -> bool:
        """Whether the copy of the library says that an option is archived."""
        ...


class Usages:
    """Answers the owner, who may remove what nothing has."""

    def __init__(self, reader: UsageReader) -> None:
        self._reader = reader

    async def option(self, tenant: str, project: int, option: int) -> Usage:
        """Tell what has an option.

        What may still come is looked at first: whoever is counted last saw it as it is now.
        """
        archived = await self._reader.archived(tenant, project, option)
        pending = await self._reader.pending(tenant, project)
        counts = await self._reader.of_option(tenant, project, option)
        return Usage(*counts, pending, archived)

    async def field(self, tenant: str, project: int, field: int) -> Usage:
        """Tell what has a value of a field."""
        pending = await self._reader.pending(tenant, project)
        counts = await self._reader.of_field(tenant, project, field)
        return Usage(*counts, pending, archived_here=False)
