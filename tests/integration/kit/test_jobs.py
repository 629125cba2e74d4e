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


async def test_a_wish_of_the_next_moment_is_not_ended_by_who_did_the_former_one(
    rows: JobRows,
) -> None:
    former = await rows.put("t", KIND, 1, "archive", START, START)
    assert await rows.done(former)
    later = START + timedelta(milliseconds=1)
    for action, now in (("restore", START), ("archive", later)):
        new = await rows.put("t", KIND, 1, action, now, START)
        assert new.rev == former.rev
        assert not await rows.done(former)
        await rows.again(former, START + timedelta(days=1))
        assert await due(rows) == [(1, action)]
        assert await rows.done(new)


async def test_a_wish_that_was_taken_back_while_others_were_done_is_not_begun(
    rows: JobRows,
) -> None:
    done: list[tuple[int, str]] = []

    async def step(job: Job) -> timedelta | None:
        done.append((job.entity, job.action))
        if job.entity == 1:
            await rows.put("t", KIND, 2, "restore", START, START)
        return None

    worker = Worker(rows, {KIND: step}, Always(), ManualClock())
    await rows.put("t", KIND, 1, "archive", START, START - timedelta(seconds=1))
    await rows.put("t", KIND, 2, "archive", START, START)
    await worker.once()
    assert done == [(1, "archive")]
    await worker.once()
    assert done == [(1, "archive"), (2, "restore")]


async def test_who_loses_its_turn_takes_no_further_step(rows: JobRows) -> None:
    class Once:
        """Our turn for one step."""

        left = 1

        async def hold(self) -> bool:
            self.left -= 1
            return self.left >= 0

    async def step(_: Job) -> timedelta | None:
        return None

    for entity in (1, 2):
        await rows.put("t", KIND, entity, "do", START, START + timedelta(seconds=entity - 2))
    await Worker(rows, {KIND: step}, Once(), ManualClock()).once()
    assert await due(rows) == [(2, "do")]


async def test_a_job_that_cannot_be_done_stops_nobody(rows: JobRows) -> None:
    async def step(job: Job) -> timedelta | None:
        if job.entity == 1:
            raise KeyError("what nobody thought of")
        return None

    for entity in (1, 2):
        await rows.put("t", KIND, entity, "do", START, START)
    clock = ManualClock()
    worker = Worker(rows, {KIND: step}, Always(), clock)
    await worker.once()
    assert await worker.once() == 0
    assert await rows.count("t", KIND) == 1
    clock.advance(seconds=301)
    assert await worker.once() == 1


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
