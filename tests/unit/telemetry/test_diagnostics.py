"""From a diagnostic to its anonymous form: default deny, and nothing of the input but code."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.diagnostics import (
    OPERATOR,
    AnonymousDiagnostic,
    Diagnostic,
    ErrorReport,
    Frame,
    Place,
    RequestSpan,
)
from contracts.envelope import Event
from contracts.topics import DIAGNOSTIC
from kit.observability.diagnostics import Recorder
from services.telemetry.domain.anonymizer import Dropped, DropReason
from services.telemetry.domain.diagnostics import (
    allowed_class,
    anonymize,
    screen,
    tenant_pseudonym,
    unknown_fields,
)
from services.telemetry.domain.pseudonyms import Domain, pseudonym
from tests.harness.fakes import ManualClock

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
NOW = datetime(2026, 11, 24, 12, 34, 56, 789_000, tzinfo=UTC)
OUR_FRAME = Frame(module="services.executions.usecases.uploads", function="take", line=17)


def told(tenant: str = "tenant-1", time: datetime = NOW, **data: Any) -> Event[Diagnostic]:
    """Build a diagnostic as a service would."""
    content = {"service": "executions", "release": "1.22.333", **data}
    return Event[Diagnostic](
        id="event-1",
        source="ostro/executions",
        type=DIAGNOSTIC.type,
        subject="executions",
        time=time,
        tenantid=tenant,
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        data=Diagnostic(**content),
    )


def an_error(**changes: Any) -> ErrorReport:
    values = {
        "error_class": "KeyError",
        "frames": [OUR_FRAME],
        "handled": False,
        "place": "http",
        **changes,
    }
    return ErrorReport(**values)


def anonymous(event: Event[Diagnostic]) -> AnonymousDiagnostic:
    result = anonymize(event, KEY)
    assert isinstance(result, AnonymousDiagnostic)
    return result


def test_an_error_leaves_as_types_and_our_own_frames() -> None:
    foreign = [
        Frame(module="pymongo.collection", function="find", line=3),
        Frame(module="services/executions/usecases.py", function="take", line=3),
        Frame(module="services.executions", function="jane doe", line=3),
    ]
    causes = ["pymongo.errors.AutoReconnect", "acme.Secret", "jane@example.com", "builtins.X"]
    error = an_error(causes=causes, frames=[OUR_FRAME, *foreign], count=7)
    result = anonymous(told(error=error))
    assert result.model_dump(mode="json", exclude_none=True) == {
        "event_id": pseudonym(KEY, Domain.EVENT, "event-1", 32),
        "service": "executions",
        "release": "1.22",
        "minute": "2026-11-24T12:34:00Z",
        "tenant": pseudonym(KEY, Domain.TENANT, "tenant-1"),
        "error": {
            "error_class": "KeyError",
            "causes": ["pymongo.errors.AutoReconnect", "Other", "Other", "builtins.X"],
            "frames": [OUR_FRAME.model_dump()],
            "handled": False,
            "place": "http",
            "count": 7,
        },
    }


def test_a_request_leaves_as_template_and_rounded_duration() -> None:
    request = RequestSpan(
        method="GET",
        route="/v2/testcases/{testCaseKey}",
        status=200,
        duration_ms=1234.5,
        sampled=1 / 7,
    )
    span = anonymous(told(request=request)).span
    assert span is not None
    assert span.model_dump() == {
        "method": "GET",
        "route": "/v2/testcases/:key",
        "status": 200,
        "duration_ms": 1200.0,
        "sampled": 0.14,
    }
    # a path instead of a template, by mistake
    for path in ("/v2/testcases/ACME-T1?name=jane", "/v2/persons/jane", "jane"):
        span = anonymous(told(request=request.model_copy(update={"route": path}))).span
        assert span is not None
        assert "jane" not in span.route
        assert "ACME" not in span.route


def test_starts_concern_no_tenant() -> None:
    result = anonymous(told(OPERATOR, starts=2))
    assert (result.tenant, result.starts) == (None, 2)
    assert tenant_pseudonym(KEY, "tenant-1") != tenant_pseudonym(OTHER_KEY, "tenant-1")


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"starts": 1, "error": an_error()},
        {"starts": 0},
        {"starts": 10**9},
        {"service": "billing", "starts": 1},
        {"error": an_error(place="kitchen")},
        {"error": an_error(count=0)},
        {"error": an_error(frames=[OUR_FRAME.model_copy(update={"line": -1})])},
        {"request": RequestSpan(method="JANE", route="/v2", status=200, duration_ms=1)},
        {"request": RequestSpan(method="GET", route="/v2", status=20, duration_ms=1)},
        {"request": RequestSpan(method="GET", route="/v2", status=200, duration_ms=-1)},
        {"request": RequestSpan(method="GET", route="/v2", status=200, duration_ms=float("nan"))},
    ],
)
def test_what_is_wrong_is_dropped(data: dict[str, Any]) -> None:
    event = told(**data)
    assert anonymize(event, KEY) == Dropped(DropReason.ERROR)


def test_nonsense_gets_no_key() -> None:
    assert screen(told(starts=1), NOW) is None
    assert screen(told(service="billing"), NOW) == Dropped(DropReason.UNKNOWN_EVENT)
    for moment in (NOW - timedelta(days=99), NOW + timedelta(days=1), NOW.replace(tzinfo=None)):
        assert screen(told(time=moment), NOW) == Dropped(DropReason.IMPLAUSIBLE_TIME)


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("ValueError", True),
        ("ExceptionGroup", True),
        ("json.decoder.JSONDecodeError", True),
        ("kit.errors.NotFound", True),
        ("services.tenancy.domain.sites.BadSite", True),
        ("aiokafka.errors.KafkaError", True),
        ("int", False),
        ("Jane", False),
        ("jane.doe", False),
        ("services", False),
        ("kit.errors.Not Found", False),
        ("kit.errors.NotFound\n", False),
        ("kit.errors.Jane@example", False),
        ("kit." + "x" * 65, False),
        ("", False),
    ],
)
def test_types_that_may_be_named(name: str, allowed: bool) -> None:
    assert allowed_class(name) == (name if allowed else "Other")


def test_unknown_fields_are_left_out_and_counted() -> None:
    event = told(error=an_error()).model_dump(mode="json")
    data = event["data"]
    data |= {"host": "db-7.acme.example"}
    data["error"] |= {"message": "jane@example.com", "locals": {"a": 1}}
    data["error"]["frames"][0] |= {"code": "secret()"}
    read = Event[Diagnostic].model_validate_json(json.dumps(event))
    assert unknown_fields(data) == 4
    assert anonymous(read) == anonymous(told(error=an_error()))
    nonsenses: list[Any] = [None, [], {"error": None}, {"error": 1}, {"error": {"frames": [1]}}]
    for nonsense in nonsenses:
        assert unknown_fields(nonsense) == 0


def test_the_anonymous_form_is_closed() -> None:
    good = anonymous(told(error=an_error())).model_dump(mode="json")
    places: list[dict[str, Any]] = [good, good["error"], good["error"]["frames"][0]]
    for place in places:
        place["message"] = "jane"
        with pytest.raises(ValidationError, match="message"):
            AnonymousDiagnostic.model_validate(good)
        del place["message"]
    AnonymousDiagnostic.model_validate(good)
    for change in ({"minute": "2026-11-24T12:34:56Z"}, {"release": "1.22.333"}, {"starts": 1}):
        with pytest.raises(ValidationError):
            AnonymousDiagnostic.model_validate(good | change)


FRAGMENT = 8
# persons, mails, hosts, paths of files, keys: what messages, locals and names of hosts hold
TEXT = st.one_of(
    st.text(st.characters(exclude_categories=["C"]), min_size=FRAGMENT, max_size=60),
    st.emails(),
    st.from_regex(r"\A/(home|srv)/[a-z]{8,20}/[a-z]{3,9}\.py\Z"),
    st.from_regex(r"\A[a-z]{8,20}\.internal\.example\Z"),
    st.from_regex(r"\A[A-Z]{8,10}-T[0-9]{4,9}\Z"),
)


@given(TEXT, TEXT, TEXT, TEXT, TEXT)
@settings(max_examples=100, deadline=None)
def test_nothing_that_was_in_an_exception_comes_out(
    message: str, argument: str, local: str, remark: str, cause: str
) -> None:
    def fail(secret: str) -> None:
        inner = type(cause, (KeyError,), {"__module__": cause})(secret, argument)
        raise type(message, (ValueError,), {"__qualname__": message})(message, secret) from inner

    recorder = Recorder("executions", ManualClock(), lambda _: 0)
    try:
        fail(local)
    except ValueError as error:
        error.add_note(remark)
        recorder.error(error, Place.HTTP, handled=False)
    (note,) = recorder.take()
    event = told(error=note.diagnostic.error)
    out = anonymous(event).model_dump_json(exclude={"event_id", "tenant"})
    for text in (message, argument, local, remark, cause):
        assert not any(
            text[i : i + FRAGMENT] in out and text[i : i + FRAGMENT] not in _OURS
            for i in range(len(text) - FRAGMENT + 1)
        )


_OURS = anonymous(
    told(error=an_error(error_class="ValueError", causes=["KeyError"]))
).model_dump_json()


@given(TEXT, TEXT, TEXT, TEXT)
@settings(max_examples=100, deadline=None)
def test_no_fragment_of_a_forged_diagnostic_leaves(
    error_class: str, module: str, function: str, route: str
) -> None:
    forged = [
        told(
            error=an_error(
                error_class=error_class,
                causes=[error_class],
                frames=[Frame(module=module, function=function, line=1)],
            )
        ),
        told(request=RequestSpan(method="GET", route=f"/{route}", status=200, duration_ms=1)),
    ]
    for event in forged:
        result = anonymous(event)
        assert result.error is None or (result.error.error_class, result.error.frames) == (
            "Other",
            (),
        )
        assert result.span is None or result.span.route == "/other"
