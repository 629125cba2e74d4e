"""A project after what Jira told of it, in whatever order and however often."""

import itertools
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.jira import JiraAction, JiraChange, JiraEntity
from services.tenancy.domain.projects import Project
from tests.harness.fakes import START

PROJECT = Project("t", 7, 10000, "DEMO")


def change(action: JiraAction, seconds: int, key: str | None = None) -> JiraChange:
    return JiraChange(
        entity=JiraEntity.PROJECT,
        action=action,
        id="10000",
        at=START + timedelta(seconds=seconds),
        project=10000,
        project_key=key,
    )


changes = st.builds(
    change,
    st.sampled_from(sorted(JiraAction)),
    st.integers(0, 5),
    st.sampled_from([None, "DEMO", "SHOP", "WEB", "not a key"]),
)


@given(st.lists(changes, max_size=5))
def test_any_order_and_repeats_lead_to_the_same(told: list[JiraChange]) -> None:
    ends = set()
    for order in itertools.islice(itertools.permutations(told), 24):
        found = PROJECT
        for one in (*order, *order):
            found = found.after(one)
        ends.add((found.deleted, found.visibility_at, frozenset(found.aliases)))
    assert len(ends) == 1


@pytest.mark.parametrize("action", [JiraAction.DELETED, JiraAction.ARCHIVED])
def test_hidden_and_back(action: JiraAction) -> None:
    hidden = PROJECT.after(change(action, 1))
    assert (hidden.deleted, hidden.visible) == (True, False)
    assert hidden.after(change(JiraAction.RESTORED, 2)).visible
    # what happened before it was hidden comes late
    assert not hidden.after(change(JiraAction.RESTORED, 0)).visible


def test_a_new_key_is_an_alias_and_the_project_keeps_its_own() -> None:
    renamed = PROJECT.after(change(JiraAction.UPDATED, 1, "SHOP"))
    assert (renamed.key, renamed.aliases) == ("DEMO", ("SHOP",))
    assert renamed.after(change(JiraAction.UPDATED, 2, "DEMO")).aliases == ("SHOP",)
    assert PROJECT.after(change(JiraAction.UPDATED, 1, "no key!")) == PROJECT


def test_a_look_counts_from_when_it_began() -> None:
    at = START + timedelta(seconds=5)
    hidden = PROJECT.seen(None, hidden=True, at=at)
    assert (hidden.deleted, hidden.visibility_at) == (True, at)
    # what Jira told of a time before the look comes late, and of one after it in time
    assert hidden.after(change(JiraAction.RESTORED, 4)) == hidden
    back = hidden.after(change(JiraAction.RESTORED, 6))
    assert back.visible
    assert back.seen("DEMO", hidden=True, at=at) == back
    # a look that finds nothing new leaves no trace
    assert back.seen("DEMO", hidden=False, at=START + timedelta(seconds=9)) == back
    assert back.seen("SHOP", hidden=False, at=at).aliases == ("SHOP",)
