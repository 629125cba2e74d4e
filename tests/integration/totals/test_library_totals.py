"""Totals and pages of cases and folders tell the truth whatever happens, and after any kill."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from contracts.ids import project_of, project_range, public_id
from contracts.transfer import Aside
from kit.http.pages import OffsetPage
from kit.ids import SystemIds
from kit.jobs.rows import JobRows
from kit.leases import Lease
from kit.mongo import Database, Document, connect, ensure_indexes
from kit.segments.claims import GRACE, TERM, Claims
from kit.segments.known import Known, Segments
from kit.segments.making import Making
from kit.segments.ranges import Range
from kit.segments.summaries import StoredSummary, Summaries
from services.testcases.adapters.mongo import folders, testcases
from services.testcases.adapters.mongo.caseshelves import CaseShelfRows
from services.testcases.adapters.mongo.customfields import CustomFieldRepository
from services.testcases.adapters.mongo.folders import FolderRepository
from services.testcases.adapters.mongo.foldershelves import FolderShelfRows
from services.testcases.adapters.mongo.librarywrites import LibraryWrites
from services.testcases.adapters.mongo.options import OptionRepository
from services.testcases.adapters.mongo.pending import Pending
from services.testcases.adapters.mongo.provisional import ProvisionalRepository
from services.testcases.adapters.mongo.testcases import TestCaseRepository
from services.testcases.adapters.mongo.totals import Totals
from services.testcases.adapters.mongo.totalsummaries import Counted, ShownSummaries
from services.testcases.domain.folders import Folder, FolderType
from services.testcases.domain.removals import CaseThing, Contents, FolderThing
from services.testcases.domain.scripts import empty_script
from services.testcases.domain.testcases import TestCase
from services.testcases.main import INDEXES
from services.testcases.usecases.provisional import Provisional
from services.testcases.usecases.testcases import CaseFilter
from services.testcases.usecases.transfer.ports import WholeCase, WholeFolder
from tests.harness.backends import Backends
from tests.harness.fakes import START, ManualClock

IDS = SystemIds()
NAME = f"totals_{IDS.token(8)}".lower()
KINDS = (testcases.COUNTED, folders.COUNTED)
PROJECTS = (7, 8)
FIRST = project_range(PROJECTS[0])

Step = Callable[[], Awaitable[None]]


class Maker(ShownSummaries):
    """Lets something happen between its look at the documents and its answer."""

    meanwhile: Step | None = None

    async def make(self, tenant: str, known: Known, segments: Sequence[int]) -> list[StoredSummary]:
        found = await super().make(tenant, known, segments)
        step, self.meanwhile = self.meanwhile, None
        if step is not None:
            await step()
        return found


class Counter:
    """What one process has of its own to count one kind of things."""

    def __init__(self, database: Database, counted: Counted, clock: ManualClock) -> None:
        rows, summaries = database[counted.collection], Summaries(database, counted.summaries)
        blocks = counted.blocks
        self.claims = Claims(database, clock, IDS, blocks=blocks)
        self.segments = Segments(database, summaries, blocks=blocks)
        self.maker = Maker(rows, counted)
        turn = Lease(database["leases"], IDS.token(), "me", timedelta(seconds=1), clock)
        scope = counted.scope
        self.making = Making(
            database,
            rows,
            self.segments,
            summaries,
            self.claims,
            self.maker,
            turn,
            blocks=blocks,
            scope=scope,
        )
        self.asked: list[tuple[str, Range]] = []
        ask = self.asked
        self.totals = Totals(
            database, counted, self.claims, self.segments, lambda *what: ask.append(what)
        )


class Process:
    """The repositories of one process."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        pending, jobs = Pending(clock, IDS), JobRows(database)
        self.counters = [Counter(database, counted, clock) for counted in KINDS]
        cases, found = (counter.totals for counter in self.counters)
        self.cases = TestCaseRepository(database, pending, cases)
        self.uploads = ProvisionalRepository(database, pending, cases)
        self.shelves = CaseShelfRows(database, pending, cases, jobs)
        self.folders = FolderRepository(database, pending, found)
        self.folder_shelves = FolderShelfRows(database, pending, found, jobs)
        options = OptionRepository(database, pending)
        fields = CustomFieldRepository(database, pending)
        self.imports = LibraryWrites(database, pending, options, fields, self.folders, cases)


class Scene:
    """A tenant with two projects; numbers lie apart, so that a few things fill many segments."""

    def __init__(self, database: Database, chance: random.Random) -> None:
        self.database, self.random = database, chance
        self.tenant = f"t{IDS.token(8)}".lower()
        self.clock = ManualClock(START)
        self.processes = [Process(database, self.clock) for _ in range(2)]
        self.numbers = dict.fromkeys(PROJECTS, 0)
        self.uploads: set[str] = set()
        self.most = 0
        """Summaries that were valid at once."""

    @property
    def process(self) -> Process:
        """Any."""
        return self.random.choice(self.processes)

    def reserve(self) -> int:
        project = self.random.choice(PROJECTS)
        self.numbers[project] += self.random.choice([1, 1, 1, 2, 900, 5000])
        return public_id(project, self.numbers[project])

    def case(self, ident: int) -> TestCase:
        at = self.clock.now()
        return TestCase(ident, project_of(ident), f"c{ident}", 1, ident, 1, 1, at, at)

    def folder(self, ident: int) -> Folder:
        kind = self.random.choice(list(FolderType))
        return Folder(ident, project_of(ident), kind, f"f{ident}", 0)

    async def create(self) -> None:
        ids = sorted({self.reserve() for _ in range(self.random.randint(1, 4))})
        made = [(self.case(ident), empty_script(ident), None) for ident in ids]
        assert await self.process.cases.insert(self.tenant, made) == ids

    async def create_late(self) -> None:
        """An id that was reserved long before it is used."""
        case = self.case(self.reserve())
        await self.create()
        await self.quiet()
        await self.make()
        await self.process.cases.insert(self.tenant, [(case, empty_script(case.id), None)])

    async def upload(self) -> None:
        """Hold some new cases, or let an upload end."""
        if self.uploads and self.random.random() < 0.5:
            ident = self.random.choice(sorted(self.uploads))
            self.uploads.remove(ident)
            uploads = self.process.uploads
            end = uploads.accept if self.random.random() < 0.7 else uploads.discard
            await end(self.tenant, ident)
            return
        ident = IDS.token()
        self.uploads.add(ident)
        ids = {self.reserve() for _ in range(self.random.randint(1, 3))}
        made = [Provisional(self.case(i), empty_script(i)) for i in ids]
        assert not await self.process.uploads.insert(self.tenant, ident, made)

    async def remove(self) -> None:
        """Archive, restore or delete a case."""
        shelves = self.process.shelves
        thing = await shelves.thing(self.tenant, await self._some("testcases"))
        if thing is None:
            return
        now = self.clock.now()
        if self.random.random() < 0.3:
            assert await shelves.delete(self.tenant, thing, now)
        elif thing.archived:
            assert await shelves.restore(self.tenant, thing, None, now)
        else:
            assert await shelves.archive(self.tenant, thing, now)

    async def bring(self) -> None:
        """Import cases and folders, of which some are archived."""
        ids = sorted({self.reserve() for _ in range(self.random.randint(1, 4))})
        aside = [self.random.choice([None, Aside.ITSELF]) for _ in ids]
        cases = [
            WholeCase(self.case(i), empty_script(i), a) for i, a in zip(ids, aside, strict=True)
        ]
        found = [WholeFolder(self.folder(i), a) for i, a in zip(ids, aside, strict=True)]
        ident, imports = IDS.token(), self.process.imports
        await imports.folders(self.tenant, found, ident)
        await imports.cases(self.tenant, cases, ident)
        await imports.cases(self.tenant, cases, ident)  # the same import, gone on with

    async def create_folder(self) -> None:
        await self.process.folders.insert(self.tenant, self.folder(self.reserve()))

    async def remove_folder(self) -> None:
        shelves = self.process.folder_shelves
        thing = await shelves.thing(self.tenant, await self._some("folders"))
        if thing is None:
            return
        now = self.clock.now()
        if self.random.random() < 0.3:
            assert await shelves.delete(self.tenant, thing, Contents.MOVE, now)
        elif thing.archived:
            assert await shelves.restore(self.tenant, thing, None, now)
        else:
            assert await shelves.archive(self.tenant, thing, now)

    async def die(self) -> None:
        """Be killed between a claim and its end, before or after the write."""
        at = self.random.randrange(len(self.processes))
        ident, dying = self.reserve(), self.processes[at]
        case = self.case(ident)
        claimed = AsyncExitStack()
        await claimed.enter_async_context(dying.counters[0].totals.writing(self.tenant, [ident]))
        if self.random.random() < 0.7:
            row = testcases.document(
                f"{self.tenant}/{ident}", self.tenant, case, empty_script(ident)
            )
            await self.database["testcases"].insert_one({**row, "visible": True})
        claimed.pop_all()
        self.processes[at] = Process(self.database, self.clock)

    async def make(self) -> None:
        await self.idle()
        for counter in self.process.counters:
            if self.random.random() < 0.5:
                counter.maker.meanwhile = self.random.choice(
                    [self.create, self.upload, self.remove, self.remove_folder]
                )
            for project in PROJECTS:
                await counter.making.cover(self.tenant, project_range(project))
            counter.maker.meanwhile = None

    async def idle(self) -> None:
        """End claims that nobody writes under."""
        for process in self.processes:
            for counter in process.counters:
                await counter.claims.once(idle_seconds=-1)

    async def quiet(self) -> None:
        """End those of the dead, too, which takes a long time."""
        await self.idle()
        self.clock.advance(seconds=(TERM + GRACE).total_seconds() + 1)
        for counter in self.process.counters:
            await counter.claims.sweep()

    async def check(self) -> None:
        """Compare with all documents, looked at one by one."""
        process, projects = self.process, self.random.choice([PROJECTS[:1], PROJECTS])
        shown = {"tenant": self.tenant, "project": {"$in": list(projects)}}
        rows = await self.database["testcases"].find({**shown, "visible": True}).to_list(None)
        page = self._page(len(rows))
        total, cases = await process.cases.page(self.tenant, CaseFilter(projects), page)
        _same(total, [case.id for case in cases], rows, page)
        every = await self.database["folders"].find(shown).to_list(None)
        for kind in (None, self.random.choice(list(FolderType))):
            rows = [row for row in every if kind is None or row["type"] == kind.value]
            page = self._page(len(rows))
            total, found = await process.folders.page(self.tenant, projects, kind, page)
            _same(total, [folder.id for folder in found], rows, page)
        spans = [project_range(project) for project in PROJECTS]
        known = await process.counters[0].segments.look(self.tenant, spans)
        self.most = max(self.most, sum(len(one.summaries) for one in known))

    def _page(self, total: int) -> OffsetPage:
        start = self.random.choice([0, self.random.randrange(total + 2)])
        return OffsetPage(start, self.random.randint(1, 9))

    async def _some(self, collection: str) -> int:
        names = [self.tenant, f"{self.tenant}~archived"]
        rows = await self.database[collection].find({"tenant": {"$in": names}}).to_list(None)
        ids: list[int] = [row["id"] for row in rows]
        return self.random.choice(ids or [0])


def _same(total: int, found: Sequence[int], rows: Sequence[Document], page: OffsetPage) -> None:
    ids = sorted(row["id"] for row in rows)
    assert total == len(ids)
    assert list(found) == ids[page.start_at : page.start_at + page.max_results]


STEPS = ["create"] * 3 + ["upload"] * 3 + ["make"] * 3 + ["quiet"] * 2
STEPS += ["create_late", "remove", "remove", "bring", "create_folder", "remove_folder", "die"]
HISTORIES = st.tuples(st.lists(st.sampled_from(STEPS), min_size=15, max_size=25), st.integers())
CHECKS = settings(
    phases=[Phase.generate],  # shrinking takes minutes
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


async def _summed_up(scene: Scene) -> None:
    """Let everything have a summary that is valid."""
    await scene.idle()
    for counter in scene.processes[0].counters:
        await counter.making.cover(scene.tenant, FIRST)
        for process in scene.processes:
            (known,) = await process.counters[0].segments.look(scene.tenant, [FIRST])
            assert known.summaries


async def _archive(scene: Scene) -> None:
    shelves, thing = await _case(scene)
    assert await shelves.archive(scene.tenant, thing, START)


async def _restore(scene: Scene) -> None:
    shelves, thing = await _case(scene)
    assert await shelves.restore(scene.tenant, thing, None, START)


async def _delete(scene: Scene) -> None:
    shelves, thing = await _case(scene)
    assert await shelves.delete(scene.tenant, thing, START)


async def _case(scene: Scene) -> tuple[CaseShelfRows, CaseThing]:
    shelves = scene.processes[0].shelves
    thing = await shelves.thing(scene.tenant, _id(1))
    assert thing is not None
    return shelves, thing


async def _folder(scene: Scene) -> tuple[FolderShelfRows, FolderThing]:
    shelves = scene.processes[0].folder_shelves
    thing = await shelves.thing(scene.tenant, _id(1))
    assert thing is not None
    return shelves, thing


async def _archive_folder(scene: Scene) -> None:
    shelves, thing = await _folder(scene)
    assert await shelves.archive(scene.tenant, thing, START)


async def _restore_folder(scene: Scene) -> None:
    shelves, thing = await _folder(scene)
    assert await shelves.restore(scene.tenant, thing, None, START)


async def _delete_folder(scene: Scene) -> None:
    shelves, thing = await _folder(scene)
    assert await shelves.delete(scene.tenant, thing, Contents.MOVE, START)


async def _create(scene: Scene) -> None:
    made = [(scene.case(_id(2)), empty_script(_id(2)), None)]
    assert await scene.processes[0].cases.insert(scene.tenant, made) == [_id(2)]


async def _accept(scene: Scene) -> None:
    held = [Provisional(scene.case(_id(3)), empty_script(_id(3)))]
    await scene.processes[0].uploads.insert(scene.tenant, "up", held)
    await _summed_up(scene)
    await scene.processes[0].uploads.accept(scene.tenant, "up")


async def _import(scene: Scene) -> None:
    brought = [WholeCase(scene.case(_id(4)), empty_script(_id(4)))]
    await scene.processes[0].imports.cases(scene.tenant, brought, "in")


async def _create_folder(scene: Scene) -> None:
    await scene.processes[0].folders.insert(scene.tenant, scene.folder(_id(2)))


async def _import_folder(scene: Scene) -> None:
    brought = [WholeFolder(scene.folder(_id(4)))]
    await scene.processes[0].imports.folders(scene.tenant, brought, "in")


def _id(number: int) -> int:
    return public_id(PROJECTS[0], number)


WRITES = (
    *(_create, _accept, _import, _archive, _restore, _delete),
    *(_create_folder, _import_folder, _archive_folder, _restore_folder, _delete_folder),
)


async def test_every_write_makes_void_what_was_summed_up_before(database: Database) -> None:
    await ensure_indexes(database, INDEXES)
    scene = Scene(database, random.Random(1))
    cases = [(scene.case(_id(n)), empty_script(_id(n)), None) for n in (1, 9)]
    await scene.processes[0].cases.insert(scene.tenant, cases)
    for number in (1, 9):
        await scene.processes[0].folders.insert(scene.tenant, scene.folder(_id(number)))
    for write in WRITES:
        await _summed_up(scene)
        await write(scene)
        for _ in range(2):
            await scene.check()
            await scene.idle()


async def test_pages_over_many_projects_are_counted_together(database: Database) -> None:
    await ensure_indexes(database, INDEXES)
    scene, projects = Scene(database, random.Random(1)), range(7, 27)
    writer, reader = scene.processes
    ids = [public_id(project, n) for project in projects for n in (1, 2, 5_000)]
    for project in projects:
        made = [(scene.case(i), empty_script(i), None) for i in ids if project_of(i) == project]
        await writer.cases.insert(scene.tenant, made)
    for project in (*projects[3:9], *projects[11:13]):
        await scene.idle()
        await writer.counters[0].making.cover(scene.tenant, project_range(project))
    # between what is summed up, and after it
    late = [public_id(8, 3), public_id(12, 6_000), public_id(18, 9_000)]
    await writer.cases.insert(scene.tenant, [(scene.case(i), empty_script(i), None) for i in late])
    ids = sorted([*ids, *late])
    for some in (projects, projects[:12], projects[4:6]):
        shown = [i for i in ids if project_of(i) in some]
        for start in (0, 1, 2, 10, len(shown) - 3, len(shown)):
            wanted, page = CaseFilter(some), OffsetPage(start, 7)
            total, found = await reader.cases.page(scene.tenant, wanted, page)
            assert (total, [c.id for c in found]) == (len(shown), shown[start : start + 7])


def _played(servers: Backends, checks: settings) -> int:
    """Play histories; return how many summaries were valid at once, at most."""
    most = 0

    async def play(steps: Sequence[str], seed: int) -> int:
        async with connect(servers.mongodb, NAME) as database:
            scene = Scene(database, random.Random(seed))
            for step in steps:
                await getattr(scene, step)()
                await scene.check()
            return scene.most

    async def begin() -> None:
        async with connect(servers.mongodb, NAME) as database:
            await ensure_indexes(database, INDEXES)

    async def drop() -> None:
        async with connect(servers.mongodb, NAME) as database:
            await database.client.drop_database(NAME)

    with asyncio.Runner() as runner:

        @checks
        @given(HISTORIES)
        def every(history: tuple[Sequence[str], int]) -> None:
            nonlocal most
            most = max(most, runner.run(play(*history)))

        runner.run(begin())
        try:
            every()
        finally:
            runner.run(drop())
    return most


def test_totals_are_true_whatever_happens(servers: Backends) -> None:
    _played(servers, settings(CHECKS, max_examples=2))


@pytest.mark.long
@pytest.mark.timeout(300)
def test_totals_are_true_for_long(servers: Backends) -> None:
    most = _played(servers, settings(CHECKS, max_examples=30))
    assert most > 3, "little was summarised, so little was tried"
