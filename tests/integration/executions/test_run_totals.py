"""Totals, pages and walks of executions tell the truth whatever happens, and after any kill."""

import random
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import timedelta
from typing import Any

import pytest

from contracts.ids import public_id
from contracts.tenancy import ProjectState
from kit.http.pages import CursorPage, OffsetPage
from kit.ids import SystemIds
from kit.leases import Lease
from kit.mongo import Database, ensure_indexes
from kit.segments.claims import GRACE, TERM, Claims
from kit.segments.known import Segments
from kit.segments.making import Making
from kit.segments.ranges import Range
from kit.segments.summaries import Member, Summaries
from services.executions.adapters.mongo import runsummaries
from services.executions.adapters.mongo.housekeeping import HousekeepingRows
from services.executions.adapters.mongo.runtotals import RunTotals
from services.executions.adapters.mongo.testexecutions import TestExecutionRepository
from services.executions.adapters.mongo.uploads import UploadRepository
from services.executions.domain.formats import Format
from services.executions.main import INDEXES
from services.executions.usecases.housekeeping import UploadRef
from services.executions.usecases.testexecutions import ExecutionFilter
from services.executions.usecases.uploadports import CycleInput, ReceivedFile, UploadRequest
from services.executions.usecases.visibility import Hidden
from tests.harness.fakes import START, ManualClock

TENANT, PROJECT = "ten1", 7
SPAN = public_id(PROJECT, 1) - 1, public_id(PROJECT + 1, 1) - 1
IDS = SystemIds()
CYCLES, CASES, VERSIONS = range(1, 5), range(1, 6), (None, 5, 6)

Step = Callable[[], Awaitable[None]]


class Maker(runsummaries.RunSummaries):
    """Lets something happen in the middle of its work."""

    meanwhile: Step | None = None

    async def _members(self, tenant: str, span: Range, older: Collection[int]) -> Sequence[Member]:
        step, self.meanwhile = self.meanwhile, None
        if step is not None:
            await step()
        return await super()._members(tenant, span, older)


class Process:
    """What one process has of its own."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        rows, summaries = database["test_executions"], Summaries(database, runsummaries.COLLECTION)
        self.claims = Claims(database, clock, IDS)
        self.segments = Segments(database, summaries)
        self.maker = Maker(rows, self.segments, self.claims)
        turn = Lease(database["leases"], "s", IDS.token(), timedelta(seconds=1), clock)
        self.making = Making(
            database, rows, self.segments, summaries, self.claims, self.maker, turn
        )
        self.totals = RunTotals(rows, self.segments, lambda *_: None)
        self.executions = TestExecutionRepository(database, self.totals)


class Scene:
    """Runs of one project, some numbers apart, so that a few of them fill several segments."""

    def __init__(self, database: Database, seed: int) -> None:
        self.database, self.random = database, random.Random(seed)
        self.clock = ManualClock(START)
        self.processes = [Process(database, self.clock) for _ in range(2)]
        self.uploads = UploadRepository(database, "me", self.clock, IDS)
        self.rows = database["test_executions"]
        self.number = 0
        self.open: list[dict[str, Any]] = []
        """Uploads on their way."""
        self.most = 0
        """Summaries that were valid at once."""

    @property
    def process(self) -> Process:
        """Any."""
        return self.random.choice(self.processes)

    def reserve(self, count: int = 1) -> int:
        """Return the first of some fresh ids."""
        first = self.number + self.random.choice([1, 2, 900, 3000, 5000])
        self.number = first + count - 1
        return public_id(PROJECT, first)

    def run(self, ident: int, cycle: int | None, upload: str | None = None) -> dict[str, Any]:
        pick = self.random.choice
        return {
            "_id": f"{TENANT}/{ident}",
            "tenant": TENANT,
            "id": ident,
            "project": PROJECT,
            "cycle": cycle,
            "case": pick(CASES),
            "jira_version": pick(VERSIONS),
            "end": START + timedelta(minutes=self.random.randrange(50)),
            "updated_on": START + timedelta(minutes=self.random.randrange(50)),
            "upload": upload,
        }

    async def insert(self) -> None:
        run = self.run(self.reserve(), self.random.choice([None, *CYCLES]))
        async with self.process.claims.writing(TENANT, [run["id"]]):
            await self.rows.insert_one(run)

    async def insert_late(self) -> None:
        """An id that was reserved long before it is used."""
        run = self.run(self.reserve(), self.random.choice(CYCLES))
        await self.insert()
        await self.make()
        async with self.process.claims.writing(TENANT, [run["id"]]):
            await self.rows.insert_one(run)

    async def insert_and_die(self) -> None:
        run, segment = self.run(self.reserve(), self.random.choice(CYCLES)), 1 << 12
        first = run["id"] // segment * segment
        await self.process.claims.take(TENANT, (first, first + segment), IDS.token(), ends=True)
        if self.random.random() < 0.7:
            await self.rows.insert_one(run)

    async def insert_unasked(self) -> None:
        """As somebody does who fills the database by hand: ids above all others."""
        await self.rows.insert_one(self.run(self.reserve(), self.random.choice(CYCLES)))

    async def change(self) -> None:
        run = await self.some_run()
        if run is not None:
            async with self.process.claims.writing(TENANT, [run["id"]]):
                other = self.run(run["id"], None)
                change = {k: other[k] for k in ("jira_version", "end", "updated_on")}
                await self.rows.update_one({"_id": run["_id"]}, {"$set": change})

    async def delete(self) -> None:
        run = await self.some_run()
        if run is not None:
            alike = {"tenant": TENANT, "cycle": run["cycle"], "case": run["case"]}
            ids = [r["id"] for r in await self.rows.find(alike).to_list(None)]
            async with self.process.claims.writing(TENANT, ids):
                await self.rows.delete_one({"_id": run["_id"]})

    async def some_run(self) -> dict[str, Any] | None:
        runs = await self.rows.find({"upload": None}).to_list(None)
        return self.random.choice(runs) if runs else None

    async def upload(self) -> None:
        """Take some upload a step further, or begin one."""
        if len(self.open) < 2 and self.random.random() < 0.5:
            count, ident = self.random.randint(1, 5), IDS.token()
            cycle, first = public_id(PROJECT, 100 + self.number), self.reserve(count)
            await self.uploads.begin(TENANT, ident, _request())
            await self.uploads.describe(TENANT, ident, cycle, first, count)
            runs = [self.run(first + i, cycle, ident) for i in range(count)]
            self.open.append({"id": ident, "cycle": cycle, "left": runs, "sealed": False})
        elif self.open:
            one = self.random.choice(self.open)
            if one["left"] and self.random.random() < 0.7:
                await self.rows.insert_one(one["left"].pop())
            elif not one["sealed"]:
                one["sealed"] = await self.uploads.seal(TENANT, one["id"], 1)
                if self.random.random() < 0.5:
                    await self.uploads.accept(TENANT, one["id"], _request())
                else:
                    await self.uploads.abort(TENANT, one["id"])
                    one["left"], one["aborted"] = [], True
            elif not one["left"]:
                self.open.remove(one)
                await self.end(one)

    async def end(self, one: dict[str, Any]) -> None:
        if "aborted" not in one:
            await self.uploads.stored(TENANT, one["id"])
            return
        ref = UploadRef(TENANT, one["id"], PROJECT, accepted=False, chunks=1, cycle=one["cycle"])
        # what it stored has ids of its own here
        await self.rows.delete_many({"tenant": TENANT, "upload": one["id"]})
        await HousekeepingRows(self.database, self.process.claims).remove(ref)

    async def make(self) -> None:
        process = self.process
        if self.random.random() < 0.5:
            process.maker.meanwhile = self.random.choice(
                [self.insert, self.change, self.delete, self.make_by_other]
            )
        await process.making.cover(TENANT, SPAN)

    async def make_by_other(self) -> None:
        for process in self.processes:
            if process.maker.meanwhile is None:
                await process.making.cover(TENANT, SPAN)
                return

    async def quiet(self) -> None:
        """End idle claims, and after a long time those of the dead."""
        for process in self.processes:
            await process.claims.once(idle_seconds=-1)
        self.clock.advance(seconds=(TERM + GRACE).total_seconds() + 1)
        await self.process.claims.sweep()

    async def check(self) -> None:
        """Compare everything with all runs, looked at one by one."""
        hidden = await self.uploads.hidden_cycles(TENANT)
        runs = await self.rows.find().sort("id", 1).to_list(None)
        shown = [r for r in runs if r["cycle"] not in hidden]
        (known,) = await self.process.segments.look(TENANT, [SPAN])
        self.most = max(self.most, len(known.summaries))
        for _ in range(2):
            wanted = self.filter(runs)
            found = [r["id"] for r in _found(shown, wanted)]
            start, most = self.random.randrange(len(found) + 2), self.random.randint(1, 9)
            executions = self.process.executions
            total, page = await executions.page(
                TENANT, wanted, Hidden(self.uploads, TENANT), OffsetPage(start, most)
            )
            assert total == len(found), wanted
            assert [r["id"] for r in page] == found[start : start + most], wanted
            at = self.random.choice(runs)["id"] if runs and start else 0
            walked = await executions.walk(
                TENANT, wanted, Hidden(self.uploads, TENANT), CursorPage(at, most)
            )
            assert [r["id"] for r in walked] == [i for i in found if i >= at][: most + 1], wanted

    def filter(self, runs: Sequence[dict[str, Any]]) -> ExecutionFilter:
        pick, chance = self.random.choice, self.random.random
        moments = [None, None, *(START + timedelta(minutes=m) for m in (5, 20, 40))]
        return ExecutionFilter(
            {PROJECT},
            cycle=pick(runs)["cycle"] if runs and chance() < 0.2 else None,
            case=pick(CASES) if chance() < 0.1 else None,
            jira_version=pick(VERSIONS) if chance() < 0.4 else None,
            ended_after=pick(moments),
            ended_before=pick(moments),
            only_last=chance() < 0.6,
        )


def _found(runs: Sequence[dict[str, Any]], wanted: ExecutionFilter) -> list[dict[str, Any]]:
    newest = {(r["cycle"], r["case"]): r["id"] for r in runs}
    return [
        r
        for r in runs
        if (wanted.cycle is None or r["cycle"] == wanted.cycle)
        and (wanted.case is None or r["case"] == wanted.case)
        and (wanted.jira_version is None or r["jira_version"] == wanted.jira_version)
        and (wanted.ended_after is None or r["end"] > wanted.ended_after)
        and (wanted.ended_before is None or r["end"] < wanted.ended_before)
        and (not wanted.only_last or r["cycle"] is None or newest[r["cycle"], r["case"]] == r["id"])
    ]


def _request() -> UploadRequest:
    return UploadRequest(
        tenant=TENANT,
        account_id=None,
        project=ProjectState(id=PROJECT, jira_project_id=1, key="DEMO", enabled=True),
        format=Format.JUNIT,
        create_cases=False,
        cycle=CycleInput(),
        file=ReceivedFile(lambda: iter(()), None),
        url_path="/",
        user_agent=None,
    )


async def test_a_case_has_one_last_run_wherever_its_runs_are(database: Database) -> None:
    await ensure_indexes(database, INDEXES)
    scene, wanted = Scene(database, 0), ExecutionFilter({PROJECT}, only_last=True)
    process = scene.processes[0]
    for number in (1, 10_000):
        run = scene.run(public_id(PROJECT, number), cycle=1) | {"case": 1}
        async with process.claims.writing(TENANT, [run["id"]]):
            await scene.rows.insert_one(run)
        await process.claims.once(idle_seconds=-1)
        await process.making.cover(TENANT, SPAN)
        for other in scene.processes:
            total, page = await other.executions.page(
                TENANT, wanted, Hidden(scene.uploads, TENANT), OffsetPage(0, 9)
            )
            assert (total, [r["id"] for r in page]) == (1, [run["id"]])
    (known,) = await process.segments.look(TENANT, [SPAN])
    assert len(known.summaries) == 1, "the older run's was void, the newer one has its own"
    await process.making.cover(TENANT, SPAN)
    (known,) = await process.segments.look(TENANT, [SPAN])
    assert len(known.summaries) == 2
    hidden = Hidden(scene.uploads, TENANT)
    assert (await process.executions.page(TENANT, wanted, hidden, OffsetPage(0, 9)))[0] == 1


async def test_a_page_is_where_it_is_after_a_write_that_was_not_seen(database: Database) -> None:
    await ensure_indexes(database, INDEXES)
    scene, wanted = Scene(database, 0), ExecutionFilter({PROJECT})
    reader, writer = scene.processes
    runs = [scene.run(public_id(PROJECT, n), None) for n in (1, 2, 3, 5_001, 5_002, 10_001)]
    await scene.rows.insert_many(runs)
    await reader.making.cover(TENANT, SPAN)

    async def page() -> tuple[int, list[int]]:
        hidden = Hidden(scene.uploads, TENANT)
        total, rows = await reader.executions.page(TENANT, wanted, hidden, OffsetPage(3, 1))
        return total, [r["id"] for r in rows]

    assert await page() == (6, [public_id(PROJECT, 5_001)])
    async with writer.claims.writing(TENANT, [runs[0]["id"]]):
        await scene.rows.delete_one({"_id": runs[0]["_id"]})
    await writer.claims.once(idle_seconds=-1)
    await writer.making.cover(TENANT, SPAN)
    assert await page() == (5, [public_id(PROJECT, 5_002)])


async def test_what_changed_is_found_among_much_that_did_not(database: Database) -> None:
    await ensure_indexes(database, INDEXES)
    scene = Scene(database, 0)
    process = scene.processes[0]
    runs = [
        scene.run(public_id(PROJECT, n), cycle=n % 3) | {"updated_on": START + timedelta(minutes=n)}
        for n in [*range(1, 40), *range(5_001, 5_040), *range(10_001, 10_040)]
    ]
    scene.random.shuffle(runs)
    await scene.rows.insert_many(runs)
    await process.making.cover(TENANT, SPAN)
    await scene.rows.insert_one(scene.run(public_id(PROJECT, 20_000), 1) | {"updated_on": START})
    for after, cycle in ((20, None), (20, 1), (5_030, None), (5_030, 2), (10_039, None)):
        moment = START + timedelta(minutes=after)
        wanted = ExecutionFilter({PROJECT}, cycle=cycle, updated_after=moment)
        expected = sorted(
            r["id"] for r in runs if r["updated_on"] > moment and cycle in {None, r["cycle"]}
        )
        start, hidden = (expected[3] if expected else 0), Hidden(scene.uploads, TENANT)
        found = await process.totals.walk(TENANT, wanted, hidden, start, 30)
        assert [r["id"] for r in found] == expected[3:33]


@pytest.mark.parametrize("seed", range(2))
async def test_totals_are_true_whatever_happens(database: Database, seed: int) -> None:
    await _play(database, seed, steps=40)


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(2, 5))
async def test_totals_are_true_for_long(database: Database, seed: int) -> None:
    scene = await _play(database, seed, steps=150)
    assert scene.most > 2, "little was summarised, so little was tried"


async def _play(database: Database, seed: int, steps: int) -> Scene:
    await ensure_indexes(database, INDEXES)
    scene = Scene(database, seed)
    kinds: list[Step] = [
        *[scene.insert] * 4,
        *[scene.upload] * 6,
        *[scene.make] * 3,
        *[scene.quiet] * 2,
        scene.change,
        scene.delete,
        scene.insert_late,
        scene.insert_and_die,
        scene.insert_unasked,
    ]
    for _ in range(steps):
        await scene.random.choice(kinds)()
        await scene.check()
    return scene
