"""How cases and folders are counted: summaries of their segments, and who makes them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from kit.leases import Lease
from kit.segments import blocks as segment_blocks
from kit.segments import summaries as segment_summaries
from kit.segments.claims import Claims
from kit.segments.known import Segments
from kit.segments.making import Making
from kit.segments.summaries import Summaries
from kit.service import Background, Role, Runtime
from services.testcases.adapters.mongo import folders, testcases
from services.testcases.adapters.mongo.totals import Totals
from services.testcases.adapters.mongo.totalsummaries import Counted, ShownSummaries
from services.testcases.settings import TestcasesSettings

_ALL = (testcases.COUNTED, folders.COUNTED)
INDEXES = {
    **{counted.blocks: segment_blocks.INDEXES for counted in _ALL},
    **{counted.summaries: segment_summaries.INDEXES for counted in _ALL},
}


@dataclass(frozen=True)
class Counting:
    """What reads and writes cases and folders, and what runs behind it."""

    cases: Totals
    folders: Totals
    background: Sequence[Background]
    closers: Sequence[Callable[[], Awaitable[None]]]


def counting(runtime: Runtime[TestcasesSettings]) -> Counting:
    """Wire the summaries of both."""
    cases, behind_cases, close_cases = _wired(runtime, testcases.COUNTED)
    found, behind_folders, close_folders = _wired(runtime, folders.COUNTED)
    background = (*behind_cases, *behind_folders)
    return Counting(cases, found, background, (close_cases, close_folders))


def _wired(
    runtime: Runtime[TestcasesSettings], counted: Counted
) -> tuple[Totals, Sequence[Background], Callable[[], Awaitable[None]]]:
    database, clock = runtime.database, runtime.clock
    rows, summaries = database[counted.collection], Summaries(database, counted.summaries)
    claims = Claims(database, clock, runtime.ids, blocks=counted.blocks)
    segments = Segments(database, summaries, blocks=counted.blocks)
    ttl = timedelta(seconds=60)
    turn = Lease(database["leases"], counted.summaries, runtime.instance, ttl, clock)
    maker = ShownSummaries(rows, counted)
    making = Making(
        database,
        rows,
        segments,
        summaries,
        claims,
        maker,
        turn,
        blocks=counted.blocks,
        scope=counted.scope,
    )
    totals = Totals(database, counted, claims, segments, making.want)
    return totals, (Background(Role.API, making.run), Background(None, claims.run)), claims.close
