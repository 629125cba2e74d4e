"""What could not be taken over as it was; said in the report."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

_EXAMPLES = 5


@dataclass
class Losses:
    """Counts by what it is, with a few examples of where."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, what: str, where: str) -> None:
        """Note one."""
        self.counts[what] += 1
        known = self.examples.setdefault(what, [])
        if len(known) < _EXAMPLES and where not in known:
            known.append(where)

    def lines(self) -> Iterator[str]:
        """Yield one line each, the most frequent first."""
        for what, count in self.counts.most_common():
            yield f"{what}: {count} ({', '.join(self.examples[what])})"
