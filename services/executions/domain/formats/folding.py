"""Variants of one parametrised test become one result.

The worst result wins (fail, skipped, pass), times add up, the texts of the worst variants are
joined. Results that are no variants pass straight through; variants wait on a scratch file until
the file ends and follow in order of first appearance. In memory a waiting test costs a digest and
an integer (about 130 bytes), another 200 when it has several variants.
"""

import hashlib
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import IO, Final

from contracts.executions import MAX_COMMENT_BYTES
from services.executions.domain.formats.records import Records
from services.executions.domain.formats.text import add_times, cut, escape
from services.executions.domain.results import Outcome, ParsedResult

MAX_WAITING: Final = 50_000
"""Tests that wait at once. In a larger file variants that lie further apart stay apart."""

_BADNESS: dict[str, int] = {Outcome.PASS: 0, Outcome.SKIPPED: 1, Outcome.FAIL: 2}


@dataclass(slots=True)
class _Group:
    """What several variants come to. ``comments``: offsets of those that show in the text."""

    status: str
    time_ms: int | None
    comments: "array[int]" = field(default_factory=lambda: array("q"))
    comment_bytes: int = 0

    def add(self, offset: int, result: ParsedResult, comment_bytes: int) -> None:
        if _BADNESS[result.status] > _BADNESS[self.status]:
            self.status = result.status
            self.comments, self.comment_bytes = array("q"), 0
        self.time_ms = add_times(self.time_ms, result.time_ms)
        self.note(offset, result, comment_bytes)

    def note(self, offset: int, result: ParsedResult, comment_bytes: int) -> None:
        """Remember the text of a variant as bad as the worst, until no more would be kept."""
        wanted = result.status == self.status and comment_bytes
        if wanted and self.comment_bytes <= MAX_COMMENT_BYTES:
            self.comments.append(offset)
            self.comment_bytes += comment_bytes


def fold(results: Iterable[ParsedResult], scratch: IO[bytes]) -> Iterator[ParsedResult]:
    """Fold the results of one file. ``scratch`` is empty and used until the iterator ends."""
    waiting = _Waiting(Records(scratch))
    for result in results:
        if result.group is None:
            yield result
            continue
        waiting.add(result, result.group)
        if len(waiting) >= MAX_WAITING:
            yield from waiting.release()
    yield from waiting.release()


class _Waiting:
    """Variants on the scratch file, by test."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._first: dict[bytes, int] = {}
        self._groups: dict[int, _Group] = {}

    def __len__(self) -> int:
        return len(self._first)

    def add(self, result: ParsedResult, test: str) -> None:
        """Store a variant and count it to its test."""
        digest = hashlib.blake2b(test.encode(), digest_size=16).digest()
        offset = self._records.append(result)
        first = self._first.setdefault(digest, offset)
        if first == offset:
            return
        group = self._groups.get(first)
        if group is None:
            record = self._records.read(first)
            group = _Group(record.result.status, record.result.time_ms)
            group.note(first, record.result, record.comment_bytes)
            self._groups[first] = group
        group.add(offset, result, len((result.comment or "").encode()))

    def release(self) -> Iterator[ParsedResult]:
        """Yield one result for each test, and forget them."""
        for offset in self._first.values():
            result = self._records.read(offset).result
            group = self._groups.get(offset)
            if group is not None:
                result = _folded(self._records, result, group)
            yield replace(result, variant="")
        self._first.clear()
        self._groups.clear()
        self._records.clear()


def _folded(records: Records, base: ParsedResult, group: _Group) -> ParsedResult:
    texts = []
    for offset in group.comments:
        variant = records.read(offset).result
        texts.append("<br>".join(filter(None, (escape(variant.variant), variant.comment))))
    return replace(
        base,
        status=group.status,
        time_ms=group.time_ms,
        comment=cut("<br><br>".join(texts)) if texts else None,
    )
