"""From an issue to its test cases, and what a deleted issue leaves behind: nothing."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest

from contracts.jira import JiraAction, JiraEntity
from contracts.topics import JIRA_CHANGE, TEST_CASE_STATE
from kit.auth.principal import Scope
from kit.kafka.client import Names
from kit.kafka.producer import Publisher
from kit.kafka.records import Outgoing, Record, outgoing
from kit.mongo import Database
from kit.service import Runtime
from services.testcases.adapters.mongo import links as link_rows
from services.testcases.adapters.mongo.pending import Pending
from services.testcases.consumers.jira_changes import JiraChangesConsumer
from services.testcases.settings import TestcasesSettings
from services.testcases.usecases.links import IssueLinks
from tests.harness.installation import Installation
from tests.harness.jira_issues import JiraIssues, jira_issues, nothing
from tests.harness.polling import eventually
from tests.integration.testcases.linking import Linked, records, told
from tests.integration.testcases.site import Site, fault
from tests.integration.testcases.test_events import published
from tests.integration.testcases.test_permissions import state

ISSUES = "/testcases/DEMO-T1/links/issues"


@pytest.fixture(scope="module")
async def jira(installation: Installation) -> AsyncIterator[JiraIssues]:
    async with jira_issues(installation) as found:
        yield found


@pytest.fixture
async def linked(site: Site, jira: JiraIssues) -> Linked:
    found = Linked(site, jira)
    found.issues(10001, 10002, 10003)
    await site.create("/testcases", name="one")
    return found


@pytest.fixture
def consumer(stored: Database, runtime: Runtime[TestcasesSettings]) -> JiraChangesConsumer:
    pending = Pending(runtime.clock, runtime.ids)
    store = link_rows.LinkRepository(stored, pending)
    return JiraChangesConsumer(IssueLinks(store, link_rows.DeletedIssueRows(stored, pending)))


async def test_the_cases_of_an_issue_in_all_projects(linked: Linked) -> None:
    site = linked.site
    second = await site.library.add_project(site.tenant, "MORE")
    await site.create("/testcases", name="two")
    await second.create("/testcases", name="three")
    await site.ensure("up", ["waiting"])
    for case in ("MORE-T1", "DEMO-T2", "DEMO-T1"):
        await linked.to_issue(10001, case)
    await linked.to_issue(10002)
    wanted = [
        {"key": key, "version": 1, "self": site.url(f"/testcases/{key}/versions/1")}
        for _, key in sorted(
            [(site.project, "DEMO-T1"), (site.project, "DEMO-T2"), (second.project, "MORE-T1")]
        )
    ]
    for key in ("DEMO-10001", "demo-10001"):
        assert await site.read(f"/issuelinks/{key}/testcases") == wanted
    assert await linked.cases_of("DEMO-10002") == ["DEMO-T1"]
    assert await linked.cases_of("DEMO-10003") == []
    for found in wanted:
        path = str(found["self"]).removeprefix(site.library.api_base)
        assert (await site.read(path))["key"] == found["key"]


async def test_the_key_is_asked_for_each_time_and_kept_nowhere(
    linked: Linked, stored: Database
) -> None:
    await linked.to_issue(10001)
    linked.jira.of[linked.site.tenant][10001] = "MOVED-77"
    assert await linked.cases_of("MOVED-77") == ["DEMO-T1"]
    assert fault(await linked.site.get("/issuelinks/DEMO-10001/testcases"))[0] == 404
    for name in await stored.list_collection_names():
        for row in await stored[name].find({"tenant": linked.site.tenant}).to_list(None):
            assert "MOVED-77" not in str(row)
            assert "DEMO-10001" not in str(row)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("DEMO-99999/testcases", 404),
        ("NOPE-1/testcases", 404),
        ("DEMO/testcases", 400),
        ("DEMO-1", 404),
        ("DEMO-1/nothing", 404),
        ("DEMO-1/testcases/more", 404),
        ("", 404),
    ],
)
async def test_what_is_no_issue_or_no_path(linked: Linked, path: str, status: int) -> None:
    assert fault(await linked.site.get(f"/issuelinks/{path}"))[0] == status


async def test_only_what_may_be_viewed_is_listed(linked: Linked) -> None:
    site, world = linked.site, linked.site.library.world
    second = await site.library.add_project(site.tenant, "MORE")
    await second.create("/testcases", name="three")
    await linked.to_issue(10001)
    await linked.to_issue(10001, "MORE-T1")
    path = "/issuelinks/DEMO-10001/testcases"
    limited = site.as_(projects=[second.project])
    assert [c["key"] for c in await limited.read(path)] == ["MORE-T1"]
    assert fault(await site.as_(scopes=[Scope.WRITE]).get(path))[0] == 403
    await world.membership(site.tenant)
    await world.permissions(site.tenant, state(second))
    await second.until("/testcases", 403, projectKey="MORE")
    assert await linked.cases_of("DEMO-10001") == ["DEMO-T1"]
    await world.permissions(site.tenant, state(site))
    await site.until("/testcases", 403, projectKey="DEMO")
    assert await linked.cases_of("DEMO-10001") == []
    everything = {c["key"] for c in await site.as_(account_id=None).read(path)}
    assert everything == {"DEMO-T1", "MORE-T1"}


async def test_a_project_that_is_disabled_is_left_out(linked: Linked) -> None:
    site = linked.site
    await linked.to_issue(10001)
    shut = state(site).model_copy(update={"enabled": False})
    await site.library.world.publish_project(site.tenant, shut)
    await site.until("/testcases/DEMO-T1", 404)
    assert await linked.cases_of("DEMO-10001") == []


async def test_a_deleted_issue_leaves_every_case(
    linked: Linked, installation: Installation
) -> None:
    """By the topic, with repeats, strangers and what cannot be read."""
    site = linked.site
    await site.create("/testcases", name="two")
    for case in ("DEMO-T1", "DEMO-T2"):
        await linked.to_issue(10001, case)
        await linked.to_issue(10002, case)
    kept = await linked.to_page("https://example.org")
    topic = Names(installation.prefix).topic(JIRA_CHANGE)
    events = [
        told(site.tenant, 10002, JiraAction.UPDATED),
        told(site.tenant, 10002, entity=JiraEntity.VERSION),
        told("ten-nobody", 10002),
        *[told(site.tenant, 10001)] * 3,
    ]
    sent = [outgoing(topic, f"{e.tenantid}/{e.subject}", e) for e in events]
    broken = Outgoing(topic, f"{site.tenant}/issue/1".encode(), b"{no json")
    publisher = Publisher(installation.kafka, "test-jira-changes")
    try:
        await publisher.send([broken, *sent])
    finally:
        await publisher.stop()

    async def left() -> list[list[int]]:
        return [await linked.issue_ids(case) for case in ("DEMO-T1", "DEMO-T2")]

    await eventually(left, lambda found: found == [[10002], [10002]])
    assert [page["id"] for page in (await linked.links())["webLinks"]] == [kept]
    assert await linked.cases_of("DEMO-10001") == []
    events_of = await published(installation, TEST_CASE_STATE, site.tenant, 9)
    # three links each (one has a page, too), and their loss
    assert {e.sequence for e in events_of.values()} == {5, 4}


async def test_repeats_change_nothing_more(linked: Linked, consumer: JiraChangesConsumer) -> None:
    await linked.to_issue(10001)
    before = await linked.row()
    for _ in range(3):
        assert await consumer.handle(records([told(linked.site.tenant, 10001)] * 2)) == []
    after = await linked.row()
    assert (after["links"], after["rev"]) == ([], before["rev"] + 1)
    assert after["updated_on"] > before["updated_on"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_links_and_deletions_in_any_order(
    linked: Linked, consumer: JiraChangesConsumer, order: Sequence[int]
) -> None:
    """Jira is as old as tenancy's memory: it says of a deleted issue that it is there."""

    async def delete() -> None:
        await consumer.handle(records([told(linked.site.tenant, 10001)]))

    async def link(issue: int) -> None:
        answer = await linked.site.post(ISSUES, {"issueId": issue})
        assert answer.status_code in {201, 404}

    steps: list[Callable[[], Awaitable[None]]]
    steps = [delete, lambda: link(10001), lambda: link(10002)]
    for number in order:
        await steps[number]()
    assert await linked.issue_ids() == [10002]


async def test_an_issue_that_is_deleted_while_it_is_linked(
    linked: Linked, consumer: JiraChangesConsumer, jira: JiraIssues
) -> None:
    async def delete() -> None:
        await consumer.handle(records([told(linked.site.tenant, 10001)]))

    jira.meanwhile = delete
    try:
        answer = await linked.site.post(ISSUES, {"issueId": 10001})
    finally:
        jira.meanwhile = nothing
    assert fault(answer) == (
        404,
        "Jira issue with id 10001 does not exist or is not visible to Ostro.",
    )
    assert await linked.issue_ids() == []


async def test_linking_and_deleting_at_the_same_time(
    linked: Linked, consumer: JiraChangesConsumer
) -> None:
    issues = range(20_000, 20_020)
    linked.issues(*issues)
    for issue in issues:
        await asyncio.gather(
            linked.site.post(ISSUES, {"issueId": issue}),
            consumer.handle(records([told(linked.site.tenant, issue)])),
        )
    assert await linked.issue_ids() == []


async def test_many_cases_in_batches(
    linked: Linked,
    consumer: JiraChangesConsumer,
    stored: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(link_rows, "_BATCH", 3)
    tenant = linked.site.tenant
    await linked.to_issue(10001)
    await linked.to_issue(10002)
    row = await linked.row()
    copies: list[dict[str, Any]] = [
        row | {"_id": f"{tenant}/copy/{n}", "id": linked.site.id(n), "outbox": []}
        for n in range(100, 110)
    ]
    await stored["testcases"].insert_many(copies)
    await consumer.handle(records([told(tenant, 10001), told(tenant, 77)]))
    rows = await stored["testcases"].find({"tenant": tenant}).to_list(None)
    assert [[link["issue"] for link in r["links"]] for r in rows] == [[10002]] * 11
    assert {r["rev"] for r in rows} == {row["rev"] + 1}


async def test_other_tenants_keep_theirs(
    twins: tuple[Site, Site], jira: JiraIssues, consumer: JiraChangesConsumer
) -> None:
    both = [Linked(site, jira) for site in twins]
    for one in both:
        one.issues(10001)
        await one.site.create("/testcases", name="n")
        await one.to_issue(10001)
    await consumer.handle(records([told(twins[0].tenant, 10001)]))
    assert [await one.issue_ids() for one in both] == [[], [10001]]


async def test_records_that_cannot_be_read(linked: Linked, consumer: JiraChangesConsumer) -> None:
    tenant = linked.site.tenant
    await linked.to_issue(10001)
    odd = [told(tenant, ident) for ident in ("x", "", "٣", "9" * 19, "9" * 5000, "-1", "1.0")]
    fine = [told(tenant, 2**63 - 1), told(tenant, "x", JiraAction.UPDATED), told(tenant, 10001)]
    broken = Record(JIRA_CHANGE, 0, 99, f"{tenant}/issue/1".encode(), b"{", {}, 0)
    of_others = Record(JIRA_CHANGE, 0, 98, f"{tenant}/issue-link/1".encode(), b"{", {}, 0)
    keyless = Record(JIRA_CHANGE, 0, 97, None, b"{", {}, 0)
    batch = [*records(odd + fine), broken, of_others, keyless]
    poison = await consumer.handle(batch)
    assert [p.record for p in poison] == [*batch[: len(odd)], broken]
    assert {p.reason for p in poison} == {"data.id: no number", "value: json_invalid"}
    assert await linked.issue_ids() == []


async def test_notes_of_deleted_issues_are_forgotten_after_a_day(
    linked: Linked, consumer: JiraChangesConsumer, stored: Database
) -> None:
    await consumer.handle(records([told(linked.site.tenant, 10001)]))
    row = await stored[link_rows.DELETED].find_one({"tenant": linked.site.tenant})
    assert row is not None
    assert row["issue"] == 10001
    index = (await stored[link_rows.DELETED].index_information())["forget"]
    assert (index["key"], index["expireAfterSeconds"]) == ([("at", 1)], 86_400)
