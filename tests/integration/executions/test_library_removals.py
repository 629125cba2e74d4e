"""Delete and archive of test cases and folders, with what hangs on them in both services."""

import asyncio
from typing import Any

import httpx
import orjson
import pytest

from contracts.ids import public_id
from contracts.routes import EXECUTIONS, TESTCASES
from tests.harness.polling import eventually
from tests.integration.executions.linking import Linked
from tests.integration.executions.removing import (
    OSTRO,
    archived,
    attach,
    counts,
    delete,
    hurry,
    rows_of,
    send,
    stored,
)
from tests.integration.executions.running import case_with, post, run
from tests.integration.executions.uploading import every, uploaded
from tests.integration.executions.uploading import send as upload

pytestmark = pytest.mark.long


async def executed_case(linked: Linked, **fields: Any) -> tuple[str, str, int]:
    """Make a case with a run, attachments, a link and a caller; return both keys and the run."""
    case = await case_with(linked, "a", "b", **fields)
    caller = await case_with(linked, {"testCase": {"testCaseKey": case}}, "own", name="caller")
    await linked.make("testcycles")
    ident = await run(linked, testCaseKey=case)
    await attach(linked, f"testcases/{case}")
    steps = (await linked.http.get(f"/testcases/{case}/teststeps")).json()["values"]
    await attach(linked, f"testcases/{case}/teststeps/{steps[0]['id']}")
    await attach(linked, f"testexecutions/{ident}")
    answer = await linked.http.post(f"/testcases/{case}/links/issues", json={"issueId": 10001})
    assert answer.status_code == 201, answer.text
    return case, caller, ident


HANGING = {
    "versions": 1,
    "links": 1,
    "attachments": 2,
    "callingTestCases": 1,
    "testExecutions": 1,
}


async def texts(linked: Linked, case: str) -> list[str]:
    """Return what the steps of a case say."""
    steps = (await linked.http.get(f"/testcases/{case}/teststeps")).json()["values"]
    return [step["inline"]["description"] for step in steps if step["inline"]]


async def none_runs(linked: Linked) -> None:
    """Wait until no execution shows."""
    await eventually(lambda: every(linked.http, "/testexecutions"), lambda found: found == [])


async def test_a_case_is_deleted_with_its_runs_and_calls(linked: Linked) -> None:
    case, caller, ident = await executed_case(linked)
    path = f"testcases/testcases/{case}"
    dry = await delete(linked, path, dryRun="true")
    assert counts(dry) == HANGING
    assert dry.json()["dependents"]["testExecutions"]["ids"] == [ident]
    refused = await delete(linked, path)
    assert refused.status_code == 409
    assert "1 test execution, 1 test case that calls it" in refused.json()["message"]
    assert (await linked.http.get(f"/testcases/{case}")).status_code == 200
    assert counts(await delete(linked, path, force="true")) == HANGING
    for more in ("", "/teststeps", "/links", "/versions", "/versions/1", "/attachments"):
        assert (await linked.http.get(f"/testcases/{case}{more}")).status_code == 404, more
    assert [c["key"] for c in await every(linked.http, "/testcases")] == [caller]
    assert (await post(linked, testCaseKey=case)).status_code == 404
    await none_runs(linked)
    gone = [f"Called {case}, which was deleted.", "own"]
    await eventually(lambda: texts(linked, caller), lambda found: found == gone)
    await hurry(linked)
    assert await stored(linked, EXECUTIONS, "test_executions") == {}
    assert await stored(linked, TESTCASES, "testcases") == {"testcases": 1}
    for service in (TESTCASES, EXECUTIONS):
        kept = {"tenant": linked.tenant, "state": "stored"}
        assert await rows_of(linked, service)["attachments"].count_documents(kept) == 0
    assert (await delete(linked, path)).status_code == 404
    # its number is given to nobody
    assert await case_with(linked) not in {case, caller}


async def test_an_archived_case_comes_back_whole(linked: Linked) -> None:
    case, caller, ident = await executed_case(linked, folderId=await linked.folder("TEST_CASE"))
    seen = [f"testcases/{case}{m}" for m in ("", "/teststeps", "/links", "/attachments")]
    before = [(await linked.http.get(f"/{path}")).json() for path in seen]
    path = f"testcases/testcases/{case}"
    for dry in ("true", "false"):
        assert counts(await send(linked, f"{path}/archive", dryRun=dry)) == HANGING
    for read in seen:
        assert (await linked.http.get(f"/{read}")).status_code == 404, read
    assert [c["key"] for c in await every(linked.http, "/testcases")] == [caller]
    link = before[0]["links"]["issues"][0]["id"]
    assert (await linked.http.delete(f"/links/{link}")).status_code == 404
    # what was run is history; nothing is run any more
    assert (await linked.http.get(f"/testexecutions/{ident}")).status_code == 200
    assert (await post(linked, testCaseKey=case)).status_code == 404
    assert [c["key"] for c in await archived(linked, "testcases/testcases")] == [case]
    assert (await send(linked, f"{path}/archive")).status_code == 404
    assert (await send(linked, f"{path}/restore")).status_code == 200
    assert await archived(linked, "testcases/testcases") == []
    assert [(await linked.http.get(f"/{path}")).json() for path in seen] == before
    await run(linked, testCaseKey=case)


async def test_uploads_do_not_match_an_archived_case(linked: Linked) -> None:
    file = '<testsuite><testcase name="same name" time="1"/></testsuite>'
    await uploaded(linked.http, file)
    (first,) = await every(linked.http, "/testcases")
    assert (await send(linked, f"testcases/testcases/{first['key']}/archive")).status_code == 200
    cases = rows_of(linked, EXECUTIONS)["library_testcases"]
    heard = {"tenant": linked.tenant, "id": first["id"], "archived": True}
    await eventually(lambda: cases.count_documents(heard))
    assert (await upload(linked.http, file, create=False)).status_code == 400
    keyed = file.replace("same name", f"{first['key']} x")
    assert (await upload(linked.http, keyed, create=True)).status_code == 400
    await uploaded(linked.http, file)
    (second,) = await every(linked.http, "/testcases")
    assert second["key"] != first["key"]
    assert second["name"] == first["name"]
    await send(linked, f"testcases/testcases/{first['key']}/restore")
    assert [c["id"] for c in await every(linked.http, "/testcases")] == [first["id"], second["id"]]


async def test_a_clients_id_of_a_case_that_is_being_erased_says_not_that_it_is_stored(
    linked: Linked,
) -> None:
    async def made() -> dict[str, Any]:
        items = [{"projectKey": "DEMO", "name": "n", "clientId": "c"}]
        answer = await linked.http.post(f"{OSTRO}/testcases/bulk", json={"items": items})
        found: dict[str, Any] = answer.json()["results"][0]
        return found

    first = await made()
    assert await made() == first
    assert (await delete(linked, f"testcases/testcases/{first['key']}")).status_code == 200
    # it may be erased by now: then this is another one
    refused = await made()
    assert refused["status"] == 409 or refused["id"] > first["id"]
    await hurry(linked, TESTCASES)
    again = await eventually(made, lambda found: found["status"] != 409)
    assert (again["status"], again["id"] > first["id"]) == (201, True)


async def test_nothing_is_left_of_what_is_made_while_its_case_is_deleted(linked: Linked) -> None:
    case = await case_with(linked, "a")
    caller = await case_with(linked, "b")
    await linked.make("testcycles")

    async def made() -> list[httpx.Response]:
        answers = [await post(linked, testCaseKey=case) for _ in range(8)]
        await write_quietly(linked, caller, case)
        return answers

    async def deleted() -> httpx.Response:
        await asyncio.sleep(0)
        return await delete(linked, f"testcases/testcases/{case}", force="true")

    answers, gone = await asyncio.gather(made(), deleted())
    assert gone.status_code == 200
    assert {a.status_code for a in answers} <= {201, 404}
    await eventually(lambda: rows_of(linked, EXECUTIONS)["jobs"].count_documents({"kind": "case"}))
    await hurry(linked)
    assert await every(linked.http, "/testexecutions") == []
    assert await stored(linked, EXECUTIONS, "test_executions") == {}
    steps = (await linked.http.get(f"/testcases/{caller}/teststeps")).json()["values"]
    assert all(step["inline"] for step in steps)


async def write_quietly(linked: Linked, caller: str, called: str) -> None:
    """Try to call a case."""
    body = {"mode": "OVERWRITE", "items": [{"testCase": {"testCaseKey": called}}]}
    answer = await linked.http.post(f"/testcases/{caller}/teststeps", json=body)
    assert answer.status_code in {201, 400}, answer.text


@pytest.mark.parametrize("kind", ["TEST_CASE", "TEST_CYCLE", "TEST_PLAN"])
async def test_folders(linked: Linked, kind: str) -> None:
    root, below = await linked.folder(kind), 0
    sub = {"projectKey": "DEMO", "folderType": kind, "name": "s", "parentId": root}
    below = (await linked.http.post("/folders", json=sub)).json()["id"]
    path, noun = {
        "TEST_CASE": ("testcases", "testCases"),
        "TEST_CYCLE": ("testcycles", "testCycles"),
        "TEST_PLAN": ("testplans", "testPlans"),
    }[kind]
    keys = [(await linked.make(path, folderId=f))["key"] for f in (root, below)]
    one = f"testcases/folders/{root}"
    # not empty: neither archived nor deleted
    assert (await send(linked, f"{one}/archive")).status_code == 409
    refused = await delete(linked, one)
    assert refused.status_code == 409
    assert "1 folder, 1 test" in refused.json()["message"]
    moved = await delete(linked, one, force="true")
    assert counts(moved) == {"folders": 1, noun: 1}
    assert (await linked.http.get(f"/folders/{root}")).status_code == 404
    await eventually(
        lambda: linked.http.get(f"/{path}/{keys[0]}"), lambda a: a.json()["folder"] is None
    )
    await eventually(
        lambda: linked.http.get(f"/folders/{below}"), lambda a: a.json()["parentId"] is None
    )
    everything = {"contents": "delete", "force": "true"}
    one = f"testcases/folders/{below}"
    assert counts(await delete(linked, one, contents="delete", dryRun="true")) == {noun: 1}
    assert counts(await delete(linked, one, **everything)) == {noun: 1}
    await linked.until(f"/{path}/{keys[1]}", 404)
    await hurry(linked)
    assert [t["key"] for t in await every(linked.http, f"/{path}")] == keys[:1]
    assert await stored(linked, TESTCASES, "folders") == {}


async def test_an_archived_folder_comes_back(linked: Linked) -> None:
    parent = await linked.folder("TEST_CYCLE")
    sub = {"projectKey": "DEMO", "folderType": "TEST_CYCLE", "name": "s", "parentId": parent}
    folder = (await linked.http.post("/folders", json=sub)).json()["id"]
    one = f"testcases/folders/{folder}"
    assert counts(await send(linked, f"{one}/archive")) == {}
    assert (await linked.http.get(f"/folders/{folder}")).status_code == 404
    assert [f["id"] for f in await archived(linked, "testcases/folders")] == [folder]

    async def refused() -> bool:
        body = {"projectKey": "DEMO", "name": "n", "folderId": folder}
        return (await linked.http.post("/testcycles", json=body)).status_code == 400

    # executions hears of it
    await eventually(refused)
    # a cycle that was put there meanwhile is not lost
    await hurry(linked)
    assert {c["folder"] and c["folder"]["id"] for c in await every(linked.http, "/testcycles")} <= {
        None
    }
    await delete(linked, f"testcases/folders/{parent}")
    assert (await send(linked, f"{one}/restore")).status_code == 200
    shown = (await linked.http.get(f"/folders/{folder}")).json()
    assert (shown["name"], shown["parentId"]) == ("s", None)
    await linked.make("testcycles", folderId=folder)
    assert (await send(linked, f"{one}/restore")).status_code == 404


async def test_one_attachment_of_a_step_is_removed(linked: Linked) -> None:
    case = await case_with(linked, "a")
    steps = (await linked.http.get(f"/testcases/{case}/teststeps")).json()["values"]
    for path in (f"testcases/{case}", f"testcases/{case}/teststeps/{steps[0]['id']}"):
        file = await attach(linked, path)
        assert (await delete(linked, f"testcases/{path}/attachments/{file}")).status_code == 204
        assert (await delete(linked, f"testcases/{path}/attachments/{file}")).status_code == 404
        assert (await linked.http.get(f"/{path}/attachments")).status_code == 404


async def test_results_that_are_replayed_after_their_case_went_go_too(linked: Linked) -> None:
    case = await case_with(linked)
    assert case == "DEMO-T1"  # what rows made by hand belong to
    assert (await delete(linked, f"testcases/testcases/{case}")).status_code == 200
    cases = rows_of(linked, EXECUTIONS)["library_testcases"]
    ident = public_id(linked.project.id, 1)
    heard = {"_id": f"{linked.tenant}/{ident}", "gone_at": {"$exists": True}}
    await eventually(lambda: cases.count_documents(heard))
    await hurry(linked)
    upload = linked.house.hand.upload(linked.tenant, linked.project.id)
    await upload.open(results=2)
    event = orjson.loads(upload.record(0, rows=2).value or b"")
    event["data"]["executed_at"] = "2026-01-01T00:00:00Z"
    await upload.raw(0, orjson.dumps(event))
    await eventually(upload.ledger, lambda n: n == 1)
    await upload.seal(chunks=1)
    await upload.accept()
    await hurry(linked)
    assert await stored(linked, EXECUTIONS, "test_executions") == {}
