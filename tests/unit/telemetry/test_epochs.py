"""Epochs of keys: one of each moment, over at a day, and which of them late events may ask for."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.telemetry.domain.pseudonyms import (
    NEWEST,
    OLDEST,
    Domain,
    Period,
    Pseudonyms,
    end_of,
    epoch_of,
    late_epochs,
    pseudonym,
)

# years with 53 weeks and without, leap years and others
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=7_305)).map(
    lambda since: datetime(2020, 1, 1, tzinfo=UTC) + since
)


@pytest.mark.parametrize(
    ("period", "epoch", "end"),
    [
        (Period.DAY, "2026-12-31", date(2027, 1, 1)),
        (Period.WEEK, "2026-W53", date(2027, 1, 4)),
        (Period.MONTH, "2026-12", date(2027, 1, 1)),
        (Period.QUARTER, "2026-Q4", date(2027, 1, 1)),
    ],
)
def test_names_of_epochs(period: Period, epoch: str, end: date) -> None:
    late = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    for moment in (late, late.astimezone(timezone(timedelta(hours=5)))):
        assert epoch_of(moment, period) == epoch
    assert end_of(epoch) == end


@pytest.mark.parametrize(
    "text", ["", "someday", "2026", "2026-13", "2026-Q5", "2026-Q0", "2026-W54", "2026-02-30"]
)
def test_what_names_no_epoch(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        end_of(text)


@given(MOMENTS, st.sampled_from(Period))
def test_an_epoch_ends_after_its_moments_and_the_next_begins_there(
    moment: datetime, period: Period
) -> None:
    epoch = epoch_of(moment, period)
    end = end_of(epoch)
    assert moment.date() < end
    begin_of_next = datetime(end.year, end.month, end.day, tzinfo=UTC)
    assert epoch_of(begin_of_next, period) != epoch
    assert epoch_of(begin_of_next - timedelta(microseconds=1), period) == epoch


@given(MOMENTS, st.sampled_from(Period), st.floats(0, 1))
def test_no_plausible_event_is_of_another_epoch_than_the_late_ones(
    now: datetime, period: Period, share: float
) -> None:
    moment = now - OLDEST + share * (OLDEST + NEWEST)
    assert epoch_of(moment, period) in late_epochs(now, period)


@given(st.binary(min_size=32, max_size=32), st.sampled_from(Domain), st.text())
def test_hashed_in_parts_or_at_once_is_the_same(key: bytes, domain: Domain, value: str) -> None:
    pseudonyms = Pseudonyms(key)
    assert pseudonyms.of(domain, value) == pseudonym(key, domain, value)
    assert pseudonyms.of(domain, value, 32) == pseudonym(key, domain, value, 32)
