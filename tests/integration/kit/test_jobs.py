"""Jobs: a newer wish takes the place of an older one, and a broken one holds nobody up."""

from datetime import timedelta

import pytest

from kit.errors import Unavailable
from kit.jobs.rows import COLLECTION, Job, JobRows
from kit.jobs.worker import AT_ONCE, Worker
from kit.mongo import Database
from tests.harness.fakes import START, ManualClock

KIND = "thing"


class Always:
    """It is always our turn."""

    async def hold(self) -> bool:
        """Return True."""
        return True


@pytest.fixture
def rows(database: Database) -> JobRows:
    return JobRows(database)


async def due(rows: JobRows) -> list[tuple[int, str]]:
    return [(job.entity, job.action) for job in await rows.due(START, 10)]


async def test_a_newer_wish_is_not_ended_by_who_works_on_the_older(rows: JobRows) -> None:
    old = await rows.put("t", KIND, 1, "archive", START, START)
    new = await rows.put("t", KIND, 1, "restore", START, START)
    assert not await rows.done(old)
    await rows.again(old, START + timedelta(days=1))
    assert await due(rows) == [(1, "restore")]
    assert await rows.count("t", KIND) == 1
    assert await rows.done(new)
    assert await due(rows) == []


async def test_what_an_event_begins_begins_once(rows: JobRows) -> None:
    for action in ("first", "second"):
        await rows.begin("t", KIND, 1, action, START)
    assert await due(rows) == [(1, "first")]


async def test_a_job_goes_on_step_by_step_and_a_broken_one_waits(
    rows: JobRows, database: Database
) -> None:
    clock, steps = ManualClock(), {1: 0, 2: 0}

    async def step(job: Job) -> timedelta | None:
        steps[job.entity] += 1
        if job.entity == 2:
            raise Unavailable("down")
        return AT_ONCE if steps[1] < 3 else None

    worker = Worker(rows, {KIND: step}, Always(), clock)
    for entity in (1, 2):
        await rows.put("t", KIND, entity, "do", START, START)
    await rows.put("t", "unknown", 3, "do", START, START)
    for _ in range(5):
        await worker.once()
    assert steps == {1: 3, 2: 1}
    assert await worker.once() == 0
    clock.advance(seconds=6)
    await worker.once()
    assert steps == {1: 3, 2: 2}
    # what a newer program wrote stays for it
    assert await database[COLLECTION].count_documents({}) == 2
