"""A table for people, JSON lines for whoever compares runs."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

RESULTS = Path(".ostro/bench.jsonl")


@dataclass(frozen=True)
class Figure:
    """One figure. ``ratio`` is against ``against`` in the same run; spread is (max-min)/median."""

    name: str
    value: float
    unit: str
    ratio: float | None = None
    against: str | None = None
    spread: float | None = None


def spread(values: Sequence[float]) -> float:
    """Return how far values lie apart, relative to their median."""
    return (max(values) - min(values)) / statistics.median(values)


def publish(figures: Sequence[Figure]) -> None:
    """Print the table and append to ``.ostro/bench.jsonl``."""
    table = Table("figure", "value", "unit", "ratio", "against", "spread")
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("a") as lines:
        for f in figures:
            table.add_row(
                f.name,
                f"{f.value:,.3g}" if abs(f.value) < 100 else f"{f.value:,.0f}",
                f.unit,
                "" if f.ratio is None else f"{f.ratio:.2f}",
                f.against or "",
                "" if f.spread is None else f"{f.spread:.0%}",
            )
            lines.write(json.dumps(asdict(f)) + "\n")
    Console(width=120).print(table)
