"""References of an archive that lead to nothing in the target: named, up to a bound."""

from collections import Counter
from collections.abc import Awaitable, Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from contracts.importing import Missing
from kit.errors import InvalidInput

T = TypeVar("T")

MOST_TOLD = 100
"""References that an answer names; the others are counted."""
_IN_MESSAGE = 4
_MOST_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Reference:
    """Something of an archive, and what one of its fields names."""

    kind: str
    """Such as ``test plan``."""
    key: str
    field: str
    """As in the archive, with dots."""
    target: str

    def __str__(self) -> str:
        return f"{self.kind} {self.key}: {self.field} names {self.target}"


@dataclass
class Dangling:
    """References that lead to nothing."""

    told: list[Reference] = field(default_factory=list)
    count: int = 0

    def add(self, reference: Reference) -> None:
        """Take one."""
        self.count += 1
        if len(self.told) < MOST_TOLD:
            self.told.append(reference)

    def refuse(self, why: str) -> None:
        """Raise ``Unresolved`` that names them, if there are any; ``why`` begins its message."""
        if self.count:
            raise Unresolved(why, self)


class Unresolved(InvalidInput):
    """References lead to nothing: the first are in the message, all that are told ``dangling``."""

    def __init__(self, why: str, dangling: Dangling) -> None:
        first = dangling.told[:_IN_MESSAGE]
        rest = dangling.count - len(first)
        more = f"; and {rest} more" if rest else ""
        super().__init__(f"{why}: {'; '.join(map(str, first))}{more}.")
        self.dangling = dangling


class Outside:
    """References to things of other projects, by the key that they name.

    Of a great many the first thousands are kept, the others counted.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._kept: list[Reference] = []

    def add(self, reference: Reference) -> None:
        """Take one; its target is a key."""
        new = reference.target not in self._counts
        self._counts[reference.target] += 1
        if new or len(self._kept) < _MOST_KEPT:
            self._kept.append(reference)

    def __contains__(self, key: object) -> bool:
        return key in self._counts

    def __iter__(self) -> Iterator[str]:
        """Yield the keys, in the order of first sight."""
        return iter(self._counts)

    def leading_to(self, keys: Container[str]) -> Dangling:
        """Return the references that name one of these."""
        found = Dangling()
        for reference in self._kept:
            if reference.target in keys:
                found.add(reference)
        found.count = sum(count for key, count in self._counts.items() if key in keys)
        return found

    def first(self, keys: Container[str]) -> Sequence[Reference]:
        """Return for each of these keys the first reference that names it."""
        found: dict[str, Reference] = {}
        for reference in self._kept:
            if reference.target in keys:
                found.setdefault(reference.target, reference)
        return list(found.values())


@dataclass
class Resolved:
    """What became of references to things of other projects."""

    dropped: Dangling = field(default_factory=Dangling)
    """Left out, since what they name is not in the target."""
    awaited: Sequence[Reference] = ()
    """Kept, though it is not there yet: one for each thing that an import of its project brings."""


async def resolved(
    outside: Outside, missing: Missing, find: Callable[[str], Awaitable[tuple[T, bool] | None]]
) -> tuple[dict[str, T], Resolved]:
    """Find what is referred to: what is here by key, and what became of the references.

    ``find`` also says whether the thing is there already; None stands for one that will not be.
    Raises ``Unresolved`` that names what leads to nothing, where that is not to be left out.
    """
    here: dict[str, T] = {}
    absent, awaited = set[str](), set[str]()
    for key in outside:
        found = await find(key)
        if found is None:
            absent.add(key)
            continue
        here[key], there = found
        if not there:
            awaited.add(key)
    dangling = outside.leading_to(absent)
    if missing is Missing.REFUSE:
        dangling.refuse(
            "The archive refers to things of other projects that are not here, "
            "or not visible to you"
        )
    return here, Resolved(dangling, outside.first(awaited))
