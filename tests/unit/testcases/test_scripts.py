"""Which steps stay, what is Gherkin, what a script comes to with its calls."""

import time
from typing import Any

import pytest
from gherkin.parser import Parser
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import InvalidInput
from services.testcases.domain import calls, gherkin
from services.testcases.domain.calls import Expansion
from services.testcases.domain.scripts import (
    MAX_SCRIPT_BYTES,
    Action,
    CallParameter,
    CallStep,
    InlineStep,
    Script,
    ScriptType,
    Step,
    StepsScript,
    TextScript,
    check_size,
    staying,
)

ACTIONS: st.SearchStrategy[Action] = st.one_of(
    st.sampled_from("abcd").map(InlineStep), st.sampled_from([1, 2]).map(lambda n: CallStep(n, "K"))
)


def script(*actions: Action) -> StepsScript:
    return StepsScript(tuple(Step(i, action) for i, action in enumerate(actions, 1)))


@given(st.lists(ACTIONS, max_size=8), st.lists(ACTIONS, max_size=8))
def test_no_step_is_two_and_what_reads_the_same_stays(old: list[Action], new: list[Action]) -> None:
    before = [Step(i, action) for i, action in enumerate(old, 1)]
    kept = staying(before, new)
    assert len(kept) == len(new)
    ids = [i for i in kept if i is not None]
    assert len(set(ids)) == len(ids)
    for place, ident in enumerate(kept):
        if ident is not None:
            assert type(old[ident - 1]) is type(new[place])
        alike = sum(action == new[place] for action in old)
        if sum(action == new[place] for action in new) <= alike:
            assert ident is not None
            assert old[ident - 1] == new[place]


@given(st.lists(ACTIONS, max_size=8))
def test_the_same_steps_are_the_same(actions: list[Action]) -> None:
    assert staying([Step(i, a) for i, a in enumerate(actions)], actions) == [*range(len(actions))]


def test_an_edited_step_stays_in_its_place_and_a_call_is_another() -> None:
    old = script(InlineStep("a"), InlineStep("b"), CallStep(7, "K-T7")).steps
    assert staying(old, [InlineStep("x"), InlineStep("b"), InlineStep("c")]) == [1, 2, None]
    assert staying(old, [InlineStep("b"), InlineStep("y")]) == [2, None]
    assert staying(old, [CallStep(8, "K-T8"), InlineStep("a"), CallStep(9, "K-T9")]) == [None, 1, 3]


def test_what_is_too_much_for_one_script() -> None:
    half = InlineStep("ä" * (MAX_SCRIPT_BYTES // 4))
    check_size(script(half))
    for wrong in (
        script(half, half),
        TextScript(ScriptType.PLAIN, "x" * (MAX_SCRIPT_BYTES + 1)),
        script(*[InlineStep("x")] * 1001),
        script(*[CallStep(1, "K", (CallParameter(),) * 100)] * 200),
        script(*[InlineStep("x", custom_fields={n: [1, 2] for n in range(100)})] * 200),
    ):
        with pytest.raises(InvalidInput):
            check_size(wrong)


@given(st.text())
def test_any_text_is_checked_and_what_passes_is_one_scenario_in_the_file(text: str) -> None:
    for said in (text, f"Given {text}", f'* x\n"""\n{text}\n"""'):
        try:
            gherkin.check_scenario(said)
        except InvalidInput:
            continue
        content = gherkin.feature_file("DEMO-T1", said, said)
        feature: Any = Parser().parse(content)["feature"]
        (child,) = feature["children"]
        scenario = child["scenario"]
        assert [tag["name"] for tag in scenario["tags"]] == ["@TestCaseKey=DEMO-T1"]
        assert scenario["description"] == ""


def test_the_longest_bdd_script_is_checked_quickly() -> None:
    began = time.process_time()
    gherkin.check_scenario("Given a\n" + "|a|b|c|d|\n" * 1_990)
    for text in ("\n" * 1_999, "|a" * 49_999, '"""\n' * 1_999, "Given a\n" + "@t" * 49_000):
        with pytest.raises(InvalidInput):
            gherkin.check_scenario(text)
    assert time.process_time() - began < 5


def test_calls_of_nothing_and_of_themselves_end() -> None:
    empty: dict[int, Script] = {1: script(CallStep(2, "K"), InlineStep("x"))}
    (step,) = Expansion.of(1, empty, 100).steps
    assert (step.case, step.id) == (1, 2)
    circle: dict[int, Script] = {1: script(CallStep(1, "K"))}
    with pytest.raises(InvalidInput):
        Expansion.of(1, circle, 100)
    many: dict[int, Script] = {n: script(*[CallStep(n + 1, "K")] * 9) for n in range(1, 9)}
    with pytest.raises(InvalidInput):
        Expansion.of(1, many, 100)
    long: dict[int, Script] = {1: script(*[InlineStep("x" * 60)] * 2)}
    with pytest.raises(InvalidInput):
        Expansion.of(1, long, 100)
    assert len(Expansion.of(1, {1: script(*[InlineStep("x")] * calls.MAX_STEPS)}, 9_999).steps)
