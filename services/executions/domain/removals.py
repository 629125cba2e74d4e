"""What can be deleted or archived."""

from dataclasses import dataclass
from datetime import datetime

from kit.shelves import Shelf
from services.executions.domain.links import Holder


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
