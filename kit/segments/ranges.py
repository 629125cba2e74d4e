"""How ids are cut: a segment is 4,096 ids, a block 256 segments. Ranges are half-open."""

from collections.abc import Iterable, Iterator

SEGMENT_BITS = 12
BLOCK_BITS = 20
SEGMENT_IDS = 1 << SEGMENT_BITS
_IN_BLOCK = (1 << (BLOCK_BITS - SEGMENT_BITS)) - 1

Range = tuple[int, int]
"""[first, end) of ids."""


def segment_of(ident: int) -> int:
    """Return the segment of an id."""
    return ident >> SEGMENT_BITS


def ids_of(segment: int) -> Range:
    """Return the ids of a segment."""
    return segment << SEGMENT_BITS, (segment + 1) << SEGMENT_BITS


def block_of(segment: int) -> int:
    """Return the block of a segment."""
    return segment >> (BLOCK_BITS - SEGMENT_BITS)


def place_of(segment: int) -> str:
    """Return the segment's place in its block, the name of its stamp."""
    return str(segment & _IN_BLOCK)


def segments_in(span: Range) -> range:
    """Return the segments that a range of ids touches."""
    first, end = span
    return range(segment_of(first), segment_of(end - 1) + 1)


def blocks_in(span: Range) -> range:
    """Return the blocks that a range of ids touches."""
    first, end = span
    return range(first >> BLOCK_BITS, ((end - 1) >> BLOCK_BITS) + 1)


def segments_of(idents: Iterable[int]) -> list[int]:
    """Return the segments of ids, each once, in order."""
    return sorted({segment_of(i) for i in idents})


def runs(segments: Iterable[int]) -> Iterator[Range]:
    """Return ordered segments as ranges of ids, neighbours as one."""
    start = last = None
    for segment in segments:
        if last is not None and start is not None and segment != last + 1:
            yield start, ids_of(last)[1]
            start = None
        if start is None:
            start = ids_of(segment)[0]
        last = segment
    if start is not None and last is not None:
        yield start, ids_of(last)[1]


def without(span: Range, holes: Iterable[Range]) -> Iterator[Range]:
    """Return what is left of a range when others are taken out."""
    start, end = span
    for first, stop in sorted(holes):
        if stop <= start or first >= end:
            continue
        if first > start:
            yield start, first
        start = max(start, stop)
    if start < end:
        yield start, end
