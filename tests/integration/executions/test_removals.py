"""Delete and archive of test cycles, plans and executions."""

from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.permissions import Entity, Right
from contracts.routes import EXECUTIONS
from services.executions.usecases.removals import MOST_MOVING
from tests.harness.grants import to_user
from tests.harness.tenancy_world import ACCOUNT
from tests.integration.executions.linking import Linked
from tests.integration.executions.removing import (
    archived,
    attach,
    counts,
    delete,
    hurry,
    send,
    stored,
)
from tests.integration.executions.running import case_with, run
from tests.integration.executions.uploading import every

KINDS = ("testcycles", "testplans", "testexecutions")


async def cycle_with_runs(linked: Linked, results: int = 3) -> tuple[str, str, list[int]]:
    """Upload a cycle and give it a link, a plan, and attachments of its own and of a run."""
    cycle, runs = await linked.upload(results)
    await linked.cycle_issue(cycle)
    plan = (await linked.make("testplans"))["key"]
    await linked.plan_link(plan, "testcycles", testCycleIdOrKey=cycle)
    await attach(linked, f"testcycles/{cycle}")
    await attach(linked, f"testexecutions/{runs[0]}")
    return cycle, plan, runs


async def cycles_of(linked: Linked, plan: str) -> list[Any]:
    found: list[Any] = (await linked.http.get(f"/testplans/{plan}")).json()["links"]["testCycles"]
    return found


async def totals(linked: Linked) -> tuple[int, int, int]:
    """Return how many cycles, plans and executions show."""
    return tuple([len(await every(linked.http, f"/{k}")) for k in KINDS])  # type: ignore[return-value]


WANTED = {"testExecutions": 3, "attachments": 2, "links": 1, "testPlans": 1}


async def test_a_cycle_is_deleted_with_all_that_hangs_on_it(linked: Linked) -> None:
    cycle, plan, runs = await cycle_with_runs(linked)
    dry = await delete(linked, f"executions/testcycles/{cycle}", dryRun="true")
    assert counts(dry) == WANTED
    assert "force" in dry.json()["reasons"][0]
    assert not dry.json()["done"]
    assert sorted(dry.json()["dependents"]["testExecutions"]["ids"]) == runs
    refused = await delete(linked, f"executions/testcycles/{cycle}")
    assert refused.status_code == 409
    assert "3 test executions" in refused.json()["message"]
    mistyped = await delete(linked, f"executions/testcycles/{cycle}", force="true", dry_run="true")
    assert mistyped.status_code == 400
    assert "dry_run is no parameter here" in mistyped.json()["message"]
    assert (await linked.http.get(f"/testcycles/{cycle}")).status_code == 200
    assert await totals(linked) == (1, 1, 3)
    done = await delete(linked, f"executions/testcycles/{cycle}", force="true")
    assert (counts(done), done.json()["done"]) == (WANTED, True)
    assert await totals(linked) == (0, 1, 0)
    assert await cycles_of(linked, plan) == []
    assert (await delete(linked, f"executions/testcycles/{cycle}", force="true")).status_code == 404
    await hurry(linked)
    assert await stored(linked, EXECUTIONS, "test_cycles", "test_executions", "ledger") == {}
    attachments = linked.house.database["attachments"]
    assert await attachments.count_documents({"tenant": linked.tenant, "state": "stored"}) == 0
    hidden = {"tenant": linked.tenant, "hidden": True}
    assert await linked.house.database["uploads"].count_documents(hidden) == 0
    row = await linked.house.database["test_plans"].find_one({"tenant": linked.tenant})
    assert row is not None
    assert row["links"] == []
    # a chunk that comes once more finds nothing to belong to, and the number is not given again
    assert await totals(linked) == (0, 1, 0)
    assert (await linked.make("testcycles"))["key"] != cycle


async def test_an_archived_cycle_comes_back_whole(linked: Linked) -> None:
    cycle, plan, runs = await cycle_with_runs(linked)
    alone = runs[-1]
    assert (await send(linked, f"executions/testexecutions/{alone}/archive")).status_code == 200
    before = [(await linked.http.get(f"/{path}")).json() for path in paths(cycle, runs[0])]
    assert (
        counts(await send(linked, f"executions/testcycles/{cycle}/archive", dryRun="true"))
        == WANTED
    )
    assert await totals(linked) == (1, 1, 2)
    assert counts(await send(linked, f"executions/testcycles/{cycle}/archive")) == WANTED
    for settled in (False, True):
        assert await totals(linked) == (0, 1, 0)
        for path in paths(cycle, runs[0]):
            assert (await linked.http.get(f"/{path}")).status_code in {400, 404}, path
        assert await cycles_of(linked, plan) == []
        assert (await send(linked, f"executions/testexecutions/{alone}/restore")).status_code == 409
        assert (await send(linked, f"executions/testcycles/{cycle}/archive")).status_code == 404
        assert [c["key"] for c in await archived(linked, "executions/testcycles")] == [cycle]
        if not settled:
            await hurry(linked)
    assert (
        await linked.house.database["uploads"].count_documents(
            {"tenant": linked.tenant, "hidden": True}
        )
        == 0
    )
    assert (await send(linked, f"executions/testcycles/{cycle}/restore")).status_code == 200
    await linked.until(f"/testcycles/{cycle}", 200)
    assert await totals(linked) == (1, 1, 2)
    after = [(await linked.http.get(f"/{path}")).json() for path in paths(cycle, runs[0])]
    assert after == before
    assert len(await cycles_of(linked, plan)) == 1
    assert (await send(linked, f"executions/testexecutions/{alone}/restore")).status_code == 200
    assert await totals(linked) == (1, 1, 3)


def paths(cycle: str, run: int) -> list[str]:
    """Return what is read of a cycle and a run."""
    things = (f"testcycles/{cycle}", f"testexecutions/{run}")
    return [f"{t}{more}" for t in things for more in ("", "/links", "/attachments")]


async def test_who_records_while_an_empty_cycle_goes_keeps_it(linked: Linked) -> None:
    made = await linked.make("testcycles")
    # a request that found the cycle before it went stores its run behind that
    other, (late, *_) = await linked.upload(1)
    assert (await delete(linked, f"executions/testcycles/{made['key']}")).json()["done"]
    assert (await linked.http.get(f"/testcycles/{made['key']}")).status_code == 404
    rows = linked.house.database["test_executions"]
    moved = {"tenant": linked.tenant, "id": late}
    await rows.update_one(moved, {"$set": {"cycle": made["id"]}})
    assert (await linked.http.get(f"/testexecutions/{late}")).status_code == 404
    await hurry(linked)
    await linked.until(f"/testcycles/{made['key']}", 200)
    assert [
        e["id"] for e in await every(linked.http, "/testexecutions", testCycle=made["key"])
    ] == [late]
    # the other one is empty by now, and goes
    assert (await delete(linked, f"executions/testcycles/{other}")).json()["done"]
    await hurry(linked)
    assert (await linked.http.get(f"/testcycles/{other}")).status_code == 404


async def test_what_may_not_be_viewed_is_counted_and_not_named(linked: Linked) -> None:
    cycle, _, runs = await cycle_with_runs(linked)
    rights = (Right.VIEW, Right.DELETE)
    await linked.permit(to_user(ACCOUNT, Entity.TEST_CYCLE, *rights))
    await linked.until(f"/testexecutions/{runs[0]}", 403)
    found = (await delete(linked, f"executions/testcycles/{cycle}", dryRun="true")).json()
    assert found["dependents"]["testExecutions"] == {"count": 3, "ids": []}
    assert found["dependents"]["testPlans"] == {"count": 1, "ids": []}


@pytest.mark.long
async def test_a_restore_overtakes_an_archive(linked: Linked) -> None:
    cycle, _, runs = await cycle_with_runs(linked)
    assert (await send(linked, f"executions/testcycles/{cycle}/archive")).status_code == 200
    assert (await send(linked, f"executions/testcycles/{cycle}/restore")).status_code == 200
    await linked.until(f"/testcycles/{cycle}", 200)
    await hurry(linked)
    found = await every(linked.http, "/testexecutions", testCycle=cycle)
    assert [e["id"] for e in found] == runs


@pytest.mark.long
async def test_plans(linked: Linked) -> None:
    _, plan, _ = await cycle_with_runs(linked)
    file = await attach(linked, f"testplans/{plan}")
    shown = (await linked.http.get(f"/testplans/{plan}")).json()
    held = {"links": 1, "attachments": 1}
    assert counts(await send(linked, f"executions/testplans/{plan}/archive")) == held
    assert await totals(linked) == (1, 0, 3)
    for path in (f"testplans/{plan}", f"testplans/{plan}/attachments/{file}"):
        assert (await linked.http.get(f"/{path}")).status_code == 404
    assert (await send(linked, f"executions/testplans/{plan}/restore")).status_code == 200
    assert (await linked.http.get(f"/testplans/{plan}")).json() == shown
    assert (await send(linked, f"executions/testplans/{plan}/restore")).status_code == 404
    # an archived one can be deleted
    assert (await send(linked, f"executions/testplans/{plan}/archive")).status_code == 200
    assert counts(await delete(linked, f"executions/testplans/{plan}")) == held
    assert (await send(linked, f"executions/testplans/{plan}/restore")).status_code == 404
    await hurry(linked)
    assert await stored(linked, EXECUTIONS, "test_plans") == {}


async def test_an_older_run_is_the_newest_again(linked: Linked) -> None:
    case = await case_with(linked, "a")
    cycle = (await linked.make("testcycles"))["key"]
    first, second = [await run(linked, testCaseKey=case, testCycleKey=cycle) for _ in range(2)]

    async def newest() -> list[int]:
        rows = await every(linked.http, "/testexecutions", onlyLastExecutions="true")
        return [row["id"] for row in rows]

    assert await newest() == [second]
    assert counts(await send(linked, f"executions/testexecutions/{second}/archive")) == {}
    assert await newest() == [first]
    assert (await send(linked, f"executions/testexecutions/{second}/restore")).status_code == 200
    assert await newest() == [second]
    assert counts(await delete(linked, f"executions/testexecutions/{second}")) == {}
    assert await newest() == [first]
    assert (await linked.http.get(f"/testexecutions/{second}")).status_code == 404
    await hurry(linked)
    assert await stored(linked, EXECUTIONS, "test_executions") == {"test_executions": 1}


@pytest.mark.long
async def test_one_attachment_is_removed(linked: Linked) -> None:
    cycle = (await linked.make("testcycles"))["key"]
    gone, kept = [await attach(linked, f"testcycles/{cycle}") for _ in range(2)]
    path = f"testcycles/{cycle}/attachments"
    assert (await delete(linked, f"executions/{path}/{gone}")).status_code == 204
    assert (await delete(linked, f"executions/{path}/{gone}")).status_code == 404
    assert (await linked.http.get(f"/{path}/{gone}")).status_code == 404
    listed = (await linked.http.get(f"/{path}")).json()["attachments"]
    assert [a["id"] for a in listed] == [kept]


@pytest.mark.long
async def test_only_so_many_cycles_are_on_their_way_at_once(linked: Linked) -> None:
    cycle = (await linked.make("testcycles"))["key"]
    jobs, later = linked.house.database["jobs"], datetime(2090, 1, 1, tzinfo=UTC)
    job = {"tenant": linked.tenant, "kind": "cycle", "due_at": later}
    rows: list[dict[str, Any]] = [
        job | {"_id": f"{linked.tenant}/cycle/{n}"} for n in range(MOST_MOVING)
    ]
    await jobs.insert_many(rows)
    refused = await send(linked, f"executions/testcycles/{cycle}/archive")
    assert (refused.status_code, "retry-after" in refused.headers) == (429, True)
    await jobs.delete_many({"tenant": linked.tenant})
    assert (await send(linked, f"executions/testcycles/{cycle}/archive")).status_code == 200
