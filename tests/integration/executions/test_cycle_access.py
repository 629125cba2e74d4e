"""Who may write test cycles, and which of them are unknown."""

from typing import Any

import pytest

from contracts.permissions import Entity, Right
from tests.harness.grants import to_user
from tests.harness.tenancy_world import ACCOUNT
from tests.integration.executions.linking import House, Linked, fault
from tests.integration.executions.shapes import CYCLE

START, END = "2026-11-24T12:00:00Z", "2026-12-24T12:00:00Z"


@pytest.fixture(scope="module")
async def untouched(house: House) -> Linked:
    """A tenant with one cycle that stays as it is."""
    linked = await house.linked()
    await linked.make("testcycles", plannedStartDate=START)
    return linked


async def shown(linked: Linked, cycle: int | str) -> Any:
    return await linked.read(f"/testcycles/{cycle}", CYCLE)


async def test_unknown_ones(untouched: Linked) -> None:
    cycle = await shown(untouched, "DEMO-R1")
    for name, status in (
        ("DEMO-R99", 404),
        ("NOPE-R1", 404),
        ("77", 404),
        (str(2**63), 404),
        ("9" * 400, 404),
        ("DEMO", 400),
        ("demo-r", 400),
    ):
        answer = await untouched.http.put(f"/testcycles/{name}", json=cycle)
        assert fault(answer)[0] == status, name
        assert fault(await untouched.http.get(f"/testcycles/{name}"))[0] == status


async def test_rights(linked: Linked) -> None:
    made = await linked.make("testcycles")
    cycle = await shown(linked, made["id"])
    sent = {"projectKey": "DEMO", "name": "n"}

    async def statuses() -> list[int]:
        created = await linked.http.post("/testcycles", json=sent)
        replaced = await linked.put_cycle(cycle)
        unknown = await linked.http.put("/testcycles/DEMO-R99", json=cycle)
        assert unknown.status_code == (404 if replaced.status_code == 200 else 403)
        return [created.status_code, replaced.status_code]

    view = to_user(ACCOUNT, Entity.TEST_CYCLE, Right.VIEW)
    await linked.permit(view, to_user(ACCOUNT, Entity.TEST_CASE, Right.CREATE, Right.EDIT))
    assert await statuses() == [403, 403]
    await linked.permit(to_user(ACCOUNT, Entity.TEST_CYCLE, Right.CREATE))
    await linked.until(f"/testcycles/{made['id']}", 403)
    assert await statuses() == [201, 403]
    await linked.permit(view, to_user(ACCOUNT, Entity.TEST_CYCLE, Right.EDIT))
    await linked.until(f"/testcycles/{made['id']}", 200)
    assert await statuses() == [403, 200]


async def test_another_tenants_cycle_is_unknown(house: House) -> None:
    mine = await house.linked()
    twin = await house.linked(project=mine.project.id)
    place = await mine.folder("TEST_CYCLE")
    made = await mine.make("testcycles", folderId=place, statusName="Done")
    cycle = await shown(mine, made["id"])
    for name in (made["id"], made["key"]):
        found = fault(await twin.http.put(f"/testcycles/{name}", json=cycle))
        assert found[0] == 404
    sent = {"projectKey": "DEMO", "name": "n", "folderId": cycle["folder"]["id"]}
    assert fault(await twin.http.post("/testcycles", json=sent))[0] == 400
    assert await shown(mine, made["id"]) == cycle
    assert (await twin.http.get("/testcycles")).json()["total"] == 0


async def test_the_cycle_of_an_undecided_upload_is_unknown(linked: Linked) -> None:
    upload = await linked.by_hand()
    before = await linked.document("test_cycles", upload.context.cycle)
    body = {"id": upload.context.cycle, "key": "DEMO-R1", "name": "n"}
    body |= {"project": {"id": linked.project.id}, "status": {"id": 1}}
    answer = await linked.http.put(f"/testcycles/{upload.context.cycle}", json=body)
    assert fault(answer)[0] == 404
    assert await linked.document("test_cycles", upload.context.cycle) == before


async def test_every_year_reads_back(linked: Linked) -> None:
    dates = {"plannedStartDate": "0001-01-01T00:00:00Z", "plannedEndDate": "9999-12-31T23:59:59Z"}
    made = await linked.make("testcycles", **dates)
    found = await shown(linked, made["id"])
    assert {name: found[name] for name in dates} == dates
