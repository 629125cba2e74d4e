"""A test case's link to an issue, from Jira's own answers to the webhook of its deletion."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from devstack.jira.demo import TESTER
from tests.harness.installation import Installation
from tests.harness.polling import eventually
from tests.integration.permissions.shop import Shop, open_shop

pytestmark = pytest.mark.long

CASE = "/testcases/DEMO-T1"


@pytest.fixture(scope="module")
async def shop(installation: Installation) -> AsyncIterator[Shop]:
    async with open_shop(installation) as found:
        yield found


@pytest.fixture
async def tester(shop: Shop) -> httpx.AsyncClient:
    """A client that acts as somebody, once there is a case DEMO-T1."""
    http = await shop.as_(TESTER)

    async def made() -> bool:
        if (await http.get(CASE)).status_code == 200:
            return True
        await http.post("/testcases", json={"projectKey": "DEMO", "name": "n"})
        return False

    await eventually(made)
    return http


async def link(http: httpx.AsyncClient, issue: int) -> int:
    answer = await http.post(f"{CASE}/links/issues", json={"issueId": issue})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


async def issues(http: httpx.AsyncClient) -> list[int]:
    found = (await http.get(f"{CASE}/links")).json()["issues"]
    return [one["issueId"] for one in found]


async def cases_of(http: httpx.AsyncClient, key: str) -> Any:
    answer = await http.get(f"/issuelinks/{key}/testcases")
    return [c["key"] for c in answer.json()] if answer.is_success else answer.status_code


async def test_a_link_from_its_making_to_the_deletion_of_its_issue(
    shop: Shop, tester: httpx.AsyncClient
) -> None:
    made = [await link(tester, issue) for issue in (10001, 10002)]
    page = await tester.post(f"{CASE}/links/weblinks", json={"url": "https://example.org"})
    assert page.status_code == 201
    unknown = await tester.post(f"{CASE}/links/issues", json={"issueId": 99_999})
    assert unknown.status_code == 404
    assert await cases_of(tester, "DEMO-1") == await cases_of(tester, "demo-2") == ["DEMO-T1"]
    assert (await cases_of(tester, "DEMO-3"), await cases_of(tester, "DEMO-999")) == ([], 404)
    shown = (await tester.get(CASE)).json()["links"]["issues"]
    assert [one["target"].partition("/rest/")[2] for one in shown] == [
        "api/2/issue/10001",
        "api/2/issue/10002",
    ]
    for number in made:
        assert number % 2 == 1

    async def webhooks() -> bool:
        """Whether Jira tells of issues yet: the project was enabled a moment ago."""
        row = await shop.database["site_webhooks"].find_one({"_id": shop.tenant})
        return bool(row and row["webhooks"])

    await eventually(webhooks, seconds=30)
    deleted = await shop.jira.post("/control/issues/10001/delete", json={})
    assert deleted.is_success, deleted.text
    await eventually(lambda: issues(tester), lambda found: found == [10002])
    await shop.later(seconds=61)
    assert await cases_of(tester, "DEMO-1") == 404
    again = await tester.post(f"{CASE}/links/issues", json={"issueId": 10001})
    assert again.status_code == 404
    # the rest is still there, and goes by hand
    assert len((await tester.get(f"{CASE}/links")).json()["webLinks"]) == 1
    assert (await tester.delete(f"/links/{made[1]}")).status_code == 200
    assert (await tester.delete(f"/links/{made[1]}")).status_code == 404
    assert await cases_of(tester, "DEMO-2") == []


async def test_while_jira_is_down(shop: Shop, tester: httpx.AsyncClient) -> None:
    made = await link(tester, 10003)
    await shop.later(seconds=61)
    await shop.jira_down()
    try:
        refused = await tester.post(f"{CASE}/links/issues", json={"issueId": 10004})
        assert refused.status_code == 503
        assert refused.headers["retry-after"]
        assert await cases_of(tester, "DEMO-3") == 503
        # what is stored needs no Jira
        assert 10003 in await issues(tester)
        assert (await tester.delete(f"/links/{made}")).status_code == 200
    finally:
        await shop.jira_up()
    # a site that failed that often is left alone for two seconds
    await eventually(lambda: cases_of(tester, "DEMO-3"), lambda found: found == [])
