"""Which status a word of a file means, and what stands for one that is archived."""

from collections.abc import Iterable

import pytest

from contracts.testcases import DEFAULT_OPTIONS, OptionState, OptionType
from kit.errors import InvalidInput
from services.executions.domain.uploads import StatusRule, default_option, settled

PROJECT = 9
RUN, CYCLE = OptionType.TEST_EXECUTION, OptionType.TEST_CYCLE


def built_in(name: str, kind: OptionType = RUN) -> int:
    return next(d.id(PROJECT) for d in DEFAULT_OPTIONS if d.type is kind and d.name == name)


def options(*, archived: Iterable[str] = (), renamed: str = "") -> list[OptionState]:
    return [
        OptionState(
            id=d.id(PROJECT),
            project=PROJECT,
            type=d.type,
            name="Green" if d.name == renamed else d.name,
            index=d.position,
            default=d.default and d.name not in archived,
            archived=d.name in archived,
        )
        for d in DEFAULT_OPTIONS
    ]


def test_built_in_statuses_are_known_before_they_are_heard_of() -> None:
    rule = StatusRule(PROJECT, [])
    assert rule("PASS") == built_in("Pass")
    assert rule("no such word") == rule("Blocked") == built_in("Blocked")
    assert default_option(PROJECT, [], CYCLE) == built_in("Not Executed", CYCLE)
    assert default_option(PROJECT, [], OptionType.ENVIRONMENT) is None


def test_a_renamed_one_keeps_its_meaning() -> None:
    rule = StatusRule(PROJECT, options(renamed="Pass"))
    assert rule("pass") == rule("green") == built_in("Pass")


def test_an_archived_one_is_never_taken() -> None:
    rule = StatusRule(PROJECT, options(archived=["Pass"]))
    assert not rule.knows("Pass")
    assert rule("Pass") == built_in("Blocked")
    rule = StatusRule(PROJECT, options(archived=["Blocked"]))
    assert rule("no such word") == rule("Blocked") == built_in("Not Executed")
    rule = StatusRule(PROJECT, options(archived=["Blocked", "Not Executed"]))
    assert rule("Blocked") == built_in("In Progress")


def test_when_all_are_archived_nothing_can_be_taken() -> None:
    everything = options(archived=[d.name for d in DEFAULT_OPTIONS])
    with pytest.raises(InvalidInput, match="archived"):
        StatusRule(PROJECT, everything)("Pass")
    assert default_option(PROJECT, everything, CYCLE) is None


def test_an_archived_default_gives_way_to_the_first_that_can_be_taken() -> None:
    known = options(archived=["Not Executed"])
    assert default_option(PROJECT, known, CYCLE) == built_in("In Progress", CYCLE)
    assert default_option(PROJECT, options(), CYCLE) == built_in("Not Executed", CYCLE)


def test_a_copy_in_the_middle_of_a_change_is_not_settled() -> None:
    known = options()
    assert settled(known)
    assert not settled([])
    two = [o.model_copy(update={"default": True}) if o.type is CYCLE else o for o in known]
    none = [o.model_copy(update={"default": False}) if o.type is RUN else o for o in known]
    assert not settled(two)
    assert not settled(none)
