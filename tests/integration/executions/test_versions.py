"""Versions that Jira deleted or merged, in stored cycles and executions and in those to come."""

import asyncio
import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.envelope import Event
from contracts.ids import public_id
from contracts.jira import JiraAction, JiraChange, JiraEntity
from contracts.topics import JIRA_CHANGE
from kit.directory import copy as directory_copy
from kit.ids import SystemIds
from kit.kafka.records import Record, encode
from kit.mongo import Database, ensure_indexes
from kit.segments.claims import Claims
from services.executions.adapters.mongo import deletedissues, versions
from services.executions.adapters.mongo import testcycles as cycles
from services.executions.adapters.mongo import testexecutions as executions
from services.executions.consumers.jira_changes import JiraChangesConsumer
from services.executions.main import INDEXES
from services.executions.usecases.deletedissues import DeletedIssues
from services.executions.usecases.versions import Versions
from tests.harness.fakes import START, ManualClock

TENANT, OTHER = "ten1", "ten2"
PROJECT, SECOND = 7, 8
JIRA = {PROJECT: 10000, SECOND: 10001}
LATER = START + timedelta(hours=1)


class Scene:
    def __init__(self, database: Database) -> None:
        self.database = database
        rows = versions.RemovedVersions(database)
        clock = ManualClock(LATER)
        self.claims = Claims(database, clock, SystemIds())
        replacer = versions.VersionReplacer(database, self.claims)
        issues = DeletedIssues(deletedissues.DeletedIssueNotes(database), [], clock)
        self.consumer = JiraChangesConsumer(Versions(rows, replacer, clock), issues)
        self._offsets = itertools.count()

    async def execution(self, number: int, version: int | None, **other: Any) -> str:
        """Store one the way the recording does."""
        tenant, project = other.get("tenant", TENANT), other.get("project", PROJECT)
        row = {
            "_id": f"{tenant}/up{project}/{number}",
            "tenant": tenant,
            "id": public_id(project, number),
            "project": project,
            "cycle": None,
            "case": 1,
            "upload": f"up{project}",
            "jira_version": version,
            "updated_on": START,
        }
        writer = executions.ExecutionWriter(self.database, self.claims)
        await writer.insert([row], repeated=False)
        return str(row["_id"])

    async def cycle(self, number: int, version: int | None, tenant: str = TENANT) -> str:
        found: Any = {
            "_id": f"{tenant}/{public_id(PROJECT, number)}",
            "tenant": tenant,
            "id": public_id(PROJECT, number),
            "project": PROJECT,
            "jira_version": version,
            "updated_on": START,
            "rev": 1,
        }
        await cycles.TestCycleRepository(self.database).insert(found)
        return str(found["_id"])

    def record(self, version: int, into: int | None = None, **other: Any) -> Record:
        change = JiraChange(
            entity=JiraEntity.VERSION,
            action=other.get("action", JiraAction.DELETED),
            id=str(version),
            at=START,
            project=other.get("jira_project", JIRA[PROJECT]),
            merged_into=into,
        )
        tenant = other.get("tenant", TENANT)
        event = Event[JiraChange](
            id=f"e{next(self._offsets)}",
            source="ostro/tenancy",
            type=JIRA_CHANGE.type,
            subject=f"version/{version}",
            time=START,
            tenantid=tenant,
            data=change,
        )
        key = f"{tenant}/version/{version}".encode()
        return Record(JIRA_CHANGE, 0, next(self._offsets), key, encode(event), {}, 0)

    async def tell(self, *records: Record) -> None:
        assert list(await self.consumer.handle(records)) == []

    async def versions(self, collection: str = executions.COLLECTION) -> dict[str, int | None]:
        rows = await self.database[collection].find({}).to_list(None)
        return {r["_id"]: r["jira_version"] for r in rows}


@pytest.fixture
async def scene(database: Database) -> Scene:
    await ensure_indexes(database, INDEXES)
    await database[directory_copy.PROJECTS].insert_many(
        [
            {"_id": f"{t}/{p}", "tenant": t, "id": p, "jira_project_id": j, "seq": 1}
            for t in (TENANT, OTHER)
            for p, j in JIRA.items()
        ]
    )
    return Scene(database)


async def test_a_deleted_version_disappears_where_it_was(scene: Scene) -> None:
    gone = await scene.execution(1, 50)
    cycle = await scene.cycle(9, 50)
    kept = {
        await scene.execution(2, 51): 51,
        await scene.execution(3, None): None,
        await scene.execution(4, 50, tenant=OTHER): 50,
        await scene.execution(5, 50, project=SECOND): 50,
    }
    other_cycle = await scene.cycle(10, 50, OTHER)
    await scene.tell(scene.record(50))
    assert await scene.versions() == {gone: None, **kept}
    assert await scene.versions(cycles.COLLECTION) == {cycle: None, other_cycle: 50}
    row = await scene.database[cycles.COLLECTION].find_one({"_id": cycle})
    assert row is not None
    # pollers with updatedAfter see it, and whoever read the cycle before does not overwrite it
    assert (row["updated_on"], row["rev"]) == (LATER, 2)
    run = await scene.database[executions.COLLECTION].find_one({"_id": gone})
    assert run is not None
    assert run["updated_on"] == LATER


async def test_repeats_change_nothing_more(scene: Scene) -> None:
    cycle = await scene.cycle(9, 50)
    for _ in range(3):
        await scene.tell(scene.record(50, 51), scene.record(50, 51))
    row = await scene.database[cycles.COLLECTION].find_one({"_id": cycle})
    assert row is not None
    assert (row["jira_version"], row["rev"]) == (51, 2)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_merges_and_deletions_in_any_order(scene: Scene, order: Sequence[int]) -> None:
    documents = [await scene.execution(n, v) for n, v in enumerate((50, 51, 52, 53), start=1)]
    records = [scene.record(50, 51), scene.record(51, 52), scene.record(52)]
    for number in order:
        await scene.tell(records[number])
    assert await scene.versions() == dict(zip(documents, (None, None, None, 53), strict=True))


async def test_merges_that_go_round_end(scene: Scene) -> None:
    gone = await scene.execution(1, 50)
    await scene.tell(scene.record(50, 51), scene.record(51, 50))
    assert await scene.versions() == {gone: None}


async def test_what_is_stored_later_does_not_bring_it_back(scene: Scene) -> None:
    await scene.tell(scene.record(50), scene.record(60, 61))
    documents = {
        await scene.execution(1, 50): None,
        await scene.execution(2, 60): 61,
        await scene.execution(3, 62): 62,
        await scene.execution(4, 50, tenant=OTHER): 50,
    }
    assert await scene.versions() == documents
    assert await scene.versions(cycles.COLLECTION) == {}
    cycle = await scene.cycle(9, 60)
    assert await scene.versions(cycles.COLLECTION) == {cycle: 61}


async def test_storing_and_deleting_at_the_same_time(scene: Scene) -> None:
    for version in range(100, 120):
        await asyncio.gather(scene.execution(version, version), scene.tell(scene.record(version)))
    assert set((await scene.versions()).values()) == {None}


async def test_many_documents_in_windows(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "_WINDOW", 3)
    for number in range(1, 12):
        await scene.execution(number, 50 if number % 2 else 51)
    await scene.tell(scene.record(50))
    assert list((await scene.versions()).values()).count(None) == 6
    assert list((await scene.versions()).values()).count(51) == 5


@pytest.mark.parametrize(
    "changed", [{"action": JiraAction.UPDATED}, {"jira_project": 99}, {"tenant": "nobody"}]
)
async def test_what_is_of_no_concern(scene: Scene, changed: dict[str, Any]) -> None:
    kept = await scene.execution(1, 50)
    await scene.tell(scene.record(50, **changed))
    assert await scene.versions() == {kept: 50}


async def test_a_version_without_its_project_is_looked_for_everywhere(scene: Scene) -> None:
    found = {await scene.execution(1, 50), await scene.execution(2, 50, project=SECOND)}
    await scene.tell(scene.record(50, jira_project=None))
    assert await scene.versions() == dict.fromkeys(found)


async def test_records_that_cannot_be_read(scene: Scene) -> None:
    good = scene.record(50)
    broken = Record(JIRA_CHANGE, 0, 1, b"ten1/version/1", b"{", {}, 0)
    odd = scene.record(50)
    assert odd.value is not None
    named = Record(JIRA_CHANGE, 0, 2, odd.key, odd.value.replace(b'"50"', b'"x"'), {}, 0)
    huge = Record(JIRA_CHANGE, 0, 3, odd.key, odd.value.replace(b'"50"', b'"%d"' % 2**63), {}, 0)
    of_users = Record(JIRA_CHANGE, 0, 4, b"ten1/user/1", b"{", {}, 0)
    poison = await scene.consumer.handle([broken, named, huge, of_users, good])
    assert [p.record for p in poison] == [broken, named, huge]
    now = datetime.now(UTC)
    row = await scene.database[versions.COLLECTION].find_one({"_id": "ten1/50"})
    assert row is not None
    assert row["at"] == LATER != now
