"""Claims of segments: a write that nobody waits for any more may still be done."""

import asyncio

import pytest
from pymongo.errors import AutoReconnect

from contracts.ids import project_range, public_id
from kit.errors import NotFound
from kit.ids import SystemIds
from kit.mongo import Database, ensure_indexes
from kit.segments.claims import GRACE, TERM, Claims
from kit.segments.known import Segments
from kit.segments.ranges import segment_of
from kit.segments.summaries import Summaries
from services.executions.adapters.mongo import runsummaries
from services.executions.main import INDEXES
from tests.harness.fakes import START, ManualClock

TENANT, RUN = "ten1", public_id(7, 5)


async def lost(claims: Claims, error: BaseException) -> None:
    async with claims.writing(TENANT, [RUN]):
        raise error


@pytest.mark.parametrize(
    ("error", "stands"),
    [
        (AutoReconnect("no answer in time"), True),
        (asyncio.CancelledError(), True),
        (NotFound("nothing was written"), False),
    ],
)
async def test_a_claim_outlives_its_process_while_a_write_may_be_on_its_way(
    database: Database, error: BaseException, *, stands: bool
) -> None:
    await ensure_indexes(database, INDEXES)
    clock = ManualClock(START)
    claims = Claims(database, clock, SystemIds())
    segments = Segments(database, Summaries(database, runsummaries.COLLECTION))

    async def claimed() -> tuple[bool, str]:
        (known,) = await segments.look(TENANT, [project_range(7)])
        return known.claimed(segment_of(RUN)), known.stamp(segment_of(RUN))

    with pytest.raises(type(error)):
        await lost(claims, error)
    await claims.close()
    before, stamp = await claimed()
    assert before is stands
    clock.advance(seconds=(TERM + GRACE).total_seconds() + 1)
    await claims.sweep()
    after, later = await claimed()
    assert not after
    # what was made of the segment meanwhile counts no more
    assert (later != stamp) is stands


async def test_ranges_of_small_projects_are_forgotten_too(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ensure_indexes(database, INDEXES)
    monkeypatch.setattr("kit.segments.known._MOST_GROUPS", 20)
    segments = Segments(database, Summaries(database, runsummaries.COLLECTION))
    claims = Claims(database, ManualClock(START), SystemIds())
    for project in range(1, 9):
        span = project_range(project)
        for _ in range(3):
            # each look after a write reads the range anew, and it counts once
            await claims.void(TENANT, [segment_of(span[0])])
            await segments.look(TENANT, [span])
    there = [p for p in range(1, 9) if (TENANT, project_range(p)) in segments._known]
    assert there == [6, 7, 8]
