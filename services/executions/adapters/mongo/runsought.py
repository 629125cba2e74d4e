"""What a filter finds in a summary of runs: pure counting, and which details it takes."""

import calendar
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from kit.segments.summaries import Details, Group, Summary
from services.executions.adapters.mongo.runsummaries import CYCLE, LAST, VERSION
from services.executions.usecases.testexecutions import ExecutionFilter

AllDetails = Mapping[int, Sequence[Details]]
"""By segment."""


@dataclass(frozen=True, slots=True)
class Sought:
    """A filter, as groups of runs are judged by it. Times are milliseconds."""

    cycle: int | None
    version: int | None
    last: bool
    above: int | None
    below: int | None
    left_out: frozenset[int]
    """Cycles whose runs do not count here."""

    @classmethod
    def of(cls, wanted: ExecutionFilter, left_out: Collection[int]) -> "Sought":
        """Return what the filter seeks; its time of change is not in it."""
        return cls(
            wanted.cycle,
            wanted.jira_version,
            wanted.only_last,
            None if wanted.ended_after is None else _millis(wanted.ended_after),
            None if wanted.ended_before is None else _millis(wanted.ended_before),
            frozenset(left_out),
        )

    @property
    def everything(self) -> bool:
        """Whether every run of a summary is found."""
        return self.plain and self.cycle is None and not self.left_out

    @property
    def dated(self) -> bool:
        """Whether it matters when a run ended."""
        return self.above is not None or self.below is not None

    @property
    def plain(self) -> bool:
        """Whether only the cycle decides."""
        return self.version is None and not self.last and not self.dated

    def groups(self, summary: Summary) -> Iterable[int]:
        """Return the numbers of the groups in which something may be found."""
        if not summary.groups:
            return ()
        numbers: Iterable[int] = range(len(summary.groups))
        if self.cycle is not None:
            numbers = summary.by(CYCLE).get(self.cycle, ())
        elif self.version is not None:
            numbers = summary.by(VERSION).get(self.version, ())
        return [n for n in numbers if self._finds(summary.groups[n])]

    def _finds(self, group: Group) -> bool:
        key = group.key
        return not (
            key[CYCLE] in self.left_out
            or (self.version is not None and key[VERSION] != self.version)
            or (self.last and not key[LAST])
            or (self.above is not None and group.high <= self.above)
            or (self.below is not None and group.low >= self.below)
        )

    def whole(self, group: Group) -> bool:
        """Whether all of such a group is found."""
        return (self.above is None or group.low > self.above) and (
            self.below is None or group.high < self.below
        )

    def takes_details(self, summary: Summary) -> bool:
        """Whether the count takes a look at each run."""
        return self.dated and any(not self.whole(summary.groups[n]) for n in self.groups(summary))

    def count(self, summary: Summary, details: AllDetails) -> int:
        """Return how many runs are found."""
        if self.everything:
            return summary.count
        total = 0
        for number in self.groups(summary):
            group = summary.groups[number]
            if self.whole(group):
                total += group.count
            else:
                total += len(details[summary.segment][number].between(self.above, self.below))
        return total

    def ids(self, summary: Summary, details: AllDetails) -> list[int]:
        """Return the runs that are found, in order."""
        found: list[int] = []
        for number in self.groups(summary):
            found += details[summary.segment][number].between(self.above, self.below)
        return sorted(found)

    def takes(self, end: int, version: int | None) -> bool:
        """Whether a single run is found, its cycle apart."""
        return (
            (self.version is None or version == self.version)
            and (self.above is None or end > self.above)
            and (self.below is None or end < self.below)
        )


def _millis(moment: datetime) -> int:
    """Return what MongoDB would store: whole milliseconds since 1970, cut."""
    utc = moment.astimezone(UTC)
    return calendar.timegm(utc.timetuple()) * 1000 + utc.microsecond // 1000
