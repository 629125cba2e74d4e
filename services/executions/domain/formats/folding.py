"""Variants of one parametrised test become one result.

The worst result wins (fail, skipped, pass), times add up, the texts of the worst variants are
joined. Results that are no variants pass straight through; variants wait on a scratch file until
the file ends and follow in order of first appearance. In memory a waiting variant costs a digest
and two integers (about 130 bytes), another 200 for each test that has several.
"""

import hashlib
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import IO

from contracts.executions import MAX_COMMENT_BYTES
from services.executions.domain.formats.records import Records
from services.executions.domain.formats.text import add_times, cut, escape
from services.executions.domain.results import Outcome, ParsedResult

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
    records = Records(scratch)
    first: dict[bytes, int] = {}
    groups: dict[int, _Group] = {}
    for result in results:
        if result.group is None:
            yield result
            continue
        digest = hashlib.blake2b(result.group.encode(), digest_size=16).digest()
        offset = records.append(result)
        opened = first.setdefault(digest, offset)
        if opened == offset:
            continue
        group = groups.get(opened)
        if group is None:
            group = groups[opened] = _open(records, opened)
        group.add(offset, result, len((result.comment or "").encode()))
    for offset in first.values():
        result = records.read(offset).result
        group = groups.get(offset)
        yield replace(result, variant="") if group is None else _folded(records, result, group)


def _open(records: Records, offset: int) -> _Group:
    record = records.read(offset)
    group = _Group(record.result.status, record.result.time_ms)
    group.note(offset, record.result, record.comment_bytes)
    return group


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
        variant="",
    )
