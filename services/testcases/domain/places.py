"""Places in a list that people order: whoever moves makes the others close up or make room."""

from collections.abc import Iterable, Mapping

MAX_INDEX = 2**63 - 1
"""The vendor's bound of an index."""


def moved(others: Mapping[int, int], start: int | None, end: int) -> dict[int, int]:
    """Return the places of the siblings of what goes from one place to another; None: it is new.

    Those behind its old place close up; those at its new one make room as far as they must.
    """
    if start == end:
        return dict(others)
    closed = {
        ident: place - 1 if start is not None and place > start else place
        for ident, place in others.items()
    }
    taken = end
    for ident, place in sorted(closed.items(), key=lambda item: item[1]):
        if place == taken:
            taken += 1
            closed[ident] = taken
    return closed


def next_place(places: Iterable[int]) -> int:
    """Return the place behind all; the last free one where nothing is behind."""
    taken = set(places)
    place = max(taken, default=-1) + 1
    while place > MAX_INDEX or place in taken:
        place -= 1
    return place
