"""What is noted of errors and requests, and how much of it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.diagnostics import OPERATOR, Diagnostic, ErrorReport, Place
from kit.errors import NotFound
from kit.http.urls import executed_scheme
from kit.observability.diagnostics import (
    CONCERNED,
    MOST_ERRORS,
    MOST_SPANS,
    RECORDER,
    Noted,
    Recorder,
    class_name,
    concerning,
    note,
    report_of,
)
from kit.observability.metrics import REGISTRY
from tests.harness.fakes import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def recorder(clock: ManualClock) -> Recorder:
    return Recorder("executions", clock, lambda limit: limit - 1)


def caught(work: Callable[[], object] | BaseException) -> BaseException:
    """Return an error that was raised, with its traceback."""
    try:
        _do(work)
    except BaseException as found:  # noqa: BLE001  to be looked at
        return found
    raise AssertionError("nothing was raised")


def _do(work: Callable[[], object] | BaseException) -> None:
    if isinstance(work, BaseException):
        raise work
    work()


def errors(notes: list[Noted]) -> list[tuple[str, str, int]]:
    """Return tenant, type and count of the errors."""
    found = [(n.tenant, n.diagnostic.error) for n in notes]
    return [(tenant, e.error_class, e.count) for tenant, e in found if e is not None]


def lost(outcome: str) -> float:
    return REGISTRY.get_sample_value("ostro_diagnostics_total", {"outcome": outcome}) or 0.0


def test_an_error_is_told_at_once_and_then_three_times_a_minute_with_a_count(
    recorder: Recorder, clock: ManualClock
) -> None:
    def happen() -> None:
        recorder.error(caught(ValueError("secret")), Place.HTTP, handled=False)

    happen()
    assert errors(recorder.take()) == [(OPERATOR, "ValueError", 1)]
    told = 0
    for _ in range(60):
        happen()
        clock.advance(seconds=1)
        told += len(errors(recorder.take()))
    assert told == 3
    happen()
    assert errors(recorder.rest()) == [(OPERATOR, "ValueError", 1)]


def test_tenants_types_and_places_are_told_apart(recorder: Recorder) -> None:
    with concerning("one"):
        recorder.error(caught(ValueError()), Place.HTTP, handled=False)
        recorder.error(caught(KeyError()), Place.HTTP, handled=False)
    with concerning("two"):
        recorder.error(caught(ValueError()), Place.HTTP, handled=False)
        recorder.error(caught(ValueError()), Place.RELAY, handled=False)
    assert CONCERNED.get() is None
    assert sorted(errors(recorder.take())) == [
        ("one", "KeyError", 1),
        ("one", "ValueError", 1),
        ("two", "ValueError", 1),
        ("two", "ValueError", 1),
    ]


def test_one_error_that_several_see_is_one(recorder: Recorder) -> None:
    error = caught(ValueError())
    recorder.error(error, Place.HTTP, handled=False)
    recorder.error(error, Place.LOG, handled=True)
    (told,) = recorder.take()
    assert told.diagnostic.error is not None
    assert (told.diagnostic.error.place, told.diagnostic.error.handled) == ("http", False)


def test_memory_is_bounded_and_what_is_too_much_is_counted(
    recorder: Recorder, clock: ManualClock
) -> None:
    before = lost("full")
    for number in range(MOST_ERRORS + 7):
        with concerning(f"tenant-{number}"):
            recorder.error(caught(ValueError()), Place.HTTP, handled=False)
    assert lost("full") == before + 7
    assert len(recorder.take()) == MOST_ERRORS
    for number in range(MOST_SPANS + 7):
        recorder.request("GET", f"/{number}", 200, 0.1)
    clock.advance(seconds=11)
    assert len(recorder.take()) == MOST_SPANS
    # what does not come again is forgotten
    clock.advance(seconds=200)
    assert recorder.take() == []
    assert recorder._errors == {}


class Strange(Exception):
    """An error that lets nobody look at it."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)


def test_noting_never_raises(recorder: Recorder) -> None:
    before = lost("unreadable")
    recorder.error(Strange(), Place.HTTP, handled=False)
    assert lost("unreadable") == before + 1
    assert RECORDER.get() is None
    note(ValueError(), Place.HTTP, handled=False)  # a task of no service: nobody hears


def test_of_many_requests_one_of_each_kind_is_kept_with_its_share(
    recorder: Recorder, clock: ManualClock
) -> None:
    for number in range(5):
        with concerning(f"tenant-{number}"):
            recorder.request("GET", "/v2/projects", 200, 0.0123)
    recorder.request("GET", "/v2/projects", 503, 2.0)
    spans = [(n.tenant, n.diagnostic.request) for n in recorder.take()]
    assert {(tenant, s.route, s.status, s.duration_ms, s.sampled) for tenant, s in spans if s} == {
        ("tenant-0", "/v2/projects", 200, 12.3, 0.2),
        (OPERATOR, "/v2/projects", 503, 2000.0, 1.0),
    }
    recorder.request("GET", "/v2/projects", 200, 0.01)
    assert recorder.take() == []  # the window is open
    clock.advance(seconds=10)
    assert len(recorder.take()) == 1


def test_each_request_of_a_kind_has_the_same_chance(clock: ManualClock) -> None:
    recorder = Recorder("executions", clock, lambda _: 0)
    for number in range(5):
        recorder.request("GET", "/v2/projects", 200, number / 1000)
    (told,) = recorder.take()
    assert told.diagnostic.request is not None
    assert told.diagnostic.request.duration_ms == 4.0


def test_a_start_is_told_once(recorder: Recorder) -> None:
    recorder.started()
    (told,) = recorder.take()
    assert (told.tenant, told.diagnostic.starts) == (OPERATOR, 1)
    assert recorder.take() == []


# --- what is read of an exception --------------------------------------------------------------


class Ours(Exception):
    """Held by this module under its name."""


def test_a_type_is_named_by_what_a_module_holds() -> None:
    made = type("jane.doe@example.com", (Ours,), {})
    assert class_name(made) == "tests.unit.kit.test_diagnostics.Ours"
    hidden = type("ValueError", (Ours,), {"__module__": "builtins"})
    assert class_name(hidden) == "tests.unit.kit.test_diagnostics.Ours"
    assert class_name(KeyError) == "KeyError"
    assert class_name(NotFound) == "kit.errors.NotFound"


def test_frames_are_ours_only_the_innermost_first() -> None:
    error = caught(lambda: executed_scheme(None))  # type: ignore[arg-type]
    (frame,) = report_of(error, Place.HTTP, handled=False).frames
    assert (frame.module, frame.function) == ("kit.http.urls", "executed_scheme")
    assert frame.line > 1


def test_causes_are_types_the_nearest_first_and_suppressed_ones_are_not_told() -> None:
    error, nearest = Ours("c"), ValueError("b")
    error.__cause__, nearest.__context__ = nearest, KeyError("a")
    assert report_of(error, Place.HTTP, handled=False).causes == ["ValueError", "KeyError"]
    # raised from None
    error.__cause__, error.__context__, error.__suppress_context__ = None, nearest, True
    assert report_of(error, Place.HTTP, handled=False).causes == []
    # a circle ends
    nearest.__context__, error.__cause__ = error, nearest
    assert report_of(error, Place.HTTP, handled=False).causes == ["ValueError"]


TEXT = st.text(st.characters(exclude_categories=["C"]), min_size=8, max_size=40)


@given(TEXT, TEXT, TEXT, TEXT)
@settings(max_examples=60, deadline=None)
def test_nothing_that_an_exception_holds_is_noted(
    message: str, argument: str, local: str, remark: str
) -> None:
    def fail(secret: str) -> None:
        __tracebackhide__ = secret
        inner = type(message, (KeyError,), {})(secret, argument)
        raise ValueError(message, secret) from inner

    error = caught(lambda: fail(local))
    error.add_note(remark)
    report = report_of(error, Place.HTTP, handled=False)
    assert report == ErrorReport(
        error_class="ValueError", causes=["KeyError"], frames=[], handled=False, place="http"
    )
    recorder = Recorder("executions", ManualClock(), lambda _: 0)
    recorder.error(error, Place.HTTP, handled=False)
    (told,) = recorder.take()
    assert isinstance(told.diagnostic, Diagnostic)
    wire = json.dumps(told.diagnostic.model_dump(mode="json"), ensure_ascii=False)
    for text in (message, argument, local, remark):
        assert text not in wire
