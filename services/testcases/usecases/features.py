"""BDD test cases of a project as feature files."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from contracts.ids import EntityKey, Kind, number_of
from kit.directory.access import Access


@dataclass(frozen=True, slots=True)
class BddCase:
    """A visible case with a BDD script."""

    id: int
    name: str
    text: str
    updated_on: datetime


@dataclass(frozen=True, slots=True)
class Feature:
    """A case as it is exported."""

    key: str
    name: str
    text: str
    updated_on: datetime


class BddCases(Protocol):
    """Reads BDD cases."""

    def bdd(self, tenant: str, project: int) -> AsyncGenerator[BddCase, None]:
        """Yield the visible BDD cases of a project, by id."""
        ...


class Features:
    """What is exported."""

    def __init__(self, cases: BddCases) -> None:
        self._cases = cases

    async def of_project(self, access: Access, project_key: str) -> AsyncGenerator[Feature, None]:
        """Return the features of a project, by number; they are read as they are asked for.

        Raises ``NotFound`` for an unknown project.
        """
        project = await access.project(project_key)
        found = self._cases.bdd(access.tenant, project.id)

        async def features() -> AsyncGenerator[Feature, None]:
            async for case in found:
                key = EntityKey(project.key, Kind.TEST_CASE, number_of(case.id))
                yield Feature(str(key), case.name, case.text, case.updated_on)

        return features()
