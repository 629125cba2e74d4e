"""What is registered on a site: the plan, for any state of it."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tenancy.domain.site_webhooks import (
    SiteWebhook,
    SiteWebhooks,
    groups,
    jql_of,
    plan,
    projects_of,
)
from tests.harness.fakes import START

UNTIL = START + timedelta(days=30)
moments = st.none() | st.integers(-100, 100).map(lambda hours: START + timedelta(hours=hours))
projects = st.sets(st.integers(1, 40))
webhooks = st.lists(st.sets(st.integers(1, 40), max_size=6), max_size=12)


@given(moments, moments, moments, moments)
def test_a_row_is_due_when_something_of_it_is_and_no_sooner(
    checked: datetime | None, swept: datetime | None, retry: datetime | None, until: datetime | None
) -> None:
    held = () if until is None else (SiteWebhook(1, (1,), until + timedelta(days=15)),)
    row = SiteWebhooks("t", 1, held, checked_at=checked, swept_at=swept, retry_at=retry)

    def to_do(now: datetime) -> bool:
        return not row.rests(now) and (
            row.to_check(now) or row.to_sweep(now) or row.to_refresh(now)
        )

    due, moment = row.due_at(), timedelta(seconds=1)
    assert to_do(due + moment)
    # one that was never looked at is due since ever
    assert due.year == 1970 or not to_do(due - moment)


@given(webhooks, projects, projects)
def test_a_plan_leads_to_the_projects_in_use_and_is_done_then(
    registered: list[set[int]], in_use: set[int], refused: set[int]
) -> None:
    known = tuple(SiteWebhook(n, tuple(sorted(found)), UNTIL) for n, found in enumerate(registered))
    before = SiteWebhooks("t", 1, known, tuple(refused))
    todo = plan(before, in_use)
    left = [w for w in known if w.id not in todo.remove]
    made = [SiteWebhook(100 + n, p, UNTIL) for n, p in enumerate(todo.create)]
    covered = {p for w in [*left, *made] for p in w.projects}
    assert covered == in_use - refused
    after = SiteWebhooks("t", 1, (*left, *made), tuple(refused))
    again = plan(after, in_use)
    assert (list(again.create), list(again.remove)) == ([], [])


def test_many_small_ones_are_made_anew() -> None:
    known = tuple(SiteWebhook(n, (n,), UNTIL) for n in range(1, 8))
    todo = plan(SiteWebhooks("t", 1, known), range(1, 8))
    assert list(todo.create) == [tuple(range(1, 8))]
    assert list(todo.remove) == list(range(1, 8))


def test_filters_are_short_enough() -> None:
    found = groups(range(10**9, 10**9 + 1201))
    assert [len(g) for g in found] == [500, 500, 201]
    assert all(len(jql_of(g)) < 10_000 for g in found)
    assert [projects_of(jql_of(g)) for g in found] == found


@pytest.mark.parametrize(
    "jql", ["", "project = DEMO", "project in (DEMO)", "project in ()", "project in (1) OR 1 = 1"]
)
def test_filters_of_others(jql: str) -> None:
    assert projects_of(jql) is None


def test_times() -> None:
    row = SiteWebhooks("t", 1, (SiteWebhook(1, (1,), UNTIL),), checked_at=START, swept_at=START)
    assert not row.to_refresh(START + timedelta(days=14))
    assert row.to_refresh(START + timedelta(days=15, seconds=1))
    assert not row.to_check(START + timedelta(hours=23))
    assert row.to_check(START + timedelta(days=1))
    assert row.to_sweep(START + timedelta(hours=1))
    assert SiteWebhooks("t", 1).to_check(START)
    assert SiteWebhooks("t", 1, failures=99).pause() == timedelta(hours=1)
