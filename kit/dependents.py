"""What hangs on a thing: how many of each kind, and ids of the first ones."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from contracts.permissions import Entity
from kit.directory.access import Access

SHOWN = 100
"""Ids of each kind that an answer names."""


@dataclass(frozen=True, slots=True)
class Held:
    """How many things of a kind, and the ids of the first ones."""

    count: int
    ids: Sequence[int]

    def __add__(self, other: "Held") -> "Held":
        """Return both together."""
        return Held(self.count + other.count, [*self.ids, *other.ids][:SHOWN])


Dependents = Mapping[str, Held]
"""By kind, in the words of the API: ``testExecutions``, ``attachments``, ..."""


def counted(count: int, one: str, many: str | None = None) -> str:
    """Say how many there are: ``1 test case``, ``2 test cases``."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"


def held(ids: Iterable[int]) -> Held:
    """Return all of some things."""
    found = list(ids)
    return Held(len(found), found[:SHOWN])


_ENTITIES = {
    "testCases": Entity.TEST_CASE,
    "callingTestCases": Entity.TEST_CASE,
    "testCycles": Entity.TEST_CYCLE,
    "testPlans": Entity.TEST_PLAN,
    "testExecutions": Entity.TEST_EXECUTION,
}
"""Kinds with a right of their own; all others belong to the thing itself."""


async def disclosed(access: Access, found: Dependents) -> Dependents:
    """Leave out the ids of what the caller may not view; it is counted all the same."""
    return {
        kind: Held(some.count, await access.viewed(some.ids, _ENTITIES[kind]))
        if kind in _ENTITIES
        else some
        for kind, some in found.items()
    }
