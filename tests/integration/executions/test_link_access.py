"""Who may make, see and remove links: by right, by tenant, and what does not show yet."""

from contracts.ids import public_id
from contracts.permissions import Entity, Right
from tests.harness.grants import to_user
from tests.harness.tenancy_world import ACCOUNT
from tests.integration.executions.linking import (
    BODIES,
    ROUTES,
    House,
    Linked,
    fault,
)


async def test_rights(linked: Linked) -> None:
    key, (run, _) = await linked.upload()
    of_cycle, of_run = await linked.cycle_page(key), await linked.execution_issue(run)
    cycle_paths = [f"/testcycles/{key}/links/{kind}" for kind in ("issues", "weblinks")]
    run_path = f"/testexecutions/{run}/links/issues"

    async def statuses() -> list[int]:
        found = [
            await linked.http.post(p, json=BODIES[p.rpartition("/")[2]])
            for p in (*cycle_paths, run_path)
        ]
        found += [await linked.remove(link) for link in (of_cycle, of_run)]
        # what is not there answers as what is
        unknown = [await linked.remove(link + 8_000) for link in (of_cycle, of_run)]
        assert [a.status_code == 403 for a in unknown] == [a.status_code == 403 for a in found[-2:]]
        return [a.status_code for a in found]

    views = [
        to_user(ACCOUNT, entity, Right.VIEW)
        for entity in (Entity.TEST_CYCLE, Entity.TEST_EXECUTION)
    ]
    more = to_user(ACCOUNT, Entity.TEST_CYCLE, Right.CREATE, Right.DELETE, Right.EXECUTE)
    edit_run = to_user(ACCOUNT, Entity.TEST_EXECUTION, Right.EDIT, Right.CREATE, Right.DELETE)
    await linked.permit(*views, more, edit_run)
    assert await statuses() == [403] * 5
    assert len((await linked.of_cycle(key))["webLinks"]) == 1
    await linked.permit(to_user(ACCOUNT, Entity.TEST_CYCLE, Right.EDIT))
    await linked.until(f"/testcycles/{key}/links", 403)
    assert await statuses() == [201, 201, 403, 200, 403]
    await linked.permit(to_user(ACCOUNT, Entity.TEST_EXECUTION, Right.EXECUTE), views[0])
    await linked.until(f"/testcycles/{key}/links", 200)
    assert await statuses() == [403, 403, 201, 403, 200]
    assert fault(await linked.http.get(f"/testexecutions/{run}/links"))[0] == 403


async def test_a_disabled_project(linked: Linked) -> None:
    key, (run, _) = await linked.upload()
    links = [await linked.cycle_page(key), await linked.execution_issue(run)]
    shut = linked.project.model_copy(update={"enabled": False})
    await linked.house.world.publish_project(linked.tenant, shut)
    await linked.until(f"/testcycles/{key}", 404)
    for path, body in ROUTES:
        where = path.format(cycle=key, run=run)
        assert fault(await linked.http.post(f"/{where}", json=body))[0] == 404
    assert fault(await linked.http.get(f"/testcycles/{key}/links"))[0] == 404
    assert fault(await linked.http.get(f"/testexecutions/{run}/links"))[0] == 400
    for link in links:
        assert fault(await linked.remove(link))[0] == 404


async def test_what_is_another_tenants(house: House) -> None:
    """The other's project has the same key and the same id, and the same numbers are asked for."""
    mine = await house.linked()
    twin = await house.linked(project=mine.project.id)
    key, (run, _) = await mine.upload()
    links = [
        await mine.cycle_page(key),
        await mine.cycle_issue(key),
        await mine.execution_issue(run),
    ]
    for path, body in ROUTES:
        where, unknown = path.format(cycle=key, run=run), path.format(cycle="DEMO-R99", run="99")
        found = fault(await twin.http.post(f"/{where}", json=body))
        assert found[0] == fault(await twin.http.post(f"/{unknown}", json=body))[0] != 201
    for link in links:
        assert fault(await twin.remove(link))[0] == 404
    assert fault(await twin.http.get(f"/testcycles/{key}/links"))[0] == 404
    assert fault(await twin.http.get(f"/testexecutions/{run}/links"))[0] == 400
    assert await twin.to_issue("testcycles") == await twin.to_issue("executions") == []
    assert len((await mine.of_cycle(key))["webLinks"]) == 1


async def test_an_upload_that_is_not_accepted_shows_through_no_link(linked: Linked) -> None:
    upload = await linked.by_hand()
    cycle, run = upload.context.cycle, upload.context.first_id
    # none can be made; if there were any, nothing would tell
    links = [public_id(linked.project.id, number) for number in (8_000, 8_002)]
    for collection, ident, link in zip(
        ("test_cycles", "test_executions"), (cycle, run), links, strict=True
    ):
        made = {"id": link, "kind": "issue", "type": "COVERAGE", "issue": 10001}
        query = {"tenant": linked.tenant, "id": ident}
        await linked.house.database[collection].update_one(query, {"$set": {"links": [made]}})
    for path, body in ROUTES:
        where = path.format(cycle=cycle, run=run)
        unknown = path.format(cycle=cycle + 1, run=run + 100)
        status = fault(await linked.http.post(f"/{where}", json=body))[0]
        assert status == fault(await linked.http.post(f"/{unknown}", json=body))[0]
    assert fault(await linked.http.get(f"/testcycles/{cycle}/links"))[0] == 404
    assert fault(await linked.http.get(f"/testexecutions/{run}/links"))[0] == 400
    for link in links:
        assert fault(await linked.remove(link))[0] == 404
    assert await linked.to_issue("testcycles") == await linked.to_issue("executions") == []
    await upload.seal(chunks=1)
    assert await linked.to_issue("testcycles") == await linked.to_issue("executions") == []
    await upload.accept()
    assert await linked.to_issue("testcycles") == [cycle]
    assert await linked.to_issue("executions") == [run]
    assert [(await linked.remove(link)).status_code for link in links] == [200, 200]
