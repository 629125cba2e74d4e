"""What export and import of a library need of the store."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from contracts.transfer import Aside
from services.testcases.domain.customfields import CustomField
from services.testcases.domain.folders import Folder
from services.testcases.domain.options import Option
from services.testcases.domain.scripts import Script
from services.testcases.domain.testcases import TestCase
from services.testcases.usecases.numbering import Numbered

TEST_CASES = "test cases"


@dataclass(frozen=True, slots=True)
class WholeCase:
    """A version of a test case with all that belongs to it."""

    case: TestCase
    script: Script
    aside: Aside | None = None


@dataclass(frozen=True, slots=True)
class WholeFolder:
    """A folder."""

    folder: Folder
    aside: Aside | None = None


class LibrarySource(Protocol):
    """Reads the library of a project, what is put aside too; the tenant comes first."""

    async def options(self, tenant: str, project: int) -> Sequence[Option]:
        """Return all options, by id."""
        ...

    async def fields(self, tenant: str, project: int) -> Sequence[CustomField]:
        """Return all custom fields, by id."""
        ...

    def folders(self, tenant: str, project: int) -> AsyncIterator[Sequence[WholeFolder]]:
        """Yield the folders, by id."""
        ...

    def cases(self, tenant: str, project: int) -> AsyncIterator[Sequence[WholeCase]]:
        """Yield the newest version of each visible test case, by id."""
        ...

    def versions(self, tenant: str, project: int) -> AsyncIterator[Sequence[WholeCase]]:
        """Yield older versions, by id and version."""
        ...

    async def last_number(self, tenant: str, project: int, kind: Numbered) -> int:
        """Return the highest number that was handed out."""
        ...


class LibrarySink(Protocol):
    """Stores an imported library. Whatever is there by the same import stays as it is."""

    async def present(
        self, tenant: str, project: int, most: int
    ) -> Mapping[str, Sequence[tuple[int, str]]]:
        """Return what a project has beside options: ids and names, at most so many of each.

        By what it is; ``TEST_CASES`` are among it.
        """
        ...

    async def leaving(self, tenant: str, project: int) -> bool:
        """Whether something of a project that was deleted is still being erased."""
        ...

    async def options(self, tenant: str, project: int, options: Sequence[Option]) -> None:
        """Make the options of a project these and no others, in one step."""
        ...

    async def fields(self, tenant: str, fields: Sequence[CustomField], ident: str) -> None:
        """Store custom fields; ``Conflict`` where somebody else stored one of the ids."""
        ...

    async def folders(self, tenant: str, folders: Sequence[WholeFolder], ident: str) -> None:
        """Store folders; raise as above."""
        ...

    async def cases(self, tenant: str, cases: Sequence[WholeCase], ident: str) -> None:
        """Store test cases; raise as above."""
        ...

    async def versions(self, tenant: str, cases: Sequence[WholeCase], ident: str) -> None:
        """Store older versions."""
        ...
