"""Options and custom fields are removed only with the knowledge of executions."""

from datetime import timedelta
from typing import Any

import httpx

from kit.clock import SystemClock
from kit.mongo import connect
from tests.harness.backends import Backends
from tests.harness.operator import Operator
from tests.harness.polling import eventually
from tests.integration.executions.conftest import Site
from tests.integration.executions.uploading import every, uploaded

ADMIN = "http://ostro.test/ostro/v1/testcases/projects/DEMO"


async def options(site: Site, kind: str) -> dict[str, dict[str, Any]]:
    found = (await site.http.get(f"{ADMIN}/options/{kind}")).json()["values"]
    return {o["name"]: o for o in found}


async def archive(site: Site, kind: str, option: int) -> None:
    path = f"{ADMIN}/options/{kind}/{option}"
    answer = await site.http.patch(path, json={"archived": True})
    assert answer.status_code == 200, answer.text


async def a_minute_passes(backends: Backends, world: Operator, option: int) -> None:
    async with connect(backends.mongodb, world.installation.database("testcases")) as database:
        past = SystemClock().now() - timedelta(minutes=2)
        await database["options"].update_one({"id": option}, {"$set": {"updated_on": past}})


async def dry_run(site: Site, kind: str, option: int) -> dict[str, Any]:
    path = f"{ADMIN}/options/{kind}/{option}"
    answer = await site.http.delete(path, params={"dryRun": "true"})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def removed(site: Site, kind: str, option: int) -> httpx.Response:
    return await site.http.delete(f"{ADMIN}/options/{kind}/{option}")


async def test_an_unused_option_is_removed_once_it_is_archived_for_a_minute(
    site: Site, world: Operator, servers: Backends
) -> None:
    body = {"projectKey": "DEMO", "name": "Flaky", "type": "TEST_EXECUTION"}
    flaky = (await site.http.post("/statuses", json=body)).json()["id"]
    found = await dry_run(site, "TEST_EXECUTION", flaky)
    assert found["usage"] == {"testCases": 0, "testPlans": 0, "testCycles": 0, "testExecutions": 0}
    assert found["reasons"] == ["It is not archived."]
    assert (await removed(site, "TEST_EXECUTION", flaky)).status_code == 409
    await archive(site, "TEST_EXECUTION", flaky)
    assert "minute" in (await dry_run(site, "TEST_EXECUTION", flaky))["reasons"][0]
    assert (await removed(site, "TEST_EXECUTION", flaky)).status_code == 409
    await a_minute_passes(servers, world, flaky)

    async def hindrances() -> list[str]:
        reasons: list[str] = (await dry_run(site, "TEST_EXECUTION", flaky))["reasons"]
        return reasons

    # executions hears of it by its state topic
    await eventually(hindrances, lambda reasons: reasons == [])
    answer = await removed(site, "TEST_EXECUTION", flaky)
    assert (answer.status_code, answer.json()["deleted"]) == (200, True)
    assert (await site.http.get(f"/statuses/{flaky}")).status_code == 404
    assert (await removed(site, "TEST_EXECUTION", flaky)).status_code == 404
    assert "Flaky" not in await options(site, "TEST_EXECUTION")
    again = await site.http.post("/statuses", json=body)
    assert (again.status_code, again.json()["id"] > flaky) == (201, True)


async def test_what_executions_have_stays(site: Site, world: Operator, servers: Backends) -> None:
    body = {"projectKey": "DEMO", "name": "Skipped", "type": "TEST_EXECUTION"}
    skipped = (await site.http.post("/statuses", json=body)).json()["id"]
    cycle = await uploaded(site.http)
    runs = await every(site.http, "/testexecutions", testCycle=cycle["key"])
    count = sum(r["testExecutionStatus"]["id"] == skipped for r in runs)
    assert count
    await archive(site, "TEST_EXECUTION", skipped)
    await a_minute_passes(servers, world, skipped)
    found = await dry_run(site, "TEST_EXECUTION", skipped)
    assert found["usage"]["testExecutions"] == count
    assert any(reason.startswith(f"{count} thing") for reason in found["reasons"])
    assert (await removed(site, "TEST_EXECUTION", skipped)).status_code == 409


async def test_what_is_built_in_or_has_cases_and_cycles_stays(
    site: Site, world: Operator, servers: Backends
) -> None:
    cycle = await uploaded(site.http)
    kinds = {"PRIORITY": "Normal", "TEST_CASE": "Draft", "TEST_CYCLE": "Not Executed"}
    for kind, name in kinds.items():
        option = (await options(site, kind))[name]["id"]
        found = await dry_run(site, kind, option)
        assert "built in" in found["reasons"][0]
        assert "it." in found["reasons"][1]
        assert (await removed(site, kind, option)).status_code == 409
    option = (await options(site, "TEST_CYCLE"))["Not Executed"]["id"]
    found = await dry_run(site, "TEST_CYCLE", option)
    assert found["usage"] == {"testCases": 0, "testPlans": 0, "testCycles": 1, "testExecutions": 0}
    assert (await site.http.get(f"/testcycles/{cycle['key']}")).status_code == 200


async def test_what_a_plan_has_stays(site: Site) -> None:
    field = {"entity": "test-plan", "type": "NUMBER", "name": "Load"}
    made = (await site.http.post(f"{ADMIN}/custom-fields", json=field)).json()
    status = {"projectKey": "DEMO", "name": "Ready", "type": "TEST_PLAN"}
    ready = (await site.http.post("/statuses", json=status)).json()["id"]
    plan = {"projectKey": "DEMO", "name": "n", "statusName": "Ready", "customFields": {"Load": 7}}
    assert (await site.http.post("/testplans", json=plan)).status_code == 201
    found = await dry_run(site, "TEST_PLAN", ready)
    assert found["usage"] == {"testCases": 0, "testPlans": 1, "testCycles": 0, "testExecutions": 0}
    assert "1 thing has it." in found["reasons"]
    path = f"{ADMIN}/custom-fields/{made['id']}"
    assert (await site.http.delete(path, params={"dryRun": "true"})).json()["values"] == 1
    assert (await site.http.delete(path)).json()["values"] == 1

    async def values() -> Any:
        return (await site.http.get("/testplans/DEMO-P1")).json()["customFields"]

    await eventually(values, lambda left: left == {})


async def test_a_field_of_cycles_is_removed_when_executions_was_asked(site: Site) -> None:
    body = {"entity": "test-cycle", "type": "NUMBER", "name": "Build"}
    made = (await site.http.post(f"{ADMIN}/custom-fields", json=body)).json()
    path = f"{ADMIN}/custom-fields/{made['id']}"
    dry = await site.http.delete(path, params={"dryRun": "true"})
    assert dry.json() == {"id": made["id"], "deleted": False, "values": 0}
    done = await site.http.delete(path)
    assert (done.status_code, done.json()["deleted"]) == (200, True)
    assert (await site.http.get(path)).status_code == 404
