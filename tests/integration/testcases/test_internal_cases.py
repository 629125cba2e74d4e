"""A test case as executions read it over ``/internal``."""

import asyncio
from typing import Any

import pytest

from contracts.ids import number_of
from contracts.internal import RunsAnswer, RunsRequest, ScriptStep, TestCaseAnswer
from kit.auth.principal import Principal, Scope
from kit.errors import InvalidInput
from tests.integration.testcases.scripting import call, case, inline, put_steps, put_text, steps
from tests.integration.testcases.site import Library, Site

PATH = "/internal/v1/testcases/runs"


async def runs(site: Site, *numbers: int, **more: Any) -> RunsAnswer:
    """Ask as executions does."""
    wanted = RunsRequest(cases=tuple(site.id(number) for number in numbers))
    return await site.library.internal.post(PATH, wanted, RunsAnswer, tenant=site.tenant, **more)


async def read(site: Site, number: int, **more: Any) -> TestCaseAnswer | None:
    """Return one case, None for an unknown one."""
    answer = await runs(site, number, **more)
    assert (answer.refused, answer.left) == ((), ())
    return answer.cases[0] if answer.cases else None


async def run_of(site: Site, number: int, **more: Any) -> TestCaseAnswer:
    """Return one case that is there."""
    found = await read(site, number, **more)
    assert found is not None
    return found


async def test_the_steps_that_were_just_written(site: Site) -> None:
    made = await site.create("/testcases", name="n", estimatedTime=70)
    written = {"description": "d", "testData": "t", "expectedResult": "e", "reflectRef": "r"}
    await put_steps(site, made["key"], {"inline": written}, inline("second"))
    one, two = [s["id"] for s in await steps(site, made["key"])]
    found = await run_of(site, 1)
    (version,) = (await site.read(f"/testcases/{made['key']}/versions"))["values"]
    assert (found.case.id, found.case.version_id) == (made["id"], version["id"])
    assert (found.case.name, found.case.version, found.estimated_time) == ("n", 1, 70)
    assert (found.script, found.text, found.calls) == ("steps", None, False)
    assert found.steps == (
        ScriptStep(
            id=one,
            case=made["id"],
            description="d",
            test_data="t",
            expected_result="e",
            reflect_ref="r",
        ),
        ScriptStep(id=two, case=made["id"], description="second"),
    )


async def test_a_text_has_no_steps(site: Site) -> None:
    key = await case(site)
    for kind in ("plain", "bdd"):
        await put_text(site, key, "Given x", kind)
        found = await run_of(site, 1)
        assert (found.script, found.text, found.steps) == (kind, "Given x", ())


async def test_calls_are_replaced_by_what_they_call(site: Site) -> None:
    top, middle, leaf, told = [await case(site, n) for n in ("top", "middle", "leaf", "told")]
    await put_steps(site, leaf, inline("l1"), inline("l2"))
    await put_text(site, told, "all at once")
    await put_steps(site, middle, call(leaf), inline("m"), call(told))
    await put_steps(site, top, inline("t"), call(middle), call(leaf))
    found = await run_of(site, 1)
    assert found.calls
    said = [(s.description, s.case) for s in found.steps]
    of_leaf = [("l1", site.id(3)), ("l2", site.id(3))]
    of_middle = [*of_leaf, ("m", site.id(2)), ("all at once", site.id(4))]
    assert said == [("t", site.id(1)), *of_middle, *of_leaf]
    assert found.steps[4].id is None
    assert found.steps[1].id == found.steps[5].id == (await steps(site, leaf))[0]["id"]


async def test_calls_of_calls_have_an_end(site: Site) -> None:
    keys = [await case(site, f"c{n}") for n in range(6)]
    await put_steps(site, keys[-1], *[inline("x")] * 10)
    for caller, called in zip(keys[-2::-1], keys[:0:-1], strict=True):
        await put_steps(site, caller, *[call(called)] * 4)
    assert len((await run_of(site, 4)).steps) == 160
    refused = (await runs(site, 1, 4, 1)).refused
    assert [r.case for r in refused] == [site.id(1)]
    assert "1000" in refused[0].message


async def test_what_may_not_be_seen_adds_nothing_and_is_unknown(library: Library) -> None:
    site = await library.site()
    other = await library.add_project(site.tenant, "OTHER")
    key, inside = await case(site), await case(other)
    await put_steps(other, inside, inline("inside"))
    await put_steps(site, key, inline("a"), call(inside))
    assert [s.description for s in (await run_of(site, 1)).steps] == ["a", "inside"]
    narrow = Principal(
        tenant=site.tenant,
        account_id=None,
        scopes=frozenset({Scope.READ}),
        projects=frozenset({site.project}),
        token_id="t",
    )
    assert [s.description for s in (await run_of(site, 1, principal=narrow)).steps] == ["a"]
    assert await read(other, 1, principal=narrow) is None
    await site.ensure("upload1", ["hidden"])
    for number in (2, 99):
        assert await read(site, number) is None
    # of several at once, also of two projects, what is there comes
    wanted = RunsRequest(cases=(site.id(99), other.id(1), site.id(1), site.id(2)))
    both = await site.library.internal.post(PATH, wanted, RunsAnswer, tenant=site.tenant)
    assert {found.case.id for found in both.cases} == {site.id(1), other.id(1)}


async def test_an_answer_that_is_full_leaves_the_rest(site: Site) -> None:
    leaf = await case(site, "leaf")
    await put_steps(site, leaf, inline("x" * 50_000))
    keys = [await case(site, f"c{n}") for n in range(22)]
    await asyncio.gather(*(put_steps(site, key, *[call(leaf)] * 20) for key in keys))  # 1 MB each
    wanted, seen, answers = list(range(2, 24)), list[int](), 0
    while wanted:
        answer = await runs(site, *wanted)
        answers += 1
        seen += [number_of(found.case.id) for found in answer.cases]
        wanted = [number_of(ident) for ident in answer.left]
    assert (sorted(seen), answers) == (list(range(2, 24)), 3)
    with pytest.raises(InvalidInput):
        await runs(site, *range(1, 102))


async def test_another_tenants_case_is_unknown(twins: tuple[Site, Site]) -> None:
    mine, other = twins
    await case(mine)
    assert await read(other, 1) is None
