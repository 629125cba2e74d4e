"""Numbers in the archive's ids: those of the source where they fit, else the next free one.

Ids of Ostro are ``project << 33 | number``, so a copy from Ostro keeps them; the vendor's ids are
smaller and are kept as numbers where the rules of the kind allow it.
"""

from collections.abc import Callable
from typing import Any

from contracts.ids import NUMBER_BITS, NUMBER_MASK


def number_in(ident: Any) -> int | None:
    """Return the number that an id of the source stands for; None where it has none."""
    if not isinstance(ident, int) or ident < 1:
        return None
    return ident & NUMBER_MASK or None


def is_ostro(ident: Any) -> bool:
    """Whether an id has a project in it, as those of Ostro have."""
    return isinstance(ident, int) and ident >> NUMBER_BITS > 0


class Numbers:
    """Numbers of one kind, none twice; ``first`` and ``step`` say which may be made up.

    Called in the same order with the same ids it gives the same numbers.
    """

    def __init__(
        self, first: int = 1, step: int = 1, fits: Callable[[int], bool] = lambda _: True
    ) -> None:
        self._free = first
        self._step = step
        self._fits = fits
        self._used: set[int] = set()

    def take(self, ident: Any) -> int:
        """Return a number for an id of the source."""
        number = number_in(ident)
        if number is None or number in self._used or not self._fits(number):
            while self._free in self._used:
                self._free += self._step
            number = self._free
        self._used.add(number)
        return number


def link_numbers(remainder: int, modulus: int) -> "LinkNumbers":
    """Return numbers of links: those that leave this remainder."""
    return LinkNumbers(remainder, modulus)


class LinkNumbers:
    """Numbers of links say whose they are, so only Ostro's own are kept."""

    def __init__(self, remainder: int, modulus: int) -> None:
        first = remainder if remainder % 2 else remainder + modulus
        self._numbers = Numbers(first, modulus, lambda n: n >= first and n % modulus == remainder)

    def take(self, ident: Any) -> int:
        """Return a number for a link."""
        return self._numbers.take(ident if is_ostro(ident) else None)
