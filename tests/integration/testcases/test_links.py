"""Links of test cases: made, shown, refused, removed."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from contracts.ids import LinkId, project_of, public_id
from contracts.permissions import Entity, Right
from contracts.topics import TEST_CASE_STATE
from kit.auth.principal import Scope
from kit.clock import vendor_time
from kit.mongo import Database
from kit.service import Runtime
from services.testcases.settings import TestcasesSettings
from tests.harness.grants import to_user
from tests.harness.installation import Installation
from tests.harness.jira_issues import JiraIssues, jira_issues
from tests.harness.polling import eventually
from tests.harness.tenancy_world import ACCOUNT
from tests.integration.testcases.linking import Linked
from tests.integration.testcases.site import Library, Site, fault
from tests.integration.testcases.test_events import published
from tests.integration.testcases.test_permissions import state, until_shut

CASE = "/testcases/DEMO-T1"
ISSUES, PAGES = f"{CASE}/links/issues", f"{CASE}/links/weblinks"
PAGE = "https://example.org/a?b=c#d"


@pytest.fixture(scope="module")
async def jira(installation: Installation) -> AsyncIterator[JiraIssues]:
    async with jira_issues(installation) as found:
        yield found


@pytest.fixture
async def linked(site: Site, jira: JiraIssues) -> Linked:
    found = Linked(site, jira)
    found.issues(10001, 10002)
    await site.create("/testcases", name="one")
    return found


async def test_what_is_linked_shows_everywhere_at_once(linked: Linked) -> None:
    site = linked.site
    empty = {"self": site.url(f"{CASE}/links"), "issues": [], "webLinks": []}
    assert await linked.links() == empty
    first, page = await linked.to_issue(10001), await linked.to_page(PAGE, description="Ä <b>")
    second, bare = await linked.to_issue(10002), await linked.to_page(PAGE)
    jira = f"https://{site.tenant}.atlassian.net"
    wanted = empty | {
        "issues": [
            {
                "issueId": issue,
                "id": link,
                "self": site.url(f"/links/{link}"),
                "target": f"{jira}/rest/api/2/issue/{issue}",
                "type": "COVERAGE",
            }
            for issue, link in ((10001, first), (10002, second))
        ],
        "webLinks": [
            {"url": PAGE, "id": link, "self": site.url(f"/links/{link}"), "type": "COVERAGE"} | more
            for link, more in ((page, {"description": "Ä <b>"}), (bare, {}))
        ],
    }
    assert await linked.links() == wanted
    for path in (CASE, f"{CASE}/versions/1"):
        assert (await site.read(path))["links"] == wanted
    for path in ("/testcases", "/testcases/nextgen"):
        assert [c["links"] for c in (await site.read(path))["values"]] == [wanted]


async def test_ids_are_odd_and_of_the_project(linked: Linked) -> None:
    made = [await linked.to_page(f"{PAGE}{n}") for n in range(3)]
    assert made == [public_id(linked.site.project, n) for n in (1, 3, 5)]
    assert [LinkId(link, "testcases") for link in made] == made
    assert {project_of(link) for link in made} == {linked.site.project}


async def test_a_link_is_a_change_of_its_case(linked: Linked, installation: Installation) -> None:
    site = linked.site
    before = await linked.row()
    link = await linked.to_issue(10001)
    after = await linked.row()
    assert (after["rev"], after["updated_on"] > before["updated_on"]) == (2, True)
    since = vendor_time(before["updated_on"])
    assert (await site.read("/testcases/nextgen", updatedAfter=since))["values"]
    await site.library.http.delete(f"/v2/links/{link}", headers=site.headers)
    gone = await linked.row()
    assert (gone["rev"], gone["updated_on"] > after["updated_on"], gone["links"]) == (3, True, [])
    events = await published(installation, TEST_CASE_STATE, site.tenant, 3)
    assert events[site.id(1)].sequence == 3


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        (ISSUES, {}, "issueId must not be null"),
        (ISSUES, {"issueId": None}, "issueId must not be null"),
        (ISSUES, {"issueId": 0}, "issueId must be greater"),
        (ISSUES, {"issueId": 2**63}, "issueId"),
        (ISSUES, {"issueId": "DEMO-1"}, "issueId must be an integer"),
        (ISSUES, {"issueId": "10001x"}, "issueId must be an integer"),
        (ISSUES, {"issueId": True}, "issueId must be an integer"),
        (ISSUES, [10001], "body"),
        (PAGES, {}, "url must not be null"),
        (PAGES, {"url": ""}, "url must not be shorter"),
        (PAGES, {"url": " \t"}, "url must not be blank"),
        (PAGES, {"url": "javascript:alert(1)"}, "url must not have the scheme javascript"),
        (PAGES, {"url": "\x01 d\nAta:text/html,x"}, "url must not have the scheme data"),
        (PAGES, {"url": 5}, "url"),
        (PAGES, {"url": "https://" + "x" * 2041}, "url must not be longer"),
        (PAGES, {"url": PAGE, "description": "x" * 1001}, "description must not be longer"),
        (PAGES, {"url": PAGE, "description": 5}, "description"),
        ("/testcases/DEMO-7/links/issues", {"issueId": 1}, "testCaseKey must match"),
        ("/testcases/DEMO-7/links/weblinks", {"url": PAGE}, "testCaseKey must match"),
    ],
)
async def test_what_breaks_the_schema(linked: Linked, path: str, body: Any, named: str) -> None:
    status, message = fault(await linked.site.post(path, body))
    assert (status, message.startswith(named)) == (400, True), message
    links = await linked.links()
    assert (links["issues"], links["webLinks"]) == ([], [])
    assert linked.site.library.api_base not in message


@pytest.mark.parametrize("path", [ISSUES, PAGES])
async def test_a_body_that_is_no_json(linked: Linked, path: str) -> None:
    site = linked.site
    answer = await site.library.http.post(f"/v2{path}", content=b"{", headers=site.headers)
    status, message = fault(answer)
    assert (status, "not valid JSON" in message) == (400, True)


async def test_a_url_is_content_of_any_form(linked: Linked) -> None:
    for url in ("example.org", "ftp://x/ y", "💡", "x" * 2048):
        await linked.to_page(url, description="")
    links = (await linked.links())["webLinks"]
    assert [link["description"] for link in links] == [""] * 4


async def test_duplicates(linked: Linked) -> None:
    site = linked.site
    await linked.to_issue(10001)
    status, message = fault(await site.post(ISSUES, {"issueId": 10001}))
    assert (status, "already" in message) == (400, True)
    await linked.to_page(PAGE, description="one")
    await linked.to_page(PAGE)
    # another description makes it another link
    await linked.to_page(PAGE, description="two")
    for body in (
        {"url": PAGE, "description": "one"},
        {"url": PAGE},
        {"url": PAGE, "description": None},
    ):
        status, message = fault(await site.post(PAGES, body))
        assert (status, "already" in message) == (400, True)
    # and another case may have the same ones
    await site.create("/testcases", name="two")
    await linked.to_issue(10001, "DEMO-T2")
    await linked.to_page(PAGE, "DEMO-T2", description="one")
    assert len((await linked.links())["webLinks"]) == 3


async def test_what_is_not_there(linked: Linked) -> None:
    site = linked.site
    unknown = fault(await site.post(ISSUES, {"issueId": 10003}))
    assert unknown == (404, "Jira issue with id 10003 does not exist or is not visible to Ostro.")
    asked = len(linked.jira.asked)
    for key in ("DEMO-T9", "OTHER-T1", "demo-T1", "DEMO-T99999999999"):
        for kind, body in (("issues", {"issueId": 10001}), ("weblinks", {"url": PAGE})):
            status, message = fault(await site.post(f"/testcases/{key}/links/{kind}", body))
            assert (status, key in message) == (404, True)
        assert (await site.get(f"/testcases/{key}/links")).status_code == 404
    # nothing is asked of Jira for a case that is not there
    assert len(linked.jira.asked) == asked


async def test_a_disabled_project(linked: Linked) -> None:
    site = linked.site
    link = await linked.to_page(PAGE)
    shut = state(site).model_copy(update={"enabled": False})
    await site.library.world.publish_project(site.tenant, shut)
    await site.until(CASE, 404)
    assert fault(await site.post(ISSUES, {"issueId": 10001}))[0] == 404
    assert fault(await site.post(PAGES, {"url": PAGE}))[0] == 404
    assert fault(await delete(site, link))[0] == 404


async def delete(site: Site, link: Any) -> Any:
    return await site.library.http.delete(f"/v2/links/{link}", headers=site.headers)


async def test_without_jira_there_are_no_issues(library: Library, jira: JiraIssues) -> None:
    site = await library.site(jira=False)
    linked = Linked(site, jira)
    await site.create("/testcases", name="one")
    assert fault(await site.post(ISSUES, {"issueId": 10001}))[0] == 404
    assert fault(await site.get("/issuelinks/DEMO-1/testcases"))[0] == 404
    await linked.to_page(PAGE)
    # one that has lost its Jira has nothing to point at
    await site.library.database["testcases"].update_one(
        {"tenant": site.tenant, "id": site.id(1)},
        {"$push": {"links": {"id": site.id(99), "kind": "issue", "issue": 5, "type": "BLOCKS"}}},
    )
    assert (await linked.links())["issues"] == [
        {
            "issueId": 5,
            "id": site.id(99),
            "self": site.url(f"/links/{site.id(99)}"),
            "type": "BLOCKS",
        }
    ]


async def test_while_jira_cannot_be_asked(linked: Linked, jira: JiraIssues) -> None:
    site = linked.site
    link = await linked.to_issue(10001)
    jira.down = True
    try:
        for answer in (
            await site.post(ISSUES, {"issueId": 10002}),
            await site.get("/issuelinks/DEMO-10001/testcases"),
        ):
            assert fault(answer)[0] == 503
            assert answer.headers["retry-after"] == "5"
        # the rest needs no Jira
        await linked.to_page(PAGE)
        assert await linked.issue_ids() == [10001]
        assert (await delete(site, link)).status_code == 200
    finally:
        jira.down = False
    assert await linked.issue_ids() == []


async def test_removal(linked: Linked) -> None:
    site = linked.site
    links = [await linked.to_issue(10001), await linked.to_page(PAGE), await linked.to_issue(10002)]
    for link in links[:2]:
        answer = await delete(site, link)
        assert (answer.status_code, answer.content) == (200, b"")
        # the second time it is unknown
        status, message = fault(await delete(site, link))
        assert (status, str(link) in message) == (404, True)
    found = await linked.links()
    assert ([link["id"] for link in found["issues"]], found["webLinks"]) == ([links[2]], [])
    # what was removed may be linked anew, under a new id
    assert await linked.to_issue(10001) not in links


@pytest.mark.parametrize(
    ("link", "status"),
    [
        ("1", 404),
        ("2", 404),
        (str(2**53 + 1), 404),
        (str(2**63 - 1), 404),
        (str(2**63), 400),
        ("0", 400),
        ("-1", 400),
        ("abc", 400),
        ("1.5", 400),
    ],
)
async def test_ids_that_name_no_link(untouched: Site, link: str, status: int) -> None:
    assert fault(await delete(untouched, link))[0] == status


async def test_even_ids_and_other_things_of_the_project_are_no_links(linked: Linked) -> None:
    site = linked.site
    await linked.to_page(PAGE)
    for number in (2, 4, 99):
        assert fault(await delete(site, site.id(number)))[0] == 404
    assert len((await linked.links())["webLinks"]) == 1


async def test_another_tenant_reaches_nothing(twins: tuple[Site, Site], jira: JiraIssues) -> None:
    mine, other = twins
    linked = Linked(mine, jira)
    linked.issues(10001)
    Linked(other, jira).issues(10009)
    await mine.create("/testcases", name="secret")
    link = await linked.to_issue(10001)
    status, message = fault(await delete(other, link))
    never = fault(await delete(other, other.id(4001)))
    assert (status, message.replace(str(link), "*")) == (
        404,
        never[1].replace(str(other.id(4001)), "*"),
    )
    for path, body in ((ISSUES, {"issueId": 10009}), (PAGES, {"url": PAGE})):
        assert fault(await other.post(path, body))[0] == 404
    assert fault(await other.get(f"{CASE}/links"))[0] == 404
    # its Jira is its own: the same id is not known there, and its own issue has no cases
    assert fault(await other.get("/issuelinks/DEMO-10001/testcases"))[0] == 404
    assert await Linked(other, jira).cases_of("DEMO-10009") == []
    assert await linked.issue_ids() == [10001]
    assert await linked.cases_of("DEMO-10001") == ["DEMO-T1"]


async def test_rights(linked: Linked) -> None:
    site, world = linked.site, linked.site.library.world
    link = await linked.to_page(PAGE)
    viewer = site.as_(scopes=[Scope.READ])
    for answer in (
        await viewer.post(ISSUES, {"issueId": 10001}),
        await viewer.post(PAGES, {"url": PAGE}),
        await delete(viewer, link),
    ):
        assert fault(answer)[0] == 403
    assert (await viewer.get(f"{CASE}/links")).status_code == 200
    writer = site.as_(scopes=[Scope.WRITE])
    assert fault(await writer.get(f"{CASE}/links"))[0] == 403
    await world.membership(site.tenant)
    view = to_user(ACCOUNT, Entity.TEST_CASE, Right.VIEW, Right.CREATE, Right.DELETE)
    await world.permissions(site.tenant, state(site), view)

    async def refused() -> int:
        return int((await delete(site, site.id(4001))).status_code)

    await site.until(CASE, 200)
    await eventually(refused, lambda status: status == 403)
    said = (403, "You do not have permission to edit test cases in this project.")
    # whether it is there or not
    for answer in (
        await site.post(ISSUES, {"issueId": 10001}),
        await site.post(PAGES, {"url": PAGE}),
        await site.post("/testcases/DEMO-T9/links/weblinks", {"url": PAGE}),
        await delete(site, link),
        await delete(site, site.id(4001)),
    ):
        assert fault(answer) == said
    assert len((await linked.links())["webLinks"]) == 1
    edit = to_user(ACCOUNT, Entity.TEST_CASE, Right.EDIT)
    await world.permissions(site.tenant, state(site), edit)
    await until_shut(site)
    assert (await site.post(ISSUES, {"issueId": 10001})).status_code == 201
    assert (await delete(site, link)).status_code == 200
    assert fault(await site.get(f"{CASE}/links"))[0] == 403


async def test_two_alike_at_once_make_one(linked: Linked) -> None:
    for path, body in (
        (ISSUES, {"issueId": 10001}),
        (PAGES, {"url": PAGE, "description": "d"}),
        (PAGES, {"url": PAGE}),
    ):
        answers = await asyncio.gather(*(linked.site.post(path, body) for _ in range(6)))
        assert sorted(a.status_code for a in answers) == [201] + [400] * 5
    found = await linked.links()
    assert (len(found["issues"]), len(found["webLinks"])) == (1, 2)


async def test_many_at_once_are_all_there(linked: Linked) -> None:
    made = await asyncio.gather(*(linked.to_page(f"{PAGE}{n}") for n in range(30)))
    assert len(set(made)) == 30
    found = (await linked.links())["webLinks"]
    assert {link["id"] for link in found} == set(made)
    await asyncio.gather(*(delete(linked.site, link) for link in made))
    assert (await linked.links())["webLinks"] == []
    # as many revisions as changes
    assert (await linked.row())["rev"] == 61


async def test_a_thousand_links_and_no_more(linked: Linked, stored: Database) -> None:
    site = linked.site
    many = [
        {"id": site.id(2 * n + 1), "kind": "web", "type": "COVERAGE", "url": f"u{n}"}
        | {"description": None}
        for n in range(1000, 1998)
    ]
    query = {"tenant": site.tenant, "id": site.id(1)}
    await stored["testcases"].update_one(query, {"$set": {"links": many}})
    answers = await asyncio.gather(
        *(site.post(PAGES, {"url": f"{PAGE}{n}"}) for n in range(4)),
        site.post(ISSUES, {"issueId": 10001}),
    )
    assert sorted(a.status_code for a in answers) == [201, 201, 400, 400, 400]
    refused = next(a for a in answers if a.status_code == 400)
    assert "more than 1000 links" in fault(refused)[1]
    assert len((await linked.row())["links"]) == 1000


async def test_their_indexes_hold_links_alone(
    linked: Linked, runtime: Runtime[TestcasesSettings]
) -> None:
    """A hint that the server could not follow would be an error."""
    site = linked.site
    for number in range(5):
        await site.create("/testcases", name=f"without {number}")
    link = await linked.to_issue(10001)
    await linked.to_page(PAGE, "DEMO-T2")
    for index, condition, keys in (
        ("link", {"links.id": link}, 1),
        ("link", {"links.id": {"$gt": 0}}, 2),
        ("issue", {"links.issue": {"$in": [10001, 10002]}}, 2),
        ("issue", {"links.issue": {"$gt": 0}}, 1),
    ):
        find = {"find": "testcases", "filter": {"tenant": site.tenant} | condition, "hint": index}
        plan = await runtime.database.command("explain", find, verbosity="executionStats")
        assert f"'indexName': '{index}'" in str(plan["queryPlanner"]["winningPlan"])
        assert plan["executionStats"]["totalKeysExamined"] <= keys
