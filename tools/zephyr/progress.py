"""What a long copy tells while it runs: bars on a terminal, plain lines elsewhere."""

import time
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.progress import TimeRemainingColumn as Remaining

_EVERY = 15.0


class Watcher(Protocol):
    """Is told what is being done."""

    def begin(self, what: str, done: int, total: int | None) -> None:
        """Say what begins, how much of it an earlier run did, and how much there will be."""

    def advance(self, what: str, done: int) -> None:
        """Say how much of it is done by now."""

    def note(self, text: str) -> None:
        """Say one line."""


class Shown:
    """Tells on a console; a context manager because bars must end."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            Remaining(),
            console=console,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._totals: dict[str, int | None] = {}
        self._told = 0.0

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def begin(self, what: str, done: int, total: int | None) -> None:
        """Start a bar, or start it again."""
        self._totals[what] = total
        if what in self._tasks:
            self._bars.remove_task(self._tasks[what])
        self._tasks[what] = self._bars.add_task(what, completed=done, total=total)

    def advance(self, what: str, done: int) -> None:
        """Move a bar; without a terminal a line every quarter of a minute."""
        self._bars.update(self._tasks[what], completed=done)
        now = time.monotonic()
        if not self._console.is_terminal and now - self._told > _EVERY:
            self._told = now
            total = self._totals[what]
            self.note(f"{what}: {done}" + (f" of {total}" if total else ""))

    def note(self, text: str) -> None:
        """Print a line above the bars."""
        self._bars.console.print(text, markup=False, highlight=False, soft_wrap=True)


class Silent:
    """Tells nobody."""

    def begin(self, what: str, done: int, total: int | None) -> None:
        """Say nothing."""

    def advance(self, what: str, done: int) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""
