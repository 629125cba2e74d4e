"""Sets of numbers by the million, eight bytes each."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from kit.errors import InvalidInput


class Numbers:
    """Numbers that were seen; looked up once all are there."""

    def __init__(self) -> None:
        self._seen = array("q")
        self._sorted = True

    def add(self, number: int) -> None:
        """Add one; it may be there already."""
        if self._sorted and self._seen and number <= self._seen[-1]:
            self._sorted = False
        self._seen.append(number)

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int):
            return False
        self._sort()
        at = bisect_left(self._seen, number)
        return at < len(self._seen) and self._seen[at] == number

    def __iter__(self) -> Iterator[int]:
        """Yield all, sorted; doubles as often as they were added."""
        self._sort()
        return iter(self._seen)

    def __len__(self) -> int:
        return len(self._seen)

    @property
    def last(self) -> int:
        """The highest, 0 without any."""
        self._sort()
        return self._seen[-1] if self._seen else 0

    def check_unique(self, what: str) -> None:
        """Raise ``InvalidInput`` for a number that was added twice."""
        before = None
        for number in self:
            if number == before:
                raise InvalidInput(f"The archive has {what} {number} twice.")
            before = number

    def check_known(self, wanted: Iterable[int], what: str) -> None:
        """Raise ``InvalidInput`` for a number that is not among these."""
        for number in wanted:
            if number not in self:
                raise InvalidInput(
                    f"The archive refers to {what} {number}, which it does not hold."
                )

    def _sort(self) -> None:
        if not self._sorted:
            self._seen = array("q", sorted(self._seen))
            self._sorted = True
