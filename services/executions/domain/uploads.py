"""Rules of an upload: its states, how a result becomes a status, how results become chunks."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from contracts.executions import MAX_CHUNK_BYTES, MAX_CHUNK_ROWS
from contracts.testcases import DEFAULT_OPTIONS, OptionState, OptionType
from kit.errors import InvalidInput

_ENVELOPE_BYTES = 2_048


class UploadState(StrEnum):
    """open -> sealed -> accepted, or aborted from the first two.

    Open: chunks are being published. Sealed: Kafka has all of them. Accepted: the client gets its
    200, results are visible. Aborted: nothing of it was ever visible, nor will be.
    """

    OPEN = "open"
    SEALED = "sealed"
    ACCEPTED = "accepted"
    ABORTED = "aborted"


UNDECIDED = (UploadState.OPEN, UploadState.SEALED)


@dataclass(frozen=True, slots=True)
class Resolved:
    """The test case behind one result; ``case`` 0 means that none matched."""

    case: int
    version: int
    version_id: int


UNMATCHED = Resolved(0, 0, 0)


class StatusRule:
    """Maps what a file says to a status option of the project; an archived one is never taken.

    Names match case-insensitively; a renamed default keeps its meaning by its fixed id; skipped
    is ``Skipped`` where the project has such a status, else Blocked; any other word is Blocked.
    Where Blocked is archived, the default status or else the first one stands for it.
    """

    def __init__(self, project: int, options: Iterable[OptionState]) -> None:
        mine = [o for o in options if o.type is OptionType.TEST_EXECUTION]
        archived = {o.id for o in mine if o.archived}
        self._by_name = {o.name.casefold(): o.id for o in mine if not o.archived}
        self._defaults = {
            d.name.casefold(): d.id(project)
            for d in DEFAULT_OPTIONS
            # one that is not among the options was not heard of yet
            if d.type is OptionType.TEST_EXECUTION and d.id(project) not in archived
        }
        self._blocked = self._known("blocked") or default_option(
            project, mine, OptionType.TEST_EXECUTION
        )

    def __call__(self, name: str) -> int:
        """Return the option id for a status name; ``InvalidInput`` when all are archived."""
        found = self._known(name.casefold()) or self._blocked
        if found is None:
            raise InvalidInput("All test execution statuses of the project are archived.")
        return found

    def knows(self, name: str) -> bool:
        """Whether a status of the project has this name."""
        return self._known(name.casefold()) is not None

    def _known(self, name: str) -> int | None:
        return self._by_name.get(name) or self._defaults.get(name)


def default_option(project: int, options: Iterable[OptionState], kind: OptionType) -> int | None:
    """Return the default option of a type, else the first one; None when all are archived."""
    mine = [o for o in options if o.type is kind]
    if not mine:
        # not heard of yet: the fixed id of the built-in default
        return next((d.id(project) for d in DEFAULT_OPTIONS if d.type is kind and d.default), None)
    usable = sorted((o for o in mine if not o.archived), key=lambda o: (not o.default, o.index))
    return usable[0].id if usable else None


def settled(options: Iterable[OptionState]) -> bool:
    """Whether no group of statuses is caught in the middle of a change, as a copy may show it.

    The old and the new default arrive one by one: until then there are two of them, or none.
    """
    defaults = Counter(o.type for o in options if o.default)
    return all(defaults[kind] == 1 for kind in (OptionType.TEST_CYCLE, OptionType.TEST_EXECUTION))


Serialise = Callable[[Mapping[str, Any]], bytes]


def chunks(rows: Iterable[Mapping[str, Any]], serialise: Serialise) -> Iterator[list[bytes]]:
    """Group rows into chunks of at most 500 rows and 512 KiB, each row already serialised."""
    chunk: list[bytes] = []
    size = _ENVELOPE_BYTES
    for row in rows:
        data = serialise(row)
        if chunk and (len(chunk) == MAX_CHUNK_ROWS or size + len(data) + 1 > MAX_CHUNK_BYTES):
            yield chunk
            chunk, size = [], _ENVELOPE_BYTES
        chunk.append(data)
        size += len(data) + 1
    if chunk:
        yield chunk
