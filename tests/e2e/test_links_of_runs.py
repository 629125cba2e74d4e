"""Links of a cycle and an execution, from Jira's own answers to the webhook of a deletion."""

from collections.abc import AsyncIterator

import httpx
import pytest

from devstack.jira.demo import TESTER
from tests.harness.installation import Installation
from tests.harness.polling import eventually
from tests.integration.executions.uploading import every, junit, send
from tests.integration.permissions.shop import Shop, open_shop

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
async def shop(installation: Installation) -> AsyncIterator[Shop]:
    async with open_shop(installation) as found:
        yield found


async def issues(http: httpx.AsyncClient, path: str) -> list[int]:
    """Read which issues something is linked to."""
    answer = await http.get(f"{path}/links")
    assert answer.status_code == 200, answer.text
    return [link["issueId"] for link in answer.json()["issues"]]


async def linked_to(http: httpx.AsyncClient, key: str) -> list[int]:
    """Say how many cycles and executions are linked to an issue, or what is answered instead."""
    answers = [await http.get(f"/issuelinks/{key}/{kind}") for kind in ("testcycles", "executions")]
    return [len(a.json()) if a.is_success else a.status_code for a in answers]


async def test_links_from_their_making_to_the_deletion_of_their_issue(shop: Shop) -> None:
    http = await shop.as_(TESTER)
    # the project was enabled a moment ago
    await eventually(lambda: send(http, junit(2)), lambda a: a.status_code == 200)
    cycle, run = (
        "/testcycles/DEMO-R1",
        f"/testexecutions/{(await every(http, '/testexecutions'))[0]['id']}",
    )
    site = str(shop.jira.base_url).rstrip("/")
    for path in (cycle, run):
        for issue, status in ((10001, 201), (10002, 201), (99_999, 404)):
            answer = await http.post(f"{path}/links/issues", json={"issueId": issue})
            assert answer.status_code == status, answer.text
        (shown, _) = (await http.get(f"{path}/links")).json()["issues"]
        assert shown["target"] == f"{site}/rest/api/2/issue/10001"
    assert await linked_to(http, "DEMO-1") == await linked_to(http, "demo-2") == [1, 1]
    assert [await linked_to(http, key) for key in ("DEMO-3", "DEMO-999")] == [[0, 0], [404, 404]]

    async def webhooks() -> bool:
        """Whether Jira tells of issues yet."""
        row = await shop.database["site_webhooks"].find_one({"_id": shop.tenant})
        return bool(row and row["webhooks"])

    await eventually(webhooks, seconds=30)
    deleted = await shop.jira.post("/control/issues/10001/delete", json={})
    assert deleted.is_success, deleted.text
    for path in (cycle, run):
        await eventually(lambda p=path: issues(http, p), lambda found: found == [10002])  # type: ignore[misc]
    await shop.later(seconds=61)
    assert [await linked_to(http, key) for key in ("DEMO-1", "DEMO-2")] == [[404, 404], [1, 1]]
    again = await http.post(f"{cycle}/links/issues", json={"issueId": 10001})
    assert again.status_code == 404
