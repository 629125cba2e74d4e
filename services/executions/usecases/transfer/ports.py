"""What export and import of plans, cycles and executions need of others."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from contracts.customfields import CustomFieldState
from contracts.ids import Kind
from contracts.testcases import OptionState
from contracts.transfer import Aside
from services.executions.domain.testcycles import TestCycle
from services.executions.domain.testexecutions import TestExecution
from services.executions.domain.testplans import TestPlan

D = TypeVar("D")


@dataclass(frozen=True, slots=True)
class Whole(Generic[D]):
    """A document with all that belongs to it, and how it is put aside."""

    document: D
    aside: Aside | None = None


class LibraryOwner(Protocol):
    """The owner of what rows name; ``Unavailable`` when it cannot be asked."""

    async def options(self, tenant: str, project: int) -> Sequence[OptionState]:
        """Return all options of a project."""
        ...

    async def custom_fields(self, tenant: str, project: int) -> Sequence[CustomFieldState]:
        """Return all custom fields of a project."""
        ...

    async def folder_type(self, tenant: str, project: int, folder: int) -> str | None:
        """Return the type of a folder of the project, None when there is none."""
        ...

    async def there(self, tenant: str, project: int, numbers: Collection[int]) -> set[int]:
        """Return those of the key numbers, at most 1,000, that cases have, archived ones too."""
        ...


class RunSource(Protocol):
    """Reads a project, what is put aside too; the tenant comes first."""

    def plans(self, tenant: str, project: int) -> AsyncIterator[Sequence[Whole[TestPlan]]]:
        """Yield the plans, by id."""
        ...

    def cycles(self, tenant: str, project: int) -> AsyncIterator[Sequence[Whole[TestCycle]]]:
        """Yield the cycles of no upload that is not accepted, by id."""
        ...

    def executions(
        self, tenant: str, project: int
    ) -> AsyncIterator[Sequence[Whole[TestExecution]]]:
        """Yield the executions of no upload that is not accepted, with steps, by id."""
        ...

    async def last_number(self, tenant: str, project: int, kind: Kind) -> int:
        """Return the highest number that was handed out."""
        ...


class RunSink(Protocol):
    """Stores what is imported. Whatever is there by the same import stays as it is.

    ``Conflict`` where somebody else stored one of the ids.
    """

    async def present(self, tenant: str, project: int, most: int) -> Mapping[Kind, Sequence[int]]:
        """Return what a project has: ids by kind, at most so many of each."""
        ...

    async def leaving(self, tenant: str, project: int) -> bool:
        """Whether something of a project that was deleted is still being erased."""
        ...

    async def plans(self, tenant: str, plans: Sequence[Whole[TestPlan]], ident: str) -> None:
        """Store plans."""
        ...

    async def cycles(self, tenant: str, cycles: Sequence[Whole[TestCycle]], ident: str) -> None:
        """Store cycles."""
        ...

    async def executions(
        self, tenant: str, executions: Sequence[Whole[TestExecution]], ident: str
    ) -> None:
        """Store executions."""
        ...
