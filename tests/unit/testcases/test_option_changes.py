"""How options of a group move, and what becomes of their default."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.testcases import OptionType
from kit.errors import InvalidInput
from services.testcases.domain.optionchanges import OptionUpdate, ordered, replaced
from services.testcases.domain.options import Option, next_index
from services.testcases.domain.places import MAX_INDEX, moved

PROJECT = 9


def option(ident: int, index: int, *, default: bool = False, archived: bool = False) -> Option:
    return Option(
        ident,
        PROJECT,
        OptionType.PRIORITY,
        f"n{ident}",
        index,
        default=default,
        archived=archived,
    )


def update(of: Option, **fields: object) -> OptionUpdate:
    values = {name: getattr(of, name) for name in OptionUpdate.__dataclass_fields__} | fields
    return OptionUpdate(**values)


def applied(group: Sequence[Option], changed: Sequence[Option] | None) -> list[Option]:
    assert changed is not None
    by_id = {o.id: o for o in group} | {o.id: o for o in changed}
    return sorted(by_id.values(), key=lambda o: o.index)


def places(group: Sequence[Option]) -> list[tuple[int, int]]:
    return [(o.id, o.index) for o in group]


THREE = [option(1, 0), option(2, 1, default=True), option(3, 2)]


@pytest.mark.parametrize(
    ("ident", "to", "wanted"),
    [
        (1, 2, [(2, 0), (3, 1), (1, 2)]),
        (3, 0, [(3, 0), (1, 1), (2, 2)]),
        (2, 0, [(2, 0), (1, 1), (3, 2)]),
        (1, 9, [(2, 0), (3, 1), (1, 9)]),
        (2, 1, [(1, 0), (2, 1), (3, 2)]),
    ],
)
def test_siblings_make_room(ident: int, to: int, wanted: list[tuple[int, int]]) -> None:
    one = next(o for o in THREE if o.id == ident)
    assert places(applied(THREE, replaced(THREE, ident, update(one, index=to)))) == wanted


@given(
    st.lists(st.integers(0, 12), unique=True, min_size=1, max_size=8),
    st.data(),
    st.integers(0, 14),
)
def test_no_two_options_ever_share_an_index(
    indexes: list[int], data: st.DataObject, to: int
) -> None:
    group = [option(i + 1, index) for i, index in enumerate(indexes)]
    one = data.draw(st.sampled_from(group))
    after = applied(group, replaced(group, one.id, update(one, index=to)))
    assert len({o.index for o in after}) == len(group)
    assert next(o for o in after if o.id == one.id).index == to
    others = [o.id for o in sorted(group, key=lambda o: o.index) if o.id != one.id]
    assert [o.id for o in after if o.id != one.id] == others


def test_nothing_ever_lies_behind_the_last_index() -> None:
    group = [option(1, MAX_INDEX), option(2, 0)]
    assert moved({1: MAX_INDEX}, 0, MAX_INDEX) == {1: MAX_INDEX - 1}
    assert next_index(group) == MAX_INDEX - 1
    assert next_index([*group, option(3, MAX_INDEX - 1)]) == MAX_INDEX - 2


def test_a_new_default_unsets_the_old_one() -> None:
    changed = replaced(THREE, 3, update(THREE[2], default=True))
    assert changed is not None
    assert {o.id: o.default for o in changed} == {2: False, 3: True}


def test_a_default_may_be_given_up_and_the_group_has_none_then() -> None:
    changed = replaced(THREE, 2, update(THREE[1], default=False))
    assert changed is not None
    assert [(o.id, o.default) for o in changed] == [(2, False)]


def test_what_a_family_does_not_say_stays() -> None:
    group = [option(1, 0, archived=False, default=True)]
    changed = replaced(group, 1, OptionUpdate(1, PROJECT, "other", 0))
    assert changed is not None
    assert (changed[0].name, changed[0].default) == ("other", True)


def test_an_archived_default_is_refused_and_giving_it_up_is_not() -> None:
    with pytest.raises(InvalidInput, match="default must be false"):
        replaced(THREE, 2, update(THREE[1], archived=True))
    changed = replaced(THREE, 2, update(THREE[1], archived=True, default=False))
    assert changed is not None
    assert (changed[0].archived, changed[0].default) == (True, False)


def test_an_archived_option_is_frozen_until_it_is_taken_back() -> None:
    group = [option(1, 0, archived=True), option(2, 1)]
    with pytest.raises(InvalidInput, match="archived and cannot be changed"):
        replaced(group, 1, update(group[0], name="other"))
    assert replaced(group, 1, update(group[0])) == []
    changed = replaced(group, 1, update(group[0], name="other", archived=False, default=True))
    assert changed is not None
    assert (changed[0].name, changed[0].default) == ("other", True)


def test_an_option_that_is_gone_and_a_name_that_is_taken() -> None:
    assert replaced(THREE, 4, update(option(4, 3))) is None
    with pytest.raises(InvalidInput, match="already used"):
        replaced(THREE, 1, update(THREE[0], name=" N2 "))


def test_an_order_names_all_once() -> None:
    assert places(applied(THREE, ordered(THREE, [3, 1, 2]))) == [(3, 0), (1, 1), (2, 2)]
    assert ordered(THREE, [1, 2, 3]) == []
    for ids in ([1, 2], [1, 2, 2], [1, 2, 3, 4], []):
        with pytest.raises(InvalidInput, match="every option"):
            ordered(THREE, ids)
