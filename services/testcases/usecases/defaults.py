"""Default options: every enabled project has them before anybody can tell that it did not.

They are made when the project's state arrives and, for whoever is faster than that, on the first
read, question or creation in the project. Their ids are deterministic, so any number of makers
may race or repeat.
"""

from collections import OrderedDict
from collections.abc import Collection, Sequence
from typing import Protocol

from contracts.testcases import FIRST_CUSTOM_OPTION_NUMBER
from services.testcases.domain.options import Option, defaults_of
from services.testcases.usecases.numbering import Numbered, Numbers

_REMEMBERED = 100_000


class DefaultsStore(Protocol):
    """Knows which projects have all default options."""

    async def complete(self, tenant: str, projects: Collection[int]) -> set[int]:
        """Return the projects whose defaults are all there."""
        ...

    async def create(self, tenant: str, project: int, options: Sequence[Option]) -> None:
        """Store what is missing of them, then that the project is complete."""
        ...


class DefaultOptions:
    """Makes default options once per project; remembers in the process where that is done."""

    def __init__(self, store: DefaultsStore, numbers: Numbers) -> None:
        self._store = store
        self._numbers = numbers
        self._done: OrderedDict[tuple[str, int], None] = OrderedDict()

    async def ensure(self, tenant: str, projects: Collection[int]) -> None:
        """Make sure that each of these enabled projects has its defaults."""
        unknown = [p for p in projects if (tenant, p) not in self._done]
        if not unknown:
            return
        complete = await self._store.complete(tenant, unknown)
        for project in unknown:
            if project not in complete:
                await self._create(tenant, project)
            self._remember(tenant, project)

    async def _create(self, tenant: str, project: int) -> None:
        # first of all, so that no custom option ever takes the number of a future default
        await self._numbers.at_least(
            tenant, project, Numbered.OPTION, FIRST_CUSTOM_OPTION_NUMBER - 1
        )
        await self._store.create(tenant, project, defaults_of(project))

    def _remember(self, tenant: str, project: int) -> None:
        self._done[tenant, project] = None
        while len(self._done) > _REMEMBERED:
            self._done.popitem(last=False)
