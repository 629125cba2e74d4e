"""Which letters of a DLQ are done: a committed offset, and ranges beyond it in its metadata.

Every DLQ has one partition. The consumer group ``dlq-tool`` holds, per DLQ, the offset below which
all is done; ``--reason`` and ``--limit`` leave gaps, so ranges after it stand in the metadata as
``12-15,18``.
"""

from collections.abc import Iterable
from dataclasses import dataclass

MAX_METADATA = 4000
"""Kafka's offset.metadata.max.bytes is 4096."""


class TooScattered(Exception):
    """The ranges do not fit; the oldest open letters have to be handled first."""


@dataclass(frozen=True)
class Progress:
    """``base``: everything below is done; ``ranges``: done beyond it, inclusive, ascending."""

    base: int = 0
    ranges: tuple[tuple[int, int], ...] = ()

    @classmethod
    def parse(cls, base: int, metadata: str) -> "Progress":
        """Read what was committed; an offset of -1 means that nothing was."""
        pairs = (part.partition("-") for part in metadata.split(",") if part)
        return cls(max(base, 0), tuple((int(a), int(b or a)) for a, _, b in pairs))

    @property
    def metadata(self) -> str:
        """The ranges as text."""
        return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in self.ranges)

    def is_done(self, offset: int) -> bool:
        """Whether a letter needs no more care."""
        return offset < self.base or any(a <= offset <= b for a, b in self.ranges)

    def with_done(self, offsets: Iterable[int], first: int) -> "Progress":
        """Add offsets; ``first`` is the oldest that still exists, everything below is done."""
        base, ranges = max(self.base, first), [*self.ranges, *((o, o) for o in offsets)]
        merged: list[tuple[int, int]] = []
        for start, end in sorted(ranges):
            if end < base:
                continue
            if start <= base:
                base = max(base, end + 1)
            elif merged and start <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        result = Progress(base, tuple(merged))
        if len(result.metadata) > MAX_METADATA:
            raise TooScattered("too many gaps between done letters: handle the oldest ones first")
        return result
