"""Executions of a test case point to the version that they ran, also when there are newer ones."""

from typing import Any

from contracts.routes import TESTCASES
from tests.harness.polling import eventually
from tests.integration.executions.linking import FIELDS, Linked
from tests.integration.executions.removing import OSTRO, delete, hurry, rows_of, send, stored
from tests.integration.executions.running import case_with, run, shown, steps_of, sync, write_steps
from tests.integration.executions.uploading import every, uploaded

ADMIN = FIELDS.rpartition("/")[0]


async def begun(linked: Linked, key: str) -> dict[str, Any]:
    """Begin a new version of a case."""
    answer = await send(linked, f"testcases/testcases/{key}/versions")
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return {name: made[name] for name in ("id", "self")}


async def texts(linked: Linked, ident: int) -> list[str]:
    """Return what the steps of an execution say."""
    return [step["inline"]["description"] for step in await steps_of(linked, ident)]


async def test_executions_stay_with_the_version_that_they_ran(linked: Linked) -> None:
    called = await case_with(linked, "of one", name="called")
    case = await case_with(linked, "one", {"testCase": {"testCaseKey": called}}, name="the case")
    await linked.make("testcycles")
    answer = await linked.http.post(f"/testcases/{case}/links/issues", json={"issueId": 10001})
    assert answer.status_code == 201, answer.text
    old = await run(linked, testCaseKey=case)
    (first,) = (await linked.http.get(f"/testcases/{case}/versions")).json()["values"]
    assert (await shown(linked, old))["testCase"] == first

    second = await begun(linked, case)
    # asked of the owner, and so right at once
    new = await run(linked, testCaseKey=case)
    assert (await shown(linked, new))["testCase"] == second
    assert (await shown(linked, old))["testCase"] == first
    for found in (first, second):
        read = await linked.http.get(found["self"].partition("/v2")[2])
        assert (read.status_code, read.json()["key"]) == (200, case)
    linking = (await linked.http.get("/issuelinks/DEMO-10001/testcases")).json()
    assert linking == [{"key": case, "version": 2, "self": second["self"]}]

    # calls lead to what the called case says now
    await begun(linked, called)
    await write_steps(linked, called, "of two")
    await write_steps(linked, case, "two", {"testCase": {"testCaseKey": called}})
    latest = await run(linked, testCaseKey=case)
    assert await texts(linked, old) == await texts(linked, new) == ["one", "of one"]
    assert await texts(linked, latest) == ["two", "of two"]
    assert (await shown(linked, latest))["testCase"] == second
    third = await begun(linked, case)
    assert (await sync(linked, latest)).status_code == 200
    assert (await shown(linked, latest))["testCase"] == third

    # uploads go by what was heard
    cases = rows_of(linked, "executions")["library_testcases"]
    heard = {"tenant": linked.tenant, "version_id": third["id"], "version": 3}
    await eventually(lambda: cases.count_documents(heard))
    cycle = await uploaded(linked.http, '<testsuite><testcase name="the case"/></testsuite>')
    (stored_run,) = await every(linked.http, "/testexecutions", testCycle=cycle["key"])
    assert stored_run["testCase"] == third
    total = await every(linked.http, "/testexecutions", testCase=case)
    assert [e["testCase"]["id"] for e in total] == [v["id"] for v in (first, second, third, third)]


async def test_versions_go_aside_and_away_with_their_case(linked: Linked) -> None:
    called = await case_with(linked, "a", name="called")
    case = await case_with(linked, {"testCase": {"testCaseKey": called}}, priorityName="High")
    (first,) = (await linked.http.get(f"/testcases/{case}/versions")).json()["values"]
    await begun(linked, case)
    own = f"testcases/testcases/{case}"
    assert (await send(linked, f"{own}/archive")).status_code == 200
    assert (await send(linked, f"{own}/versions")).status_code == 404
    for path in ("", "/1", "/2"):
        assert (await linked.http.get(f"/testcases/{case}/versions{path}")).status_code == 404
    assert (await send(linked, f"{own}/restore")).status_code == 200
    assert (await linked.http.get(f"/testcases/{case}/versions")).json()["values"][1] == first

    # a version holds what it names: its priority
    shown_case = (await linked.http.get(f"/testcases/{case}")).json()
    high = shown_case["priority"]["id"]
    priorities = await every(linked.http, "/priorities", projectKey="DEMO")
    other = next(p["id"] for p in priorities if p["id"] != high)
    changed = await linked.http.put(
        f"/testcases/{case}", json=shown_case | {"priority": {"id": other}}
    )
    assert changed.status_code == 200, changed.text
    dry = await linked.http.delete(f"{ADMIN}/options/PRIORITY/{high}", params={"dryRun": "true"})
    assert dry.json()["usage"]["testCases"] == 1, dry.text

    # and the call that it has goes when the called case goes
    await write_steps(linked, case, "own")
    assert (await delete(linked, f"testcases/testcases/{called}")).status_code == 200
    rows = rows_of(linked, TESTCASES)["testcase_versions"]
    mine = {"tenant": linked.tenant}

    async def written_out() -> bool:
        (kept,) = await rows.find(mine).to_list(None)
        (step,) = kept["script"]["steps"]
        text = step.get("inline", {}).get("description")
        return bool(text == f"Called {called}, which was deleted.")

    await eventually(written_out)
    gone = await delete(linked, own)
    assert gone.json()["dependents"]["versions"]["count"] == 2, gone.text
    await hurry(linked, TESTCASES)
    assert await stored(linked, TESTCASES, "testcase_versions", "testcases") == {}
    assert (await linked.http.post(f"{OSTRO}/{own}/versions")).status_code == 404
