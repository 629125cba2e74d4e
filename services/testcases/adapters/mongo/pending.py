"""What every write that publishes a state needs: the outbox entry, and the relay's nudge."""

from collections.abc import Callable
from dataclasses import dataclass, field

from kit.clock import Clock
from kit.ids import Ids
from kit.mongo import Document
from kit.outbox.entries import entry


@dataclass
class Pending:
    """Builds entries; ``nudge`` is set when the relay runs in this process."""

    clock: Clock
    ids: Ids
    nudge: Callable[[], None] = field(default=lambda: None)

    def entry(self) -> Document:
        """Return an entry to push in the same write as the change."""
        return entry(self.clock, self.ids)

    def nudged_by(self, nudge: Callable[[], None]) -> None:
        """Take the relay's nudge."""
        self.nudge = nudge
