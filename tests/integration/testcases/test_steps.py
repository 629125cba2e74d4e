"""Steps of test cases: append, overwrite, calls, pages, custom fields, what is refused."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from contracts.permissions import Entity, Right
from kit.mongo import Database
from tests.harness.grants import to_user
from tests.harness.polling import eventually
from tests.harness.tenancy_world import ACCOUNT
from tests.integration.testcases.scripting import (
    call,
    case,
    inline,
    post_steps,
    put_steps,
    put_text,
    refused_steps,
    steps,
    text,
    texts,
)
from tests.integration.testcases.site import Library, Site, fault
from tests.integration.testcases.test_custom_fields import SAMPLES, UNSET, Fields
from tests.integration.testcases.test_permissions import state

WRITTEN = {
    "description": "<b>Open</b> $.x",
    "testData": "a.b $c\u0000",
    "expectedResult": "it opens",
    "reflectRef": "r-1",
}


async def test_a_new_case_has_one_empty_step_which_an_append_leaves(site: Site) -> None:
    key = await case(site)
    (empty,) = await steps(site, key)
    nothing = dict.fromkeys(("description", "testData", "expectedResult", "reflectRef"))
    assert empty["inline"] == nothing | {"customFields": {}}
    await put_steps(site, key, {"inline": WRITTEN}, inline("second"), mode="APPEND")
    first, written, second = await steps(site, key)
    assert first == empty
    assert written["inline"] == WRITTEN | {"customFields": {}}
    assert written["testCase"] is None
    assert second["inline"]["testData"] is None
    assert first["id"] < written["id"] < second["id"]


async def test_overwrite_replaces_all_and_answers_are_pages(site: Site) -> None:
    key = await case(site)
    await put_steps(site, key, *(inline(f"s{n}") for n in range(25)))
    page = await site.read(f"/testcases/{key}/teststeps")
    assert (page["startAt"], page["maxResults"], page["total"]) == (0, 10, 25)
    assert page["isLast"] is False
    second = await site.read(f"/testcases/{key}/teststeps", startAt=10, maxResults=10)
    assert [s["inline"]["description"] for s in second["values"]] == [
        f"s{n}" for n in range(10, 20)
    ]
    last = await site.read(f"/testcases/{key}/teststeps", startAt=20)
    assert (len(last["values"]), last["isLast"], last["next"]) == (5, True, None)
    for wrong in ({"maxResults": "x"}, {"startAt": -1}, {"startAt": 1_000_001}):
        assert fault(await site.get(f"/testcases/{key}/teststeps", **wrong))[0] == 400
    # what is shown may be sent back, and is the same then
    before = await steps(site, key)
    await put_steps(site, key, *before)
    assert await steps(site, key) == before


async def test_a_step_keeps_its_id_while_it_stays(site: Site) -> None:
    key = await case(site)
    await put_steps(site, key, inline("a"), inline("b"), inline("c"))
    a, b, c = [s["id"] for s in await steps(site, key)]
    # moved by a new one before them
    await put_steps(site, key, inline("new"), inline("a"), inline("b"), inline("c"))
    new, *rest = [s["id"] for s in await steps(site, key)]
    assert rest == [a, b, c]
    assert new > c
    # edited in its place, and the last two gone
    await put_steps(site, key, inline("new"), inline("a!"))
    assert [s["id"] for s in await steps(site, key)] == [new, a]
    # back again under another id
    await put_steps(site, key, inline("new"), inline("a!"), inline("b"))
    assert (await steps(site, key))[2]["id"] > new
    # a call is no edited step
    other = await case(site, "other")
    await put_steps(site, key, call(other))
    (called,) = await steps(site, key)
    assert called["id"] not in {new, a}


async def test_attachments_stay_with_steps_that_stay_and_go_with_those_that_go(
    site: Site, stored: Database
) -> None:
    key = await case(site)
    await put_steps(site, key, inline("a"), inline("b"))
    a, b = [s["id"] for s in await steps(site, key)]
    paths = {i: f"/testcases/{key}/teststeps/{i}/attachments" for i in (a, b)}
    for path in paths.values():
        url = f"/v2{path}/f"
        answer = await site.library.http.put(url, content=b"f", headers=site.headers)
        assert answer.status_code == 200
    await put_steps(site, key, inline("z"), inline("b"), inline("a"))
    assert [s["id"] for s in await steps(site, key)][1:] == [b, a]
    await put_steps(site, key, inline("b changed nothing else"), inline("b"))
    assert (await site.get(paths[b])).status_code == 200
    assert (await site.get(paths[a])).status_code == 404
    states = {
        row["part"]: row["state"]
        for row in await stored["attachments"].find({"tenant": site.tenant}).to_list(None)
    }
    assert states == {a: "removing", b: "stored"}
    await put_text(site, key, "no steps")
    left = {"tenant": site.tenant, "state": "stored"}
    assert await stored["attachments"].count_documents(left) == 0


async def test_a_call_reads_back_with_its_parameters(site: Site) -> None:
    key, called = await case(site), await case(site, "called")
    parameters = [
        {"name": "user", "type": "MANUAL_INPUT", "value": "$a.b"},
        {"name": "x", "type": "DEFAULT_VALUE"},
        {},
    ]
    await put_steps(site, key, call(called, parameters=parameters), call(called), inline("i"))
    full, bare, _ = await steps(site, key)
    url = site.url(f"/testcases/{called}")
    assert full["inline"] is None
    assert full["testCase"] == {"self": url, "testCaseKey": called, "parameters": parameters}
    assert bare["testCase"] == {"self": url, "testCaseKey": called, "parameters": None}


async def test_what_is_no_step(site: Site) -> None:
    key, called = await case(site), await case(site, "called")
    before = await steps(site, key)
    both = inline("d") | call(called)
    wrong: list[Any] = [
        {},
        {"inline": None, "testCase": None},
        both,
        {"inline": {}},
        {"inline": {"description": "", "testData": None, "expectedResult": ""}},
        {"inline": {"reflectRef": "r"}},
        {"inline": {"description": 7}},
        {"inline": "text"},
        {"testCase": {}},
        {"testCase": {"testCaseKey": None}},
        call("nope"),
        call(called, parameters=[{"type": "OTHER"}]),
        call(called, parameters=[{"name": 7}]),
        call(called, parameters=[{}] * 101),
        None,
        7,
    ]
    for item in wrong:
        assert await refused_steps(site, key, inline("fine"), item)
        assert await refused_steps(site, key, item, mode="APPEND")
    assert "100" in await refused_steps(site, key, *([inline("s")] * 101))
    assert "items" in await refused_steps(site, key)
    for mode in ("append", "REPLACE", "", None, 1):
        assert "mode" in await refused_steps(site, key, inline("s"), mode=mode)
    bodies: list[Any] = [{}, {"mode": "APPEND"}, {"mode": "APPEND", "items": {}}, []]
    for body in bodies:
        answer = await site.post(f"/testcases/{key}/teststeps", body)
        assert fault(answer)[0] == 400
    assert await steps(site, key) == before


@pytest.mark.parametrize("path", ["teststeps", "testscript"])
async def test_bodies_that_are_none(site: Site, path: str) -> None:
    key = await case(site)
    before = await steps(site, key)
    deep = b'{"a":' * 10_000 + b"1" + b"}" * 10_000
    items = (
        b'{"mode":"OVERWRITE","type":"plain","text":"t","items":[{"inline":{"description":%b}}]}'
    )
    contents = [
        b"",
        b"{",
        b"null",
        deep,
        b'{"mode":"OVERWRITE","type":"plain","items":[%b]}' % deep,
        (items % b'"d"').replace(b'"t"', b'"\\ud800"').replace(b'"d"', b'"\\ud800"'),
        (items % b'"\xff"').replace(b'"t"', b'"\xff"'),
    ]
    for content in contents:
        url = f"/v2/testcases/{key}/{path}"
        answer = await site.library.http.post(url, content=content, headers=site.headers)
        assert fault(answer)[0] == 400, content[:80]
    big = (items % (b'"' + b"x" * 70_000 + b'"')).replace(b'"t"', b'"' + b"x" * 70_000 + b'"')
    answer = await site.library.http.post(
        f"/v2/testcases/{key}/{path}", content=big, headers=site.headers
    )
    assert fault(answer)[0] == 413
    assert await steps(site, key) == before


async def test_calls_of_what_is_not_there(library: Library) -> None:
    site = await library.site()
    key = await case(site)
    hidden = (await site.ensure("upload1", ["hidden"]))["hidden"]
    closed = await site.library.add_project(site.tenant, "CLOSED")
    inside = await case(closed)
    narrow = site.as_(projects=[site.project])
    for wrong in ("DEMO-T99", f"DEMO-T{hidden.id & 0xFFFF}", "DEMO-T0"):
        message = await refused_steps(site, key, call(wrong))
        assert wrong in message
        assert "does not exist" in message
    assert "does not exist" in await refused_steps(narrow, key, call(inside))
    # where the caller may look
    await put_steps(site, key, call(inside))
    assert await texts(site, key) == [inside]
    # without the right to view it, it is as unknown
    await library.world.membership(site.tenant)
    edit = to_user(ACCOUNT, Entity.TEST_CASE, Right.EDIT)
    await library.world.permissions(site.tenant, state(closed), edit)
    await closed.until(f"/testcases/{inside}", 403)
    assert "does not exist" in await refused_steps(site, key, call(inside), mode="APPEND")


async def test_no_case_calls_itself_by_any_way(site: Site) -> None:
    keys = [await case(site, f"c{n}") for n in range(4)]
    for caller, called in pairwise(keys):
        await put_steps(site, caller, inline("x"), call(called))
    for caller in keys:
        for mode in ("APPEND", "OVERWRITE"):
            message = await refused_steps(site, caller, call(keys[0]), mode=mode)
            assert "must not call itself" in message
    # once the way is gone it may
    await put_steps(site, keys[1], inline("no call"))
    await put_steps(site, keys[3], call(keys[0]))
    assert "must not" in await refused_steps(site, keys[1], call(keys[3]))
    await put_text(site, keys[3], "no call either")
    await put_steps(site, keys[1], call(keys[3]))


async def test_calls_are_not_nested_without_end(site: Site) -> None:
    keys = [await case(site, f"c{n}") for n in range(22)]
    backwards = list(reversed(keys))
    for called, caller in pairwise(backwards[:21]):
        await put_steps(site, caller, call(called))
    message = await refused_steps(site, keys[0], call(keys[1]))
    assert "deeper than 20" in message


async def test_of_calls_that_race_into_a_circle_one_is_refused(site: Site) -> None:
    for n in range(6):
        keys = [await case(site, f"r{n}-{m}") for m in range(3)]
        pairs = zip(keys, [*keys[1:], keys[0]], strict=True)
        answers = await asyncio.gather(
            *(post_steps(site, caller, call(called), mode="APPEND") for caller, called in pairs)
        )
        assert sorted(a.status_code for a in answers) == [201, 201, 400]


async def test_nothing_of_steps_that_are_written_at_once_is_lost(site: Site) -> None:
    key = await case(site)
    await put_steps(site, key, inline("first"))
    wanted = [f"n{n}" for n in range(20)]
    answers = await asyncio.gather(
        *(post_steps(site, key, inline(n), inline(n), mode="APPEND") for n in wanted)
    )
    assert {a.status_code for a in answers} == {201}
    found = await steps(site, key)
    assert len({s["id"] for s in found}) == len(found) == 41
    said = [s["inline"]["description"] for s in found[1:]]
    assert sorted(said[::2]) == sorted(wanted)
    assert said[::2] == said[1::2]


@pytest.mark.long
async def test_a_script_has_an_end(site: Site) -> None:
    key = await case(site)
    full = [inline("s")] * 100
    await put_steps(site, key, *full)
    for _ in range(9):
        await put_steps(site, key, *full, mode="APPEND")
    assert "1000" in await refused_steps(site, key, inline("s"), mode="APPEND")
    assert len(await steps(site, key)) == 1000
    # long ones sooner
    await put_steps(site, key, inline("x" * 60_000))
    for _ in range(16):
        await put_steps(site, key, inline("x" * 60_000), mode="APPEND")
    assert "larger than" in await refused_steps(site, key, inline("x" * 60_000), mode="APPEND")


async def test_steps_and_texts_take_each_others_place(site: Site) -> None:
    key = await case(site)
    await put_text(site, key, "<p>plain</p>")
    status, message = fault(await site.get(f"/testcases/{key}/teststeps"))
    assert (status, "plain" in message) == (422, True)
    await put_steps(site, key, inline("only"), mode="APPEND")
    assert await texts(site, key) == ["only"]
    assert fault(await site.get(f"/testcases/{key}/testscript"))[0] == 422
    await put_text(site, key, "back")
    assert (await text(site, key))["text"] == "back"


async def test_custom_fields_of_steps(site: Site) -> None:
    fields = Fields(site)
    for kind in SAMPLES:
        await fields.define(kind, kind, entity="test-step")
    key, called = await case(site), await case(site, "called")
    await put_steps(site, key, inline("full", customFields=SAMPLES), inline("bare"), call(called))
    full, bare, _ = await steps(site, key)
    assert full["inline"]["customFields"] == SAMPLES
    assert bare["inline"]["customFields"] == UNSET
    for wrong in ({"nope": 1}, {"NUMBER": "1"}, {"SINGLE_CHOICE_SELECT_LIST": "Blue"}):
        message = await refused_steps(site, key, inline("ok"), inline("x", customFields=wrong))
        assert message.startswith("items.1: ")
    required = await fields.define(
        "MULTI_CHOICE_SELECT_LIST", "Must", entity="test-step", required=True
    )
    lacking: list[Any] = [None, {}, {"NUMBER": 1}, {"Must": None}, {"Must": []}]
    for values in lacking:
        assert "Must" in await refused_steps(site, key, inline("x", customFields=values))
    good = {"Must": ["Red"]}
    await put_steps(site, key, inline("x", customFields=good))
    # an option that was archived stays where it is, and is taken by nothing new
    required["options"][0]["archived"] = True
    answer = await fields.call("PUT", f"/{required['id']}", json=required)
    assert answer.status_code == 200, answer.text
    await put_steps(site, key, *(await steps(site, key)))
    assert "Red" in await refused_steps(site, called, inline("x", customFields=good))


async def test_unknown_cases_and_wrong_keys(site: Site) -> None:
    hidden = (await site.ensure("upload1", ["hidden"]))["hidden"]
    bodies: dict[str, Any] = {
        "teststeps": {"mode": "APPEND", "items": [inline("x")]},
        "testscript": {"type": "plain", "text": "x"},
    }
    for path, body in bodies.items():
        for key in ("DEMO-T99", f"DEMO-T{hidden.id & 0xFFFF}", "DEMO-T99999999999"):
            assert fault(await site.get(f"/testcases/{key}/{path}"))[0] == 404
            assert fault(await site.post(f"/testcases/{key}/{path}", body))[0] == 404
        assert fault(await site.get(f"/testcases/nope/{path}"))[0] == 400
        assert fault(await site.post(f"/testcases/nope/{path}", body))[0] == 400


async def test_another_tenants_case_is_unknown(twins: tuple[Site, Site]) -> None:
    mine, other = twins
    key = await case(mine)
    await put_steps(mine, key, inline("secret"))
    unknown = fault(await other.get("/testcases/DEMO-T77/teststeps"))
    found = fault(await other.get(f"/testcases/{key}/teststeps"))
    assert found == (unknown[0], unknown[1].replace("DEMO-T77", key))
    assert fault(await post_steps(other, key, inline("x")))[0] == 404
    theirs = await case(other)
    assert theirs == key
    await put_steps(other, theirs, inline("theirs"))
    assert await texts(mine, key) == ["secret"]


async def test_reading_needs_to_view_and_writing_to_edit(library: Library) -> None:
    site = await library.site()
    key = await case(site)
    await library.world.membership(site.tenant)
    view = to_user(ACCOUNT, Entity.TEST_CASE, Right.VIEW)
    await library.world.permissions(site.tenant, state(site), view)
    await eventually(lambda: post_steps(site, key, inline("x")), lambda a: a.status_code == 403)
    for unknown in (key, "DEMO-T99"):
        assert fault(await post_steps(site, unknown, inline("x")))[0] == 403
        body = {"type": "plain", "text": "x"}
        assert fault(await site.post(f"/testcases/{unknown}/testscript", body))[0] == 403
    assert (await site.get(f"/testcases/{key}/teststeps")).status_code == 200
    edit = to_user(ACCOUNT, Entity.TEST_CASE, Right.EDIT)
    await library.world.permissions(site.tenant, state(site), edit)
    await site.until(f"/testcases/{key}/teststeps", 403)
    assert fault(await site.get(f"/testcases/{key}/testscript"))[0] == 403
    await put_steps(site, key, inline("x"))
