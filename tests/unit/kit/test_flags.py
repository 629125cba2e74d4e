"""The rules of flags: what a value must be, and which state holds for whom."""

import math
from typing import Any

import pytest

from contracts.flags import EVERYBODY, FLAGS, SEARCH, UPLOAD_RESULTS, UPLOAD_WAIT, Flag
from contracts.tenancy import SERVICES
from kit.flags import Flags, accepted
from kit.observability.metrics import REGISTRY


@pytest.mark.parametrize(
    ("flag", "value", "taken"),
    [
        (UPLOAD_WAIT, 0, 0.0),
        (UPLOAD_WAIT, 60.0, 60.0),
        (UPLOAD_WAIT, 60.001, None),
        (UPLOAD_WAIT, -0.1, None),
        (UPLOAD_WAIT, math.nan, None),
        (UPLOAD_WAIT, math.inf, None),
        (UPLOAD_WAIT, True, None),
        (UPLOAD_WAIT, "5", None),
        (UPLOAD_WAIT, None, None),
        (UPLOAD_RESULTS, 7.0, 7),
        (UPLOAD_RESULTS, 7.5, None),
        (UPLOAD_RESULTS, 0, None),
        (UPLOAD_RESULTS, True, None),
        (UPLOAD_RESULTS, 10**30, None),
        (SEARCH, False, False),
        (SEARCH, 0, None),
        (SEARCH, "false", None),
    ],
)
def test_a_value_is_of_the_flags_type_and_within_its_bounds(
    flag: Flag[Any], value: object, taken: object
) -> None:
    found = flag.accepted(value)
    assert found == taken
    assert type(found) is type(taken)


def test_every_flag_says_what_it_guards_and_would_take_its_own_default() -> None:
    assert len({flag.key for flag in FLAGS}) == len(FLAGS)
    for flag in FLAGS:
        assert flag.accepted(flag.default) == flag.default
        assert flag.guards
        assert {flag.owner, *flag.heeded_by} <= set(SERVICES)
        assert flag.setting is None or flag.setting.startswith("OSTRO_")


def refused(flag: str) -> float:
    """Return how many values of a flag were refused so far."""
    return REGISTRY.get_sample_value("ostro_flag_values_refused_total", {"flag": flag}) or 0


def test_what_a_flag_does_not_take_is_counted_and_has_its_default() -> None:
    before = refused(UPLOAD_WAIT.key)
    values = accepted({UPLOAD_WAIT.key: 61, SEARCH.key: False, "later": "blue"})
    assert values == {SEARCH.key: False}
    assert refused(UPLOAD_WAIT.key) == before + 1


def test_a_tenants_own_state_stands_in_for_everybodys_as_a_whole() -> None:
    flags = Flags()
    assert flags.value("t", UPLOAD_WAIT) == UPLOAD_WAIT.default
    assert flags.value("t", UPLOAD_WAIT, 3.0) == 3.0
    everybodys = {UPLOAD_WAIT.key: 5, SEARCH.key: False}
    flags.replace({EVERYBODY: everybodys, "own": {UPLOAD_WAIT.key: 0.0}})
    assert flags.value("t", UPLOAD_WAIT, 3.0) == 5.0
    assert not flags.value("t", SEARCH)
    assert flags.value("own", UPLOAD_WAIT, 3.0) == 0.0
    assert flags.value("own", SEARCH)
