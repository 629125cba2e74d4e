"""Definitions of custom fields: names, options, order."""

from typing import Any

import pytest

from contracts.customfields import (
    MAX_FIELDS,
    MAX_OPTIONS,
    CustomFieldEntity,
    CustomFieldState,
    CustomFieldType,
)
from kit.errors import Conflict, InvalidInput
from services.testcases.domain.customfields import (
    FieldInput,
    OptionInput,
    new_field,
    replaced_field,
)

PROJECT = 9
SINGLE = CustomFieldType.SINGLE_CHOICE_SELECT_LIST
MULTI = CustomFieldType.MULTI_CHOICE_SELECT_LIST


def wanted(name: str = "n", kind: CustomFieldType = SINGLE, **more: Any) -> FieldInput:
    values = {"options": [OptionInput("a"), OptionInput("b")]} if kind in {SINGLE, MULTI} else {}
    return FieldInput(CustomFieldEntity.TEST_CASE, kind, name, **(values | more))


def made(*names: str) -> list[CustomFieldState]:
    fields: list[CustomFieldState] = []
    for ident, name in enumerate(names, 1):
        fields.append(new_field(fields, ident, PROJECT, wanted(name))[0])
    return fields


def test_a_new_field_goes_behind_its_siblings_or_makes_them_move() -> None:
    siblings = made("a", "b")
    assert [f.index for f in siblings] == [0, 1]
    field, *others = new_field(siblings, 3, PROJECT, wanted("c", index=0))
    assert (field.index, [(f.id, f.index) for f in others]) == (0, [(1, 1), (2, 2)])
    assert [(o.id, o.name) for o in field.options] == [(1, "a"), (2, "b")]


def test_a_name_is_taken_whatever_its_case() -> None:
    siblings = made("Straße", "b")
    with pytest.raises(InvalidInput, match="already used"):
        new_field(siblings, 3, PROJECT, wanted(" STRASSE "))
    with pytest.raises(InvalidInput, match="already used"):
        replaced_field(siblings, siblings[1], wanted("strasse"))
    replaced_field(siblings, siblings[0], wanted("STRASSE", options=as_input(siblings[0])))


def as_input(field: CustomFieldState) -> list[OptionInput]:
    return [OptionInput(o.name, o.id, o.default, o.archived) for o in field.options]


def test_there_are_not_too_many() -> None:
    siblings = made("a") * MAX_FIELDS
    with pytest.raises(Conflict, match=str(MAX_FIELDS)):
        new_field(siblings, 999, PROJECT, wanted("z"))


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        (SINGLE, [], "options must hold 1 to"),
        (SINGLE, [OptionInput(f"o{i}") for i in range(MAX_OPTIONS + 1)], "options must hold 1 to"),
        (SINGLE, [OptionInput("a"), OptionInput(" A ")], "one name twice"),
        (SINGLE, [OptionInput("a", 7)], "by its id"),
        (SINGLE, [OptionInput("a", default=True, archived=True)], "archived option"),
        (SINGLE, [OptionInput("a", default=True), OptionInput("b", default=True)], "one default"),
        (CustomFieldType.NUMBER, [OptionInput("a")], "select lists alone"),
    ],
)
def test_options_that_cannot_be(
    kind: CustomFieldType, options: list[OptionInput], said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        new_field([], 1, PROJECT, wanted("n", kind, options=options))


def test_several_defaults_are_for_lists_of_several() -> None:
    options = [OptionInput("a", default=True), OptionInput("b", default=True)]
    (field,) = new_field([], 1, PROJECT, wanted("n", MULTI, options=options))
    assert all(o.default for o in field.options)


def test_options_are_renamed_ordered_archived_and_added_but_never_left_out() -> None:
    (field,) = made("n")
    after = [
        OptionInput("new"),
        OptionInput("B", 2, default=True),
        OptionInput("a", 1, False, True),
    ]
    (changed,) = replaced_field([field], field, wanted("n", options=after))
    assert [(o.id, o.name) for o in changed.options] == [(3, "new"), (2, "B"), (1, "a")]
    assert [o.archived for o in changed.options] == [False, False, True]
    for options in ([], [OptionInput("b", 2)], [*as_input(field), OptionInput("c", 2)]):
        with pytest.raises(InvalidInput, match="options must"):
            replaced_field([field], field, wanted("n", options=options))


def test_entity_and_type_stay() -> None:
    (field,) = made("n")
    with pytest.raises(InvalidInput, match="cannot be changed"):
        replaced_field([field], field, wanted("n", MULTI, options=as_input(field)))
    other = FieldInput(CustomFieldEntity.FOLDER, SINGLE, "n", options=as_input(field))
    with pytest.raises(InvalidInput, match="cannot be changed"):
        replaced_field([field], field, other)


def test_what_does_not_change_is_not_written() -> None:
    siblings = made("a", "b", "c")
    same = wanted("a", options=as_input(siblings[0]))
    assert replaced_field(siblings, siblings[0], same) == []
    moved = replaced_field(
        siblings, siblings[0], wanted("a", index=2, options=as_input(siblings[0]))
    )
    assert {f.id: f.index for f in moved} == {1: 2, 2: 0, 3: 1}
