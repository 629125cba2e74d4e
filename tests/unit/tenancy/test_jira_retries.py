"""How long to wait before Jira is asked again."""

from datetime import UTC, datetime

import pytest

from services.tenancy.adapters.jira.retries import pause_after, retry_after
from tests.harness.fakes import SeededIds

NOW = datetime(2026, 11, 24, 12, 0, 0, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("17", 17),
        (" 3 ", 3),
        ("0", 0),
        ("99999999999999999999", 3600),
        ("Tue, 24 Nov 2026 12:00:31 GMT", 31),
        ("Tue, 24 Nov 2026 12:00:31 -0000", 31),
        ("Tue, 24 Nov 2026 13:00:31 +0100", 31),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0),
        ("Tue, 24 Nov 2027 11:00:00 GMT", 3600),
        ("Tuesday, 24-Nov-26 12:00:31 GMT", 31),
        ("-5", None),
        ("1.5", None),
        ("١٢", None),
        ("soon", None),
        ("Tue, 99 Nov 2026 12:00:31 GMT", None),
        ("", None),
        (None, None),
    ],
)
def test_both_forms_of_retry_after(header: str | None, seconds: int | None) -> None:
    assert retry_after(header, NOW) == seconds


def test_pauses_are_random_below_a_bound_that_doubles() -> None:
    ids = SeededIds()
    for attempt, longest in enumerate([0.25, 0.5, 1.0, 2.0, 2.0, 2.0]):
        pauses = [pause_after(attempt, ids) for _ in range(200)]
        assert 0 <= min(pauses) < longest / 4
        assert longest * 3 / 4 < max(pauses) <= longest
