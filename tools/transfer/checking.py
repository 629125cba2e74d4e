"""Asks beforehand whether every archive would be taken: nothing is written before all are."""

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from contracts.transfer import Member, Part
from tools.transfer.client import Client, Refused, Wish, named
from tools.transfer.files import Packed, keys, pieces, rows_alone

_PIECE = 1 << 20
_HELD = {"T": (Part.LIBRARY, Member.TEST_CASES), "R": (Part.EXECUTIONS, Member.TEST_CYCLES)}
"""Where a file holds what other projects may refer to, by the letter of its key."""


@dataclass(frozen=True)
class Job:
    """A file, or some parts of it, and the project that it goes to."""

    file: Path
    project: str
    packed: Sequence[Packed]

    def get(self, part: Part) -> Packed | None:
        """Return a part, None where it is not to be imported."""
        return next((one for one in self.packed if one.part is part), None)


@dataclass(frozen=True)
class Forecast:
    """What an import of a part would do, as Ostro says."""

    job: Job
    part: Part
    answer: dict[str, Any]

    @property
    def done(self) -> bool:
        """Whether all of it was imported before."""
        return bool(self.answer["state"] == "done")


def check_all(client: Client, jobs: Sequence[Job], wish: Wish) -> list[Forecast]:
    """Return what imports of all parts would do; nothing is written.

    Raises ``Refused`` that says what is in the way of any.
    """
    found: list[Forecast] = []
    wrong: list[str] = []
    for job in jobs:
        library = job.get(Part.LIBRARY)
        for one in job.packed:
            beside = library if one.part is Part.EXECUTIONS else None
            try:
                answer = _check(client, job, one, beside, wish)
            except Refused as refused:
                wrong.append(str(refused))
                continue
            found.append(Forecast(job, one.part, answer))
            if found[-1].done:
                # what is there counts then, and not what the archive says
                library = None
    wrong += _not_held(found, jobs)
    if wrong:
        raise Refused("\n".join(dict.fromkeys(wrong)))
    return found


def _check(
    client: Client, job: Job, packed: Packed, library: Packed | None, wish: Wish
) -> dict[str, Any]:
    part, content = packed.part, pieces(job.file, packed.part)
    if library is None:
        return client.check(part, job.project, content, packed.size, wish, 0)
    with tempfile.TemporaryFile() as rows:
        rows_alone(job.file, library.part, rows)
        ahead = rows.tell()
        rows.seek(0)
        both = _both(rows, content)
        return client.check(part, job.project, both, ahead + packed.size, wish, ahead)


def _both(first: IO[bytes], second: Iterator[bytes]) -> Iterator[bytes]:
    while piece := first.read(_PIECE):
        yield piece
    yield from second


def _not_held(forecasts: Sequence[Forecast], jobs: Sequence[Job]) -> list[str]:
    """Return what Ostro does not have yet and the files do not bring either."""
    coming = {job.project: job for job in jobs}
    held: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    wrong = []
    for forecast in forecasts:
        for reference in forecast.answer["awaited"]:
            target = reference["target"]
            project, _, number = target.rpartition("-")
            letter = number[0]
            job, (part, member) = coming[project], _HELD[letter]
            if (project, letter) not in held and job.get(part) is not None:
                held[project, letter] = keys(job.file, part, member)
            if target not in held[project, letter]:
                wrong.append(
                    f"{named(reference)}, which neither the target nor {job.file} has; import the "
                    "files one by one with --missing drop to leave such references out"
                )
    return wrong
