"""What is inferred of custom fields from values alone, and what is only guessed."""

from typing import Any

import pytest

from contracts.customfields import CustomFieldEntity, CustomFieldType
from tools.zephyr.fields import Definition, Inference, Sureness, combined, fitted

CASE, STEP = CustomFieldEntity.TEST_CASE, CustomFieldEntity.TEST_STEP
K = CustomFieldType
ACCOUNT = "557058:2f8e4b1c-93d7-4c55-9a0e-6d1f3a7b8c90"


def inferred(*values: Any) -> Definition:
    inference = Inference()
    for value in values:
        inference.add(CASE, {"F": value})
    (found,) = inference.definitions()
    return found


@pytest.mark.parametrize(
    ("values", "kind", "options", "sureness"),
    [
        ([False, True], K.CHECKBOX, [], Sureness.SEEN),
        ([None, ["a", "b"], ["c", "a"]], K.MULTI_CHOICE_SELECT_LIST, ["a", "b", "c"], "seen"),
        ([None, 1, 2.0], K.NUMBER, [], "seen"),
        ([None, 1, 2.5], K.DECIMAL, [], "seen"),
        (["", "x"], K.SINGLE_LINE_TEXT, [], "seen"),
        (["", "x<br>y"], K.MULTI_LINE_TEXT, [], "seen"),
        (["x<br/>y"], K.MULTI_LINE_TEXT, [], "guessed"),
        (["", "2026-11-24"], K.SINGLE_LINE_TEXT, [], "seen"),
        ([None, "2026-11-24"], K.DATE, [], "seen"),
        (["2026-11-24"], K.DATE, [], "seen"),
        ([None, ACCOUNT], K.USER_LIST, [], "seen"),
        ([ACCOUNT, "5b10ac8d82e05b22cc7d4ef5"], K.USER_LIST, [], "seen"),
        ([None, "Red", "Green", "Red"], K.SINGLE_CHOICE_SELECT_LIST, ["Red", "Green"], "seen"),
        (["Red"] * 3 + ["Green"] * 3, K.SINGLE_CHOICE_SELECT_LIST, ["Red", "Green"], "guessed"),
        (["one", "two", "three"], K.SINGLE_LINE_TEXT, [], "guessed"),
        ([None, "2026-11-24", "soon"], K.SINGLE_CHOICE_SELECT_LIST, ["2026-11-24", "soon"], "seen"),
        (["", ""], K.SINGLE_LINE_TEXT, [], "guessed"),
        ([None, None], K.DATE, [], "guessed"),
        ([1, "x"], K.SINGLE_LINE_TEXT, [], "guessed"),
        ([{"new": "form"}], K.SINGLE_LINE_TEXT, [], "guessed"),
        ([None, *map(str, range(500))], K.SINGLE_LINE_TEXT, [], "guessed"),
        ([None, *(f"n{i}" for i in range(3_000))], K.SINGLE_LINE_TEXT, [], "guessed"),
    ],
)
def test_types(values: list[Any], kind: K, options: list[str], sureness: str) -> None:
    found = inferred(*values)
    assert (found.type, found.options, found.sureness) == (kind, options, sureness)
    assert found.because


def test_fields_of_two_kinds_of_things_with_one_name_are_two() -> None:
    inference = Inference()
    inference.add(CASE, {"B": 1, "A": True})
    inference.add(STEP, {"A": ""})
    inference.add(STEP, None)
    found = inference.definitions()
    assert [(d.entity, d.name, d.type) for d in found] == [
        (CASE, "B", K.NUMBER),
        (CASE, "A", K.CHECKBOX),
        (STEP, "A", K.SINGLE_LINE_TEXT),
    ]


def test_what_a_person_states_counts_and_options_seen_are_added() -> None:
    guess = inferred(None, "Red", "Green")
    stated = guess.model_copy(update={"options": ["Blue", "red"], "required": True})
    other = Definition(entity=STEP, name="G", type=K.DATE)
    assert combined([guess], [stated, other]) == [
        stated.model_copy(update={"options": ["Blue", "red", "Green"]}),
        other,
    ]
    text = guess.model_copy(update={"type": K.SINGLE_LINE_TEXT, "options": []})
    assert combined([guess], [text]) == [text]
    assert combined([guess], []) == [guess]


@pytest.mark.parametrize(
    ("kind", "value", "stored", "kept"),
    [
        (K.NUMBER, 7, 7, True),
        (K.NUMBER, "7", None, False),
        (K.NUMBER, True, None, False),
        (K.CHECKBOX, False, False, True),
        (K.CHECKBOX, "no", None, False),
        (K.MULTI_CHOICE_SELECT_LIST, "a", ["a"], True),
        (K.MULTI_CHOICE_SELECT_LIST, [], None, True),
        (K.MULTI_CHOICE_SELECT_LIST, 1, None, False),
        (K.DATE, "2026-11-24", "2026-11-24", True),
        (K.DATE, "soon", None, False),
        (K.SINGLE_LINE_TEXT, ["a", "b"], "a, b", False),
        (K.SINGLE_LINE_TEXT, "", None, True),
        (K.USER_LIST, None, None, True),
        (K.SINGLE_CHOICE_SELECT_LIST, 4, None, False),
    ],
)
def test_values_are_made_to_fit(kind: K, value: Any, stored: Any, kept: bool) -> None:
    assert fitted(Definition(entity=CASE, name="F", type=kind), value) == (stored, kept)
