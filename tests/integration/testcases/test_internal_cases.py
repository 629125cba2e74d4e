"""A test case as executions read it over ``/internal``."""

from typing import Any

import pytest

from contracts.internal import ScriptStep, TestCaseAnswer
from kit.auth.principal import Principal, Scope
from kit.errors import InvalidInput, NotFound
from tests.integration.testcases.scripting import call, case, inline, put_steps, put_text, steps
from tests.integration.testcases.site import Library, Site


async def read(site: Site, number: int, **more: Any) -> TestCaseAnswer:
    """Ask as executions does."""
    return await site.library.internal.get(
        f"/internal/v1/testcases/{site.id(number)}", TestCaseAnswer, tenant=site.tenant, **more
    )


async def test_the_steps_that_were_just_written(site: Site) -> None:
    made = await site.create("/testcases", name="n", estimatedTime=70)
    written = {"description": "d", "testData": "t", "expectedResult": "e", "reflectRef": "r"}
    await put_steps(site, made["key"], {"inline": written}, inline("second"))
    one, two = [s["id"] for s in await steps(site, made["key"])]
    found = await read(site, 1)
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
        found = await read(site, 1)
        assert (found.script, found.text, found.steps) == (kind, "Given x", ())


async def test_calls_are_replaced_by_what_they_call(site: Site) -> None:
    top, middle, leaf, told = [await case(site, n) for n in ("top", "middle", "leaf", "told")]
    await put_steps(site, leaf, inline("l1"), inline("l2"))
    await put_text(site, told, "all at once")
    await put_steps(site, middle, call(leaf), inline("m"), call(told))
    await put_steps(site, top, inline("t"), call(middle), call(leaf))
    found = await read(site, 1)
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
    assert len((await read(site, 4)).steps) == 160
    with pytest.raises(InvalidInput, match="1000"):
        await read(site, 1)


async def test_what_may_not_be_seen_adds_nothing_and_is_unknown(library: Library) -> None:
    site = await library.site()
    other = await library.add_project(site.tenant, "OTHER")
    key, inside = await case(site), await case(other)
    await put_steps(other, inside, inline("inside"))
    await put_steps(site, key, inline("a"), call(inside))
    assert [s.description for s in (await read(site, 1)).steps] == ["a", "inside"]
    narrow = Principal(
        tenant=site.tenant,
        account_id=None,
        scopes=frozenset({Scope.READ}),
        projects=frozenset({site.project}),
        token_id="t",
    )
    assert [s.description for s in (await read(site, 1, principal=narrow)).steps] == ["a"]
    with pytest.raises(NotFound):
        await read(other, 1, principal=narrow)
    await site.ensure("upload1", ["hidden"])
    for number in (2, 99):
        with pytest.raises(NotFound):
            await read(site, number)


async def test_another_tenants_case_is_unknown(twins: tuple[Site, Site]) -> None:
    mine, other = twins
    await case(mine)
    with pytest.raises(NotFound):
        await read(other, 1)
