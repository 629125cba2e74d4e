"""Steps of test executions: as they were when it ran, results by place, the present script."""

import asyncio
from typing import Any

import jsonschema
import pytest

from contracts.testcases import DEFAULT_OPTIONS
from tests.integration.executions.linking import House, Linked, fault
from tests.integration.executions.running import (
    case_with,
    post,
    put_steps,
    results_of,
    run,
    shown,
    status_id,
    steps_of,
    sync,
    write_steps,
    write_text,
)
from tests.integration.executions.shapes import SELF

BDD = "Given a shop\nWhen I buy\nThen I pay"


def said(status: str, actual: str | None = None) -> dict[str, Any]:
    return {"statusName": status} | ({} if actual is None else {"actualResult": actual})


@pytest.fixture(scope="module")
async def untouched(house: House) -> Linked:
    """A tenant with a run of two steps that stay as they are."""
    linked = await house.linked()
    await linked.make("testcycles")
    await case_with(linked, "one", "two")
    await run(linked, testScriptResults=[said("Fail", "a")])
    return linked


async def test_steps_stay_as_they_were_until_they_are_pulled_in(linked: Linked) -> None:
    cycle = await linked.make("testcycles")
    key = await case_with(linked, "one", "two", "two")
    results = [said("Pass", "a"), said("Fail", "b"), said("Blocked", "c")]
    ident = await run(linked, testScriptResults=results)
    before = await steps_of(linked, ident)
    await write_steps(linked, key, "two", "new", "one", "two, too")
    assert await steps_of(linked, ident) == before
    assert await results_of(linked, await run(linked, testCaseKey=key)) == [
        (text, "Not Executed", None) for text in ("two", "new", "one", "two, too")
    ]
    # that one is the newest now, so in a cycle of its own
    other = await linked.make("testcycles")
    mine = await run(linked, testCycleKey=other["key"], testScriptResults=results)
    await write_steps(linked, key, "one", "two", "two")
    before = await steps_of(linked, mine)
    answer = await sync(linked, mine)
    assert answer.status_code == 200, answer.text
    jsonschema.validate(answer.json(), SELF)
    assert answer.json()["self"].endswith(f"/v2/testexecutions/{mine}/teststeps")
    # what reads the same stays with its id and result: "one" and the first "two"
    assert await results_of(linked, mine) == [
        ("one", "Blocked", "c"),
        ("two", "Pass", "a"),
        ("two", "Not Executed", None),
    ]
    after = await steps_of(linked, mine)
    assert [s["id"] for s in after[:2]] == [before[2]["id"], before[0]["id"]]
    assert after[2]["id"] not in {s["id"] for s in before}
    assert (await sync(linked, mine)).status_code == 200
    assert await steps_of(linked, mine) == after
    assert cycle["key"] == "DEMO-R1"


async def test_the_script_as_it_is_run(linked: Linked) -> None:
    """Calls come as the steps of what is called, a text is one step."""
    await linked.make("testcycles")
    called = await case_with(linked, "called 1", "called 2")
    caller = await case_with(linked, "before", {"testCase": {"testCaseKey": called}}, "after")
    texts = ["before", "called 1", "called 2", "after"]
    results = [said(d.name) for d in DEFAULT_OPTIONS if d.type == "TEST_EXECUTION"][:4]
    ident = await run(linked, testCaseKey=caller, testScriptResults=results)
    assert await results_of(linked, ident) == [
        (text, result["statusName"], None) for text, result in zip(texts, results, strict=True)
    ]
    plain, bdd = await case_with(linked), await case_with(linked)
    await write_text(linked, plain, "plain", "<b>do</b>")
    await write_text(linked, bdd, "bdd", BDD)
    for key, text in ((plain, "<b>do</b>"), (bdd, BDD)):
        ident = await run(linked, testCaseKey=key, testScriptResults=[said("Fail", "no")])
        assert await results_of(linked, ident) == [(text, "Fail", "no")]
        answer = await post(linked, testCaseKey=key, testScriptResults=[said("Pass")] * 2)
        assert fault(answer)[0] == 400
        await write_text(linked, key, "plain", "other")
        assert await results_of(linked, ident) == [(text, "Fail", "no")]
        assert (await sync(linked, ident)).status_code == 200
        assert await results_of(linked, ident) == [("other", "Not Executed", None)]


async def test_results_are_recorded_by_place(linked: Linked) -> None:
    await linked.make("testcycles")
    await case_with(linked, "one", "two")
    flaky = {"projectKey": "DEMO", "type": "TEST_EXECUTION", "name": "Flaky"}
    made = (await linked.http.post("/statuses", json=flaky)).json()["id"]
    ident = await run(linked, testScriptResults=[said("Fail", "a")])
    before = await steps_of(linked, ident)
    nulls: dict[str, Any] = {"statusName": None, "actualResult": None}
    for nothing in ({}, nulls):
        assert (await put_steps(linked, ident, nothing, nothing)).status_code == 200
        assert await steps_of(linked, ident) == before
    answer = await put_steps(linked, "DEMO-E1", said("fLAKY"), {"actualResult": "b"})
    assert (answer.status_code, answer.content) == (200, b"")
    one, two = await steps_of(linked, ident)
    assert (one["inline"]["status"]["id"], one["inline"]["actualResult"]) == (made, "a")
    assert two["inline"] == before[1]["inline"] | {"actualResult": "b"}
    assert [one["id"], two["id"]] == [step["id"] for step in before]
    extras = {"id": 5, "inline": None, "statusName": "Pass", "actualResult": ""}
    assert (await put_steps(linked, ident, extras, extras)).status_code == 200
    assert await results_of(linked, ident) == [("one", "Pass", ""), ("two", "Pass", "")]
    # the statuses of the run itself is another matter
    assert (await shown(linked, ident))["testExecutionStatus"]["id"] == status_id(linked, "Pass")


NO_TEXT: list[Any] = [5, [], {}]
NO_STEPS: list[Any] = [5, "x", {}, ["x"], [None, None]]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        *[({"steps": value}, 400) for value in NO_STEPS],
        *[
            ({"steps": [{name: value}, {}]}, 400)
            for name in ("statusName", "actualResult")
            for value in NO_TEXT
        ],
        ({"steps": [{"statusName": ""}, {}]}, 400),
        ({"steps": [{"statusName": "x" * 256}, {}]}, 400),
        *[({"steps": [{}] * count}, 422) for count in (0, 1, 3, 2_000)],
        ({}, 422),
        ({"steps": None}, 422),
        ({"steps": [{"statusName": "nope"}, {}]}, 422),
        ({"steps": [{"statusName": "Draft"}, {"statusName": "Pass"}]}, 422),
    ],
)
async def test_what_is_refused_of_steps(untouched: Linked, body: Any, status: int) -> None:
    before = await untouched.document("test_executions", (await shown(untouched, "DEMO-E1"))["id"])
    answer = await untouched.http.put("/testexecutions/DEMO-E1/teststeps", json=body)
    assert fault(answer)[0] == status, answer.text
    assert await untouched.document("test_executions", before["id"]) == before


async def test_pages_of_steps(untouched: Linked) -> None:
    path = "/testexecutions/DEMO-E1/teststeps"
    page = (await untouched.http.get(path, params={"maxResults": 1, "startAt": 1})).json()
    every = await steps_of(untouched, "DEMO-E1")
    assert (page["values"], page["total"], page["isLast"]) == (every[1:], 2, True)
    page = (await untouched.http.get(path, params={"maxResults": 1})).json()
    assert (page["values"], page["isLast"]) == (every[:1], False)
    assert page["next"].endswith(f"{path}?maxResults=1&startAt=1") or "startAt=1" in page["next"]
    # no step ran with a row of test data
    assert await steps_of(untouched, "DEMO-E1", testDataRowNumber=0) == []
    wrong: list[dict[str, Any]] = [
        {"maxResults": "x"},
        {"startAt": -1},
        {"startAt": 1_000_001},
        {"testDataRowNumber": -1},
        {"testDataRowNumber": "x"},
    ]
    for params in wrong:
        assert fault(await untouched.http.get(path, params=params))[0] == 400


async def test_a_run_that_is_not_the_newest_is_frozen(linked: Linked) -> None:
    first, second = [(await linked.make("testcycles"))["key"] for _ in range(2)]
    key, other = await case_with(linked, "one"), await case_with(linked, "one")
    old = await run(linked)
    await run(linked, testCycleKey=second)
    await run(linked, testCaseKey=other)
    assert (await put_steps(linked, old, said("Fail"))).status_code == 200
    new = await run(linked, testCycleKey=first)
    before = await linked.document("test_executions", old)
    for answer in (
        await put_steps(linked, old, said("Pass")),
        await put_steps(linked, old),
        await sync(linked, old),
    ):
        assert fault(answer)[0] == 409
    assert await linked.document("test_executions", old) == before
    assert (await put_steps(linked, new, said("Pass"))).status_code == 200
    assert (await sync(linked, new)).status_code == 200
    # the run itself may be changed
    changed = await linked.http.put(f"/testexecutions/{old}", json={"statusName": "Fail"})
    assert changed.status_code == 200
    assert key == "DEMO-T1"


async def test_an_uploaded_run_has_no_steps_until_they_are_pulled_in(linked: Linked) -> None:
    _, (ident, _) = await linked.upload()
    assert await steps_of(linked, ident) == []
    assert (await put_steps(linked, ident)).status_code == 200
    assert fault(await put_steps(linked, ident, said("Pass")))[0] == 422
    case = (await shown(linked, ident))["testCase"]["self"].rpartition("/versions/")[0]
    await write_steps(linked, case.rpartition("/")[2], "one", "two")
    assert (await sync(linked, ident)).status_code == 200
    assert (await put_steps(linked, ident, said("Pass"), {})).status_code == 200
    assert await results_of(linked, ident) == [
        ("one", "Pass", None),
        ("two", "Not Executed", None),
    ]


async def test_rows_of_test_data(linked: Linked) -> None:
    """Runs that were copied from elsewhere may have them; ours have none."""
    await linked.make("testcycles")
    await case_with(linked, "one", "one")
    ident = await run(linked)
    rows = {"steps.0.row": 0, "steps.1.row": 1}
    await linked.house.database["test_executions"].update_one(
        {"tenant": linked.tenant, "id": ident}, {"$set": rows}
    )
    every = await steps_of(linked, ident)
    assert [step["inline"]["testDataRowNumber"] for step in every] == [0, 1]
    assert await steps_of(linked, ident, testDataRowNumber=1) == every[1:]
    assert fault(await put_steps(linked, ident, {}, {}))[0] == 422
    assert (await sync(linked, ident)).status_code == 200
    pulled = await steps_of(linked, ident)
    assert {step["id"] for step in pulled}.isdisjoint(step["id"] for step in every)
    assert (await put_steps(linked, ident, {}, said("Pass"))).status_code == 200


async def test_nobody_who_changes_steps_at_once_is_lost(linked: Linked) -> None:
    await linked.make("testcycles")
    texts = [f"step {i}" for i in range(6)]
    key = await case_with(linked, *texts)
    ident = await run(linked)

    async def one(place: int) -> None:
        steps: list[dict[str, Any]] = [{}] * 6
        steps[place] = said("Fail", f"a{place}")
        assert (await put_steps(linked, ident, *steps)).status_code == 200

    pulled, _ = await asyncio.gather(sync(linked, ident), asyncio.gather(*map(one, range(6))))
    assert pulled.status_code == 200
    assert await results_of(linked, ident) == [
        (text, "Fail", f"a{place}") for place, text in enumerate(texts)
    ]
    # the script changes while results come in: they stand by what was run, or are refused
    await write_steps(linked, key, *texts[:3])
    pulled, *answers = await asyncio.gather(
        sync(linked, ident), *(put_steps(linked, ident, *[said("Pass")] * 6) for _ in range(3))
    )
    assert {a.status_code for a in answers} <= {200, 422}
    found = await results_of(linked, ident)
    assert [text for text, _, _ in found] == texts[:3]
    assert len({status for _, status, _ in found}) == 1


async def test_many_runs_at_once_freeze_all_but_one(linked: Linked) -> None:
    await linked.make("testcycles")
    await case_with(linked, "one")
    first = await run(linked)
    made, put = await asyncio.gather(
        asyncio.gather(*(run(linked) for _ in range(6))), put_steps(linked, first, said("Fail"))
    )
    assert put.status_code in {200, 409}
    assert len(set(made)) == 6
    for ident in [first, *made]:
        wanted = 200 if ident == max(made) else 409
        assert (await put_steps(linked, ident, said("Pass"))).status_code == wanted
    page = await linked.http.get("/testexecutions", params={"onlyLastExecutions": True})
    assert [row["id"] for row in page.json()["values"]] == [max(made)]
