"""What `make run` tells while it works: one line per step, with its seconds."""

import contextlib
import threading
import time
from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape

_WIDTH = 140


class Progress:
    """Prints finished steps; safe to use from several threads."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or _console()
        self._began = time.monotonic()
        self._lock = threading.Lock()

    def seconds(self) -> float:
        """Seconds since this object was made."""
        return time.monotonic() - self._began

    def say(self, text: str) -> None:
        """Print a line of its own."""
        with self._lock:
            self.console.print(f"         {escape(text)}", style="dim")

    def done(self, step: str, seconds: float, detail: str = "") -> None:
        """Print one finished step."""
        line = f"[green]{seconds:6.1f} s[/]  {escape(step):<12} [dim]{escape(detail)}[/]"
        with self._lock:
            self.console.print(line)

    @contextlib.contextmanager
    def step(self, step: str, detail: str = "") -> Iterator[list[str]]:
        """Time the block; what it puts into the list is added to the line."""
        began = time.monotonic()
        notes: list[str] = [detail] if detail else []
        yield notes
        self.done(step, time.monotonic() - began, ", ".join(notes))


def _console() -> Console:
    """A file or pipe has no width of its own; tables need more than the usual guess of 80."""
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = _WIDTH
    return console
