"""Values of custom fields: what each type takes, what is shown, what is refused and how."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.customfields import (
    CHOICES,
    MAX_TEXT_LENGTH,
    TEXTS,
    Account,
    CustomFieldEntity,
    CustomFieldFault,
    CustomFieldOption,
    CustomFieldState,
    CustomFieldType,
    check_values,
    show_values,
)

T = CustomFieldType
OPTIONS = (
    CustomFieldOption(id=1, name="Red"),
    CustomFieldOption(id=2, name="Green"),
    CustomFieldOption(id=3, name="Old", archived=True),
)


def field(kind: T, name: str = "F", ident: int = 1, **more: Any) -> CustomFieldState:
    options = OPTIONS if kind in CHOICES else ()
    values = {"index": ident, "options": options} | more
    return CustomFieldState(
        id=ident,
        project=9,
        entity=CustomFieldEntity.TEST_CASE,
        type=kind,
        name=name,
        **values,
    )


TAKEN: list[tuple[T, Any, Any]] = [
    (T.SINGLE_LINE_TEXT, "a\x00$b.c", "a\x00$b.c"),
    (T.MULTI_LINE_TEXT, "a<br>b", "a<br>b"),
    (T.NUMBER, 0, 0),
    (T.NUMBER, 2.5, 2.5),
    (T.DECIMAL, -7, -7),
    (T.CHECKBOX, True, True),
    (T.CHECKBOX, False, False),
    (T.SINGLE_CHOICE_SELECT_LIST, "Red", 1),
    (T.SINGLE_CHOICE_SELECT_LIST, " rED ", 1),
    (T.MULTI_CHOICE_SELECT_LIST, ["Green", "Red", "Green"], [2, 1]),
    (T.DATE, "2024-02-29", "2024-02-29"),
    (T.USER_LIST, "557058:ab-1", Account("557058:ab-1")),
]


@pytest.mark.parametrize(("kind", "sent", "stored"), TAKEN)
def test_what_a_type_takes(kind: T, sent: Any, stored: Any) -> None:
    values = check_values([field(kind)], {"F": sent})
    assert values == {1: stored}
    assert type(values[1]) is type(stored)


WRONG: dict[T, tuple[str, list[Any]]] = {
    T.SINGLE_LINE_TEXT: ("string", [1, True, ["a"], {}, 1.5]),
    T.MULTI_LINE_TEXT: ("string", [1, [], {}]),
    T.NUMBER: ("number", ["1", True, [], {}, math.nan, math.inf, 2**63, -(2**63) - 1, ""]),
    T.DECIMAL: ("number", ["1.5", False, -math.inf]),
    T.CHECKBOX: ("boolean", ["true", 0, 1, [], ""]),
    T.SINGLE_CHOICE_SELECT_LIST: ("string", [1, ["Red"], True]),
    T.MULTI_CHOICE_SELECT_LIST: ("list", ["Red", 1, [1], [None], {"a": 1}, ""]),
    T.DATE: (
        "date string",
        ["2024-2-1", "2023-02-29", "01.02.2024", 20240201, "2024-02-01T00:00:00Z", "0000-01-01"],
    ),
    T.USER_LIST: ("string", [1, ["a"], {}]),
}


@pytest.mark.parametrize("kind", list(T))
def test_a_wrong_type_names_the_field_and_the_wanted_type(kind: T) -> None:
    wanted, values = WRONG[kind]
    for value in values:
        with pytest.raises(CustomFieldFault, match=rf"'F' must be of type {wanted}"):
            check_values([field(kind)], {"F": value})


def test_other_values_that_are_refused() -> None:
    for kind, value in (
        (T.SINGLE_LINE_TEXT, "x" * (MAX_TEXT_LENGTH + 1)),
        (T.USER_LIST, "not an id!"),
        (T.SINGLE_CHOICE_SELECT_LIST, "Blue"),
        (T.SINGLE_CHOICE_SELECT_LIST, "Old"),
        (T.MULTI_CHOICE_SELECT_LIST, ["Red", "Blue"]),
    ):
        with pytest.raises(CustomFieldFault, match="'F'"):
            check_values([field(kind)], {"F": value})
    with pytest.raises(CustomFieldFault, match="name 'f' exists"):
        check_values([field(T.NUMBER)], {"f": 1})


EMPTY: dict[T, list[Any]] = {
    T.MULTI_CHOICE_SELECT_LIST: [None, []],
    T.NUMBER: [None],
    T.DECIMAL: [None],
    T.CHECKBOX: [None],
}


@pytest.mark.parametrize("kind", list(T))
def test_what_is_empty_is_unset_and_a_required_field_must_not_be(kind: T) -> None:
    for empty in EMPTY.get(kind, [None, ""]):
        assert check_values([field(kind)], {"F": empty}) == {}
        with pytest.raises(CustomFieldFault, match="'F' is required"):
            check_values([field(kind, required=True)], {"F": empty})
    with pytest.raises(CustomFieldFault, match="'F' is required"):
        check_values([field(kind, required=True)], {})


@pytest.mark.parametrize("kind", list(T))
def test_unset_values_are_shown(kind: T) -> None:
    shown: Any = "" if kind in TEXTS else None
    assert show_values([field(kind)], {}) == {"F": False if kind is T.CHECKBOX else shown}


@pytest.mark.parametrize(("kind", "sent", "stored"), TAKEN)
def test_what_was_sent_is_shown(kind: T, sent: Any, stored: Any) -> None:
    shown = show_values([field(kind)], {1: stored})["F"]
    wanted = {1: "Red", 2: "Green"}
    if kind is T.MULTI_CHOICE_SELECT_LIST:
        assert shown == [wanted[i] for i in stored]
    else:
        assert shown == (wanted[stored] if kind in CHOICES else sent)


def test_all_fields_are_shown_in_their_order_and_nothing_else() -> None:
    fields = [field(T.NUMBER, "b", 2, index=1), field(T.CHECKBOX, "a", 3, index=0)]
    shown = show_values(fields, {2: 5, 99: "of a field that is gone"})
    assert list(shown.items()) == [("a", False), ("b", 5)]


def test_an_option_that_is_gone_is_shown_no_more() -> None:
    single, several = field(T.SINGLE_CHOICE_SELECT_LIST), field(T.MULTI_CHOICE_SELECT_LIST)
    assert show_values([single], {1: 99})["F"] is None
    assert show_values([several], {1: [99]})["F"] is None
    assert show_values([several], {1: [99, 1, 3]})["F"] == ["Red", "Old"]


def test_a_new_thing_takes_the_defaults_of_what_is_left_out() -> None:
    options = (
        CustomFieldOption(id=1, name="a", default=True),
        CustomFieldOption(id=2, name="b", default=True),
    )
    several = field(T.MULTI_CHOICE_SELECT_LIST, "s", 1, options=options)
    one = field(T.SINGLE_CHOICE_SELECT_LIST, "o", 2, options=options[:1])
    assert check_values([several, one], {}) == {1: [1, 2], 2: 1}
    assert check_values([several, one], {"o": None}) == {1: [1, 2]}
    # what is replaced takes what is sent
    assert check_values([several, one], {}, kept={}) == {}


def test_an_update_names_all_fields_or_none() -> None:
    fields = [field(T.NUMBER, "a", 1), field(T.NUMBER, "b", 2)]
    assert check_values(fields, {"a": 1, "b": None}, kept={2: 7}) == {1: 1}
    assert check_values(fields, {}, kept={2: 7}) == {}
    with pytest.raises(CustomFieldFault, match="'b' is missing"):
        check_values(fields, {"a": 1}, kept={2: 7})


def test_an_archived_option_may_stay_where_it_is() -> None:
    single, several = field(T.SINGLE_CHOICE_SELECT_LIST), field(T.MULTI_CHOICE_SELECT_LIST)
    assert check_values([single], {"F": "Old"}, kept={1: 3}) == {1: 3}
    assert check_values([several], {"F": ["Old", "Red"]}, kept={1: [3]}) == {1: [3, 1]}
    with pytest.raises(CustomFieldFault, match="no option"):
        check_values([single], {"F": "Old"}, kept={1: 1})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@given(st.sampled_from(list(T)), _JSON)
def test_whatever_is_sent_is_taken_and_shown_or_refused_with_the_name(kind: T, sent: Any) -> None:
    fields = [field(kind)]
    try:
        values = check_values(fields, {"F": sent})
    except CustomFieldFault as refused:
        fault = str(refused)
    else:
        fault = "'F'"
        shown = show_values(fields, values)
        # what is shown may be sent back
        assert show_values(fields, check_values(fields, shown, kept=values)) == shown
    assert "'F'" in fault
