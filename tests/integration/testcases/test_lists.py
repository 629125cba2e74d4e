"""Lists of test cases: offset pages, cursors, filters, and what a token may see of them."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from contracts.ids import number_of
from kit.clock import SystemClock, vendor_time
from kit.mongo import Database
from services.testcases.adapters.mongo.testcases import TEST_CASES, case_query
from services.testcases.usecases.testcases import MOST_PROJECTS, CaseFilter
from tests.integration.testcases.site import Library, Site, fault


@pytest.fixture
async def five(site: Site) -> Site:
    """Five cases, the last two in a folder."""
    folder = await site.create("/folders", name="f", folderType="TEST_CASE")
    for i in range(5):
        await site.create("/testcases", name=f"c{i}", folderId=folder["id"] if i > 2 else None)
    return site


async def follow(site: Site, link: str) -> Any:
    """GET an absolute link of an answer as a client does."""
    parts = urlsplit(link)
    assert link.startswith(site.library.api_base)
    response = await site.library.http.get(f"{parts.path}?{parts.query}", headers=site.headers)
    assert response.status_code == 200, response.text
    return response.json()


async def test_offset_pages_agree_with_themselves(five: Site) -> None:
    page = await five.read("/testcases", projectKey="DEMO", maxResults=2)
    seen = [c["name"] for c in page["values"]]
    assert (page["startAt"], page["maxResults"], page["total"]) == (0, 2, 5)
    assert page["isLast"] is False
    query = parse_qs(urlsplit(page["next"]).query)
    assert query == {"projectKey": ["DEMO"], "startAt": ["2"], "maxResults": ["2"]}
    pages = 1
    while page["next"] is not None:
        assert page["isLast"] is False
        page = await follow(five, page["next"])
        seen += [c["name"] for c in page["values"]]
        pages += 1
    assert (page["isLast"], pages) == (True, 3)
    assert seen == ["c0", "c1", "c2", "c3", "c4"]
    beyond = await five.read("/testcases", projectKey="DEMO", startAt=100)
    assert (beyond["values"], beyond["isLast"], beyond["next"]) == ([], True, None)


async def test_sizes_are_clamped_and_nonsense_is_refused(five: Site) -> None:
    assert (await five.read("/testcases", maxResults=0))["maxResults"] == 1
    assert (await five.read("/testcases", maxResults=5000))["maxResults"] == 1000
    for params in (
        {"maxResults": "many"},
        {"maxResults": -1},
        {"startAt": -1},
        {"startAt": 1_000_001},
        {"folderId": 0},
        {"folderId": "x"},
        {"folderId": 2**63},
        {"projectKey": "demo"},
    ):
        assert fault(await five.get("/testcases", **params))[0] == 400, params
    for params in (
        {"limit": 0},
        {"limit": 1001},
        {"limit": "x"},
        {"startAtId": -1},
        {"startAtId": 2**63},
        {"updatedAfter": "yesterday"},
        {"updatedAfter": "0001-01-01T00:00:00+23:00"},
    ):
        assert fault(await five.get("/testcases/nextgen", **params))[0] == 400, params
    assert (await five.read("/testcases", surplus="ignored", projectKey="DEMO"))["total"] == 5


async def test_a_cursor_walks_all_and_starts_at_the_id_it_is_given(five: Site) -> None:
    seen, start = [], 0
    while True:
        page = await five.read("/testcases/nextgen", projectKey="DEMO", limit=2, startAtId=start)
        assert set(page) == {"next", "nextStartAtId", "limit", "values"}
        seen += [number_of(c["id"]) for c in page["values"]]
        if page["nextStartAtId"] is None:
            assert page["next"] is None
            break
        start = page["nextStartAtId"]
        query = parse_qs(urlsplit(page["next"]).query)
        assert query == {"projectKey": ["DEMO"], "startAtId": [str(start)], "limit": ["2"]}
    assert seen == [1, 2, 3, 4, 5]
    last = await five.read("/testcases/nextgen", startAtId=five.id(4))
    assert [c["key"] for c in last["values"]] == ["DEMO-T4", "DEMO-T5"]
    exact = await five.read("/testcases/nextgen", limit=5)
    assert (len(exact["values"]), exact["nextStartAtId"]) == (5, None)


async def test_a_folder_filters_both_lists(five: Site) -> None:
    folder = (await five.read("/folders"))["values"][0]["id"]
    for extra in ({}, {"projectKey": "DEMO"}):
        page = await five.read("/testcases", folderId=folder, **extra)
        assert ([c["name"] for c in page["values"]], page["total"]) == (["c3", "c4"], 2)
        walked = await five.read("/testcases/nextgen", folderId=folder, **extra)
        assert [c["name"] for c in walked["values"]] == ["c3", "c4"]
    for unknown in (folder + 1, 1):
        assert (await five.read("/testcases", folderId=unknown))["values"] == []


async def test_updated_after_is_exclusive_of_what_is_older(five: Site, stored: Database) -> None:
    old = SystemClock().now() - timedelta(days=2)
    await stored[TEST_CASES].update_many(
        {"tenant": five.tenant, "name": {"$in": ["c0", "c1"]}}, {"$set": {"updated_on": old}}
    )
    since = vendor_time(old + timedelta(days=1))
    for text in (since, since.removesuffix("Z"), since.replace("Z", "+00:00")):
        page = await five.read("/testcases/nextgen", updatedAfter=text)
        assert [c["name"] for c in page["values"]] == ["c2", "c3", "c4"]
    assert len((await five.read("/testcases/nextgen", updatedAfter=""))["values"]) == 5


async def test_lists_without_a_project_cover_all_visible_ones_by_id(five: Site) -> None:
    other = await five.library.add_project(five.tenant, "OTHER")
    await other.create("/testcases", name="o0")
    page = await five.read("/testcases", maxResults=100)
    ids = [c["id"] for c in page["values"]]
    assert (len(ids), page["total"]) == (6, 6)
    assert ids == sorted(ids)
    assert {c["key"].split("-")[0] for c in page["values"]} == {"DEMO", "OTHER"}
    walked = await five.read("/testcases/nextgen", limit=100)
    assert [c["id"] for c in walked["values"]] == ids

    narrow = five.as_(projects=[other.project])
    for path in ("/testcases", "/testcases/nextgen"):
        assert [c["key"] for c in (await narrow.read(path))["values"]] == ["OTHER-T1"]
        assert fault(await narrow.get(path, projectKey="DEMO"))[0] == 404
    assert fault(await narrow.get("/testcases/DEMO-T1"))[0] == 404
    assert (await narrow.refused("/testcases", name="n"))[0] == 404
    assert (await narrow.read("/testcases", folderId=five.id(1)))["values"] == []


async def test_what_a_hidden_project_says_is_what_an_unknown_one_says(five: Site) -> None:
    """In words, too: only the key that was asked for differs."""
    narrow = five.as_(projects=[five.project % 1000 + 1])
    hidden = fault(await narrow.get("/testcases/DEMO-T1"))
    unknown = fault(await five.get("/testcases/DEMO-T77"))
    assert hidden[0] == unknown[0] == 404
    assert hidden[1].replace("DEMO-T1", "") == unknown[1].replace("DEMO-T77", "")


async def test_an_owner_that_is_down_is_no_reason_to_say_unknown(site: Site) -> None:
    response = await site.get("/testcases", projectKey="NOSUCH")
    assert fault(response)[0] == 503
    assert int(response.headers["Retry-After"]) > 0
    assert fault(await site.get("/testcases/NOSUCH-T1"))[0] == 503
    # what cannot be a key is not asked for
    assert fault(await site.get("/testcases", projectKey="NO/../SUCH"))[0] == 404


async def test_a_project_that_is_disabled_or_deleted_takes_its_content_along(
    five: Site,
) -> None:
    other = await five.library.add_project(five.tenant, "OTHER")
    await other.create("/testcases", name="o0")
    folder = await other.create("/folders", name="f", folderType="TEST_CASE")
    world = five.library.world
    state = (await five.library.world.project(five.tenant, "OTHER", id=other.project)).model_copy(
        update={"deleted": True}
    )
    await world.publish_project(five.tenant, state)
    await five.until(f"/folders/{folder['id']}", 404)
    assert await five.case_names() == ["c0", "c1", "c2", "c3", "c4"]
    assert (await five.read("/testcases"))["total"] == 5
    assert (await five.read("/folders"))["total"] == 1
    assert {o["project"]["id"] for o in (await five.read("/priorities"))["values"]} == {
        five.project
    }
    await world.publish_project(five.tenant, state.model_copy(update={"deleted": False}))
    await five.until(f"/folders/{folder['id']}", 200)
    assert (await five.read("/testcases"))["total"] == 6


async def test_over_a_thousand_projects_the_project_must_be_named(
    library: Library, stored: Database
) -> None:
    site = await library.site()
    rows = [
        {
            "_id": f"{site.tenant}/{i}",
            "tenant": site.tenant,
            "seq": 1,
            "id": i,
            "jira_project_id": i,
            "key": f"P{i}",
            "aliases": [],
            "enabled": True,
            "deleted": False,
        }
        for i in range(1, MOST_PROJECTS + 2)
        if i != site.project
    ]
    # as if tenancy had published a thousand states
    await stored["directory_projects"].insert_many(rows)
    await site.until("/testcases", 400)
    status, message = fault(await site.get("/testcases"))
    assert (status, "projectKey must not be null" in message) == (400, True)
    assert (await site.read("/testcases", projectKey="DEMO"))["total"] == 0
    assert (await site.read("/testcases/nextgen"))["values"] == []


async def test_lists_and_totals_are_answered_from_the_indexes(site: Site, stored: Database) -> None:
    """Nothing but the shown documents is fetched, with many provisional ones around."""
    await site.create("/testcases", name="seed")
    seed = await stored[TEST_CASES].find_one({"tenant": site.tenant})
    assert seed is not None
    rows = [
        seed
        | {
            "_id": f"{seed['_id']}/{n}",
            "id": site.id(n),
            "name": f"n{n}",
            "visible": n % 2 == 0,
            "outbox": [],
            "folder": 7 if n % 3 else None,
        }
        for n in range(100, 400)
    ]
    await stored[TEST_CASES].insert_many(rows)
    projects = [site.project, site.project % 1000 + 1]
    now = SystemClock().now()
    for wanted, most in (
        (CaseFilter(projects), 10),
        (CaseFilter(projects, folder=7), 10),
        (CaseFilter(projects, updated_after=now + timedelta(days=1)), 0),
    ):
        query = case_query(site.tenant, wanted)
        find = {
            "find": TEST_CASES,
            "filter": query,
            "sort": {"project": 1, "id": 1},
            "skip": 50,
            "limit": 10,
        }
        stats = await explained(stored, find)
        assert stats["totalDocsExamined"] <= most
        # what changed lately is few: their keys may be sorted
        assert wanted.updated_after or "SORT" not in stages(stats["executionStages"])
        count = {
            "aggregate": TEST_CASES,
            "pipeline": [{"$match": query}, {"$group": {"_id": 1, "n": {"$sum": 1}}}],
            "cursor": {},
        }
        plan = await stored.command("explain", count, verbosity="executionStats")
        inner = plan.get("executionStats") or plan["stages"][0]["$cursor"]["executionStats"]
        assert inner["totalDocsExamined"] == 0
    await stored[TEST_CASES].delete_many({"tenant": site.tenant})


async def explained(stored: Database, command: dict[str, Any]) -> Any:
    plan = await stored.command("explain", command, verbosity="executionStats")
    return plan["executionStats"]


def stages(stage: dict[str, Any]) -> list[str]:
    inner = [stage["inputStage"]] if "inputStage" in stage else stage.get("inputStages", [])
    return [stage["stage"], *(s for i in inner for s in stages(i))]
