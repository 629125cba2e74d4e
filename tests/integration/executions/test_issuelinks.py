"""From an issue to cycles and executions, and what a deleted issue leaves behind: nothing."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from contracts.ids import public_id
from contracts.jira import JiraAction, JiraEntity
from contracts.topics import JIRA_CHANGE
from kit.auth.principal import Scope
from kit.clock import SystemClock
from kit.ids import SystemIds
from kit.kafka.client import Names
from kit.kafka.producer import Publisher
from kit.kafka.records import Outgoing, Record, outgoing
from kit.segments.claims import Claims
from services.executions.adapters.mongo import deletedissues, versions
from services.executions.adapters.mongo import links as link_rows
from services.executions.consumers.jira_changes import JiraChangesConsumer
from services.executions.domain.links import Holder
from services.executions.usecases.deletedissues import DeletedIssues
from services.executions.usecases.versions import Versions
from tests.harness.jira_issues import nothing
from tests.harness.polling import eventually
from tests.integration.executions.linking import House, Linked, fault
from tests.integration.testcases.linking import records, told

KINDS = ("testcycles", "executions")


@pytest.fixture
def consumer(house: House) -> JiraChangesConsumer:
    database, clock = house.database, SystemClock()
    claims = Claims(database, clock, SystemIds())
    rows = [
        link_rows.LinkRepository(database[name], holder, claims)
        for name, holder in (
            ("test_cycles", Holder.TEST_CYCLE),
            ("test_plans", Holder.TEST_PLAN),
            ("test_executions", Holder.TEST_EXECUTION),
        )
    ]
    issues = DeletedIssues(deletedissues.DeletedIssueNotes(database), rows, clock)
    removed = versions.RemovedVersions(database)
    replacer = versions.VersionReplacer(database, claims)
    return JiraChangesConsumer(Versions(removed, replacer, clock), issues)


async def issues_of(linked: Linked, key: str, run: int) -> tuple[list[int], list[int]]:
    """Read which issues a cycle and an execution are linked to."""
    both = (await linked.of_cycle(key), await linked.of_execution(run))
    cycle, execution = ([link["issueId"] for link in found["issues"]] for found in both)
    return cycle, execution


async def test_what_is_linked_to_an_issue(linked: Linked) -> None:
    first, (one, two) = await linked.upload()
    second, (three, _) = await linked.upload()
    for cycle in (second, first):
        await linked.cycle_issue(cycle)
    for run in (three, one, one):
        await linked.execution_issue(run)
    await linked.execution_issue(two, 10002)
    cycles = [(await linked.http.get(f"/testcycles/{key}")).json()["id"] for key in (first, second)]
    for key in ("DEMO-10001", "demo-10001"):
        assert await linked.to_issue("testcycles", key) == sorted(cycles)
        # twice linked and once in the list
        assert await linked.to_issue("executions", key) == sorted([one, three])
    assert await linked.to_issue("testcycles", "DEMO-10002") == []
    assert await linked.to_issue("executions", "DEMO-10002") == [two]
    for kind, path in (("testcycles", "testcycles"), ("executions", "testexecutions")):
        for found in (await linked.http.get(f"/issuelinks/DEMO-10001/{kind}")).json():
            assert found["self"].endswith(f"/v2/{path}/{found['id']}")
            assert (await linked.http.get(f"/{path}/{found['id']}")).status_code == 200


async def test_the_key_is_asked_for_each_time_and_kept_nowhere(linked: Linked) -> None:
    key, (run, _) = await linked.upload()
    await linked.cycle_issue(key)
    await linked.execution_issue(run)
    linked.house.jira.of[linked.tenant][10001] = "MOVED-77"
    for kind in KINDS:
        assert len(await linked.to_issue(kind, "MOVED-77")) == 1
        assert fault(await linked.http.get(f"/issuelinks/DEMO-10001/{kind}"))[0] == 404
    database = linked.house.database
    for name in await database.list_collection_names():
        for row in await database[name].find({"tenant": linked.tenant}).to_list(None):
            assert "MOVED-77" not in str(row)
            assert "DEMO-10001" not in str(row)


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_no_issue(linked: Linked, kind: str) -> None:
    for key, status in (("DEMO-99999", 404), ("NOPE-1", 404), ("DEMO", 400), ("DEMO-", 400)):
        assert fault(await linked.http.get(f"/issuelinks/{key}/{kind}"))[0] == status


async def test_only_what_may_be_viewed_is_listed(linked: Linked) -> None:
    key, (run, _) = await linked.upload()
    await linked.cycle_issue(key)
    await linked.execution_issue(run)
    other = await linked.house.world.project(linked.tenant, "OTHER")
    for claims in ({"projects": [other.id]}, {"scopes": [Scope.WRITE]}):
        limited = await linked.as_(**claims)
        for kind in KINDS:
            answer = await limited.http.get(f"/issuelinks/DEMO-10001/{kind}")
            assert answer.status_code == (403 if "scopes" in claims else 200)
            assert answer.status_code == 403 or answer.json() == []
    await linked.permit()
    await linked.until("/testcycles", 403, projectKey="DEMO")
    everybody = await linked.as_(account_id=None)
    for kind in KINDS:
        assert await linked.to_issue(kind) == []
        assert len(await everybody.to_issue(kind)) == 1
    shut = linked.project.model_copy(update={"enabled": False})
    await linked.house.world.publish_project(linked.tenant, shut)
    await everybody.until("/testcycles/DEMO-R1", 404)
    assert await everybody.to_issue("testcycles") == []


async def test_a_deleted_issue_leaves_everything(linked: Linked) -> None:
    """By the topic, with repeats, strangers and what cannot be read."""
    installation = linked.house.installation
    key, runs = await linked.upload()
    for issue in (10001, 10002):
        await linked.cycle_issue(key, issue)
        for run in runs:
            await linked.execution_issue(run, issue)
    page = await linked.cycle_page(key)
    topic = Names(installation.prefix).topic(JIRA_CHANGE)
    events = [
        told(linked.tenant, 10002, JiraAction.UPDATED),
        told(linked.tenant, 10002, entity=JiraEntity.VERSION),
        told("ten-nobody", 10002),
        *[told(linked.tenant, 10001)] * 3,
    ]
    sent = [outgoing(topic, f"{e.tenantid}/{e.subject}", e) for e in events]
    broken = Outgoing(topic, f"{linked.tenant}/issue/1".encode(), b"{no json")
    publisher = Publisher(installation.kafka, "test-jira-changes")
    try:
        await publisher.send([broken, *sent])
    finally:
        await publisher.stop()
    for run in runs:
        await eventually(
            lambda r=run: issues_of(linked, key, r),  # type: ignore[misc]
            lambda found: found == ([10002], [10002]),
        )
    assert [link["id"] for link in (await linked.of_cycle(key))["webLinks"]] == [page]
    for kind in KINDS:
        assert await linked.to_issue(kind) == []


async def test_repeats_change_nothing_more(linked: Linked, consumer: JiraChangesConsumer) -> None:
    key, (run, _) = await linked.upload()
    await linked.cycle_issue(key)
    await linked.execution_issue(run)
    cycle = (await linked.http.get(f"/testcycles/{key}")).json()["id"]
    before = await linked.document("test_cycles", cycle)
    ran = await linked.document("test_executions", run)
    assert await consumer.handle(records([told(linked.tenant, 10001)] * 2)) == []
    once = (
        await linked.document("test_cycles", cycle),
        await linked.document("test_executions", run),
    )
    assert once[0]["rev"] == before["rev"] + 1
    assert (once[0]["updated_on"] > before["updated_on"], once[0]["links"]) == (True, [])
    assert (once[1]["updated_on"] > ran["updated_on"], once[1]["links"]) == (True, [])
    for _ in range(2):
        assert await consumer.handle(records([told(linked.tenant, 10001)] * 2)) == []
    assert once == (
        await linked.document("test_cycles", cycle),
        await linked.document("test_executions", run),
    )


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_links_and_deletions_in_any_order(
    linked: Linked, consumer: JiraChangesConsumer, order: Sequence[int]
) -> None:
    """Jira is as old as tenancy's memory: it says of a deleted issue that it is there."""
    key, (run, _) = await linked.upload()

    async def delete() -> None:
        await consumer.handle(records([told(linked.tenant, 10001)]))

    async def link(issue: int) -> None:
        for path in (f"/testcycles/{key}", f"/testexecutions/{run}"):
            answer = await linked.http.post(f"{path}/links/issues", json={"issueId": issue})
            assert answer.status_code in {201, 404}

    steps: list[Callable[[], Awaitable[None]]]
    steps = [delete, lambda: link(10001), lambda: link(10002)]
    for number in order:
        await steps[number]()
    assert await issues_of(linked, key, run) == ([10002], [10002])


async def test_an_issue_that_is_deleted_while_it_is_linked(
    linked: Linked, consumer: JiraChangesConsumer
) -> None:
    key, (run, _) = await linked.upload()

    async def delete() -> None:
        await consumer.handle(records([told(linked.tenant, 10001)]))

    linked.house.jira.meanwhile = delete
    try:
        for path in (f"/testcycles/{key}", f"/testexecutions/{run}"):
            answer = await linked.http.post(f"{path}/links/issues", json={"issueId": 10001})
            assert fault(answer)[0] == 404
            # the next one is not refused by the note alone
            notes = linked.house.database[deletedissues.COLLECTION]
            assert (await notes.delete_many({"tenant": linked.tenant})).deleted_count == 1
    finally:
        linked.house.jira.meanwhile = nothing
    assert await issues_of(linked, key, run) == ([], [])


async def test_linking_and_deleting_at_the_same_time(
    linked: Linked, consumer: JiraChangesConsumer
) -> None:
    key, (run, _) = await linked.upload()
    issues = range(20_000, 20_015)
    linked.issues(*issues)
    for issue in issues:
        await asyncio.gather(
            linked.http.post(f"/testcycles/{key}/links/issues", json={"issueId": issue}),
            linked.http.post(f"/testexecutions/{run}/links/issues", json={"issueId": issue}),
            consumer.handle(records([told(linked.tenant, issue)])),
        )
    assert await issues_of(linked, key, run) == ([], [])


async def test_many_documents_in_batches(
    linked: Linked, consumer: JiraChangesConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_rows, "_BATCH", 3)
    _, runs = await linked.upload(11)
    made = [
        {"id": public_id(linked.project.id, 80 + 8 * n), "kind": "issue", "type": "COVERAGE"}
        | {"issue": issue}
        for n, issue in enumerate((10001, 10002, 10003, 10001))
    ]
    rows = linked.house.database["test_executions"]
    await rows.update_many({"tenant": linked.tenant}, {"$set": {"links": made}})
    # Jira deletes many at once, and their records come in one batch
    gone = [told(linked.tenant, issue) for issue in (10001, 10003, *range(500, 900))]
    assert await consumer.handle(records(gone)) == []
    left = [[i["issueId"] for i in (await linked.of_execution(run))["issues"]] for run in runs]
    assert left == [[10002]] * 11


async def test_other_tenants_keep_theirs(house: House, consumer: JiraChangesConsumer) -> None:
    both = [await house.linked(), await house.linked()]
    for one in both:
        key, (run, _) = await one.upload()
        await one.cycle_issue(key)
        await one.execution_issue(run)
    await consumer.handle(records([told(both[0].tenant, 10001)]))
    for kind in KINDS:
        assert [len(await one.to_issue(kind)) for one in both] == [0, 1]


async def test_records_that_cannot_be_read(linked: Linked, consumer: JiraChangesConsumer) -> None:
    key, (run, _) = await linked.upload()
    await linked.cycle_issue(key)
    tenant = linked.tenant
    odd = [told(tenant, ident) for ident in ("x", "", "٣", "9" * 19, "9" * 5000, "-1", "1.0")]
    fine = [told(tenant, 2**63 - 1), told(tenant, 10001)]
    broken = Record(JIRA_CHANGE, 0, 99, f"{tenant}/issue/1".encode(), b"{", {}, 0)
    of_others = Record(JIRA_CHANGE, 0, 98, f"{tenant}/issue-link/1".encode(), b"{", {}, 0)
    keyless = Record(JIRA_CHANGE, 0, 97, None, b"{", {}, 0)
    batch = [*records(odd + fine), broken, of_others, keyless]
    poison = await consumer.handle(batch)
    assert [p.record for p in poison] == [*batch[: len(odd)], broken]
    assert await issues_of(linked, key, run) == ([], [])


async def test_notes_of_deleted_issues_are_forgotten_after_a_day(
    linked: Linked, consumer: JiraChangesConsumer
) -> None:
    await consumer.handle(records([told(linked.tenant, 10001)]))
    notes = linked.house.database[deletedissues.COLLECTION]
    row: Any = await notes.find_one({"tenant": linked.tenant})
    assert row["issue"] == 10001
    index = (await notes.index_information())["forget"]
    assert (index["key"], index["expireAfterSeconds"]) == ([("at", 1)], 86_400)
