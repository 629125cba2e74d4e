"""What hangs on a thing: how many of each kind, and the ids of the first ones."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

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


def held(ids: Iterable[int]) -> Held:
    """Return all of some things."""
    found = list(ids)
    return Held(len(found), found[:SHOWN])
