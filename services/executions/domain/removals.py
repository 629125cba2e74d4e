"""What can be deleted or archived, and what hangs on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from kit.shelves import Shelf
from services.executions.domain.links import Holder

SHOWN = 100
"""Ids of each kind that an answer names."""


@dataclass(frozen=True, slots=True)
class Held:
    """How many things of a kind, and the ids of the first ones."""

    count: int
    ids: Sequence[int]


Dependents = Mapping[str, Held]
"""What hangs on a thing, by kind: ``testExecutions``, ``attachments``, ..."""


@dataclass(frozen=True, slots=True)
class Thing:
    """A cycle, plan or execution; ``shelf`` None: it shows."""

    holder: Holder
    id: int
    project: int
    shelf: Shelf | None = None
    name: str | None = None
    folder: int | None = None
    cycle: int | None = None
    """Of an execution."""
    case: int | None = None
    """Of an execution."""
    upload: str | None = None
    links: tuple[int, ...] = ()
    archived_on: datetime | None = None


def held(ids: Sequence[int]) -> Held:
    """Return all of some things."""
    return Held(len(ids), list(ids[:SHOWN]))
