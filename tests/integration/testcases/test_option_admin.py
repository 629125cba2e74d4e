"""Administration of options: order, default, archive, and what must not be removed."""

from typing import Any

import httpx
import pytest

from contracts.permissions import Entity, Right
from tests.harness.grants import to_user
from tests.harness.tenancy_world import ACCOUNT
from tests.integration.testcases.site import Library, Site, fault
from tests.integration.testcases.test_permissions import state


class Group:
    """Calls the administration of one group."""

    def __init__(self, site: Site, kind: str) -> None:
        self.site = site
        self.path = f"/ostro/v1/testcases/projects/{site.key}/options/{kind}"

    async def call(self, method: str, path: str = "", **more: Any) -> httpx.Response:
        return await self.site.library.http.request(
            method, self.path + path, headers=self.site.headers, **more
        )

    async def all(self) -> list[dict[str, Any]]:
        answer = await self.call("GET")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["values"]
        return found

    async def id(self, name: str) -> int:
        return next(int(o["id"]) for o in await self.all() if o["name"] == name)


@pytest.fixture
def priorities(site: Site) -> Group:
    return Group(site, "PRIORITY")


async def test_a_group_is_listed_in_its_order_and_reordered_in_one_call(priorities: Group) -> None:
    first = await priorities.all()
    assert [o["name"] for o in first] == ["High", "Normal", "Low"]
    assert first[0] == {
        "id": priorities.site.id(15),
        "type": "PRIORITY",
        "name": "High",
        "description": None,
        "color": "#ff0000",
        "index": 0,
        "default": False,
        "archived": False,
    }
    ids = [o["id"] for o in reversed(first)]
    answer = await priorities.call("PUT", "/order", json={"ids": ids})
    assert [o["id"] for o in answer.json()["values"]] == ids
    assert [o["index"] for o in await priorities.all()] == [0, 1, 2]
    for wrong in (ids[:2], [*ids, ids[0]], [*ids[:2], 7], [], ["x"], None):
        answer = await priorities.call("PUT", "/order", json={"ids": wrong})
        assert fault(answer)[0] == 400, wrong
    assert [o["id"] for o in await priorities.all()] == ids


async def test_the_default_is_given_on_and_an_archived_one_cannot_be_it(
    priorities: Group,
) -> None:
    low, normal = await priorities.id("Low"), await priorities.id("Normal")
    answer = await priorities.call("PATCH", f"/{low}", json={"default": True})
    assert {o["id"]: o["default"] for o in answer.json()["values"] if o["default"]} == {low: True}
    assert fault(await priorities.call("PATCH", f"/{low}", json={"archived": True}))[0] == 400
    for body in ({"archived": True}, {"archived": True}):  # twice does no harm
        assert (await priorities.call("PATCH", f"/{normal}", json=body)).status_code == 200
    assert fault(await priorities.call("PATCH", f"/{normal}", json={"default": True}))[0] == 400
    assert fault(await priorities.call("PATCH", f"/{normal}", json={}))[0] == 400
    typo = fault(
        await priorities.call("PATCH", f"/{normal}", json={"default": False, "archive": True})
    )
    assert (typo[0], "archive is no field" in typo[1]) == (400, True)
    # what is archived can be taken by nobody, and shows where it is
    assert (await priorities.site.refused("/testcases", name="c", priorityName="Normal"))[0] == 404
    shown = await priorities.site.read(f"/priorities/{normal}")
    body = shown | {"name": "Other"}
    assert fault(await priorities.site.put(f"/priorities/{normal}", body))[0] == 400
    answer = await priorities.call("PATCH", f"/{normal}", json={"archived": False})
    assert not any(o["archived"] for o in answer.json()["values"])
    await priorities.site.create("/testcases", name="c", priorityName="Normal")


async def test_environments_are_archived_and_have_no_default(site: Site) -> None:
    made = await site.create("/environments", name="Chrome")
    group = Group(site, "ENVIRONMENT")
    assert fault(await group.call("PATCH", f"/{made['id']}", json={"default": True}))[0] == 400
    await group.call("PATCH", f"/{made['id']}", json={"archived": True})
    assert (await site.read(f"/environments/{made['id']}"))["archived"] is True


async def test_options_that_are_not_there(priorities: Group, site: Site) -> None:
    high = await priorities.id("High")
    elsewhere = Group(await site.library.add_project(site.tenant, "OTHER"), "PRIORITY")
    unknown = Group(Site(site.library, site.tenant, site.project, "nope", site.headers), "PRIORITY")
    for group, ident in (
        (priorities, site.id(999)),
        (priorities, 1),
        (Group(site, "TEST_CASE"), high),
        (elsewhere, high),
        (unknown, high),
    ):
        for method, body in (("PATCH", {"archived": True}), ("DELETE", {})):
            answer = await group.call(method, f"/{ident}", json=body)
            assert fault(answer)[0] == 404, (group.path, method)
    assert fault(await unknown.call("GET"))[0] == 404
    assert fault(await Group(site, "FOLDER").call("GET"))[0] == 400


async def test_another_tenants_options_are_unknown(twins: tuple[Site, Site]) -> None:
    mine, other = twins
    made = await mine.create("/environments", name="Chrome")
    group = Group(other, "ENVIRONMENT")
    for method, body in (("PATCH", {"archived": True}), ("DELETE", {})):
        answer = await group.call(method, f"/{made['id']}", json=body)
        assert fault(answer)[0] == 404
    assert fault(await group.call("PUT", "/order", json={"ids": [made["id"]]}))[0] == 400
    assert (await mine.read(f"/environments/{made['id']}"))["archived"] is False


async def test_rights_are_those_of_the_configuration(library: Library) -> None:
    site = await library.site()
    group = Group(site, "PRIORITY")
    high = await group.id("High")
    await library.world.membership(site.tenant)
    await library.world.permissions(
        site.tenant, state(site), to_user(ACCOUNT, Entity.CONFIGURATION, Right.VIEW)
    )
    await site.until("/testcases", 403, projectKey=site.key)
    assert len(await group.all()) == 3
    assert fault(await group.call("PUT", "/order", json={"ids": [high]}))[0] == 403
    assert fault(await group.call("PATCH", f"/{high}", json={"archived": True}))[0] == 403
    assert fault(await group.call("DELETE", f"/{high}"))[0] == 403


async def test_nothing_is_removed_while_the_other_service_cannot_be_asked(site: Site) -> None:
    """executions does not run here: what it holds is not known."""
    made = await site.create("/environments", name="Chrome")
    group = Group(site, "ENVIRONMENT")
    for params in ({}, {"dryRun": "true"}):
        answer = await group.call("DELETE", f"/{made['id']}", params=params)
        assert answer.status_code == 503
        assert "retry-after" in answer.headers
    assert len(await group.all()) == 1
