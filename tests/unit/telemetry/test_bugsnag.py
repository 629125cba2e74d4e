"""BugSnag: what is sent where, the table of answers, memory of what was accepted."""

import importlib
import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic_settings import BaseSettings

from contracts.diagnostics import OPERATOR, RequestSpan
from contracts.telemetry import ProcessorName
from contracts.tenancy import SERVICES
from devstack.processors.bugsnag import NOTIFY, SESSIONS, TRACES
from kit.errors import Unavailable
from services.telemetry.adapters.processors.bugsnag import (
    BUGSNAG,
    BugsnagErrors,
    BugsnagSessions,
    BugsnagSpans,
    addresses,
)
from services.telemetry.domain.answers import Accepted, Answer, Retry, Split, Stop
from services.telemetry.usecases.delivery import Limits, Prepared
from services.telemetry.usecases.once import Once
from tests.harness.fakes import ManualClock
from tests.integration.telemetry.standins import BUGSNAG_KEY, standins
from tests.unit.telemetry.test_diagnostics import OUR_FRAME, an_error, anonymous, told

ROOT = Path(__file__).resolve().parents[3]


def test_the_key_says_where_its_realm_is() -> None:
    first = addresses("0123456789abcdef0123456789abcdef")
    assert (first.notify, first.sessions, first.traces) == (
        "https://notify.bugsnag.com/",
        "https://sessions.bugsnag.com/",
        "https://0123456789abcdef0123456789abcdef.otlp.bugsnag.com/v1/traces",
    )
    second = addresses("00000abcdef")
    assert (second.notify, second.sessions, second.traces) == (
        "https://notify.bugsnag.smartbear.com/",
        "https://sessions.bugsnag.smartbear.com/",
        "https://00000abcdef.otlp.bugsnag.smartbear.com/v1/traces",
    )
    given = addresses("00000abcdef", "http://one", "http://two", "http://three")
    assert (given.notify, given.sessions, given.traces) == (
        "http://one",
        "http://two",
        "http://three",
    )


def test_an_error_holds_what_was_decided_and_nothing_else() -> None:
    errors = BugsnagErrors("http://127.0.0.1:9", "key", "production", ManualClock())
    event = anonymous(told(error=an_error(causes=["ValueError"], count=3)))
    prepared = errors.prepare(event)
    assert json.loads(prepared.body) == {
        "exceptions": [
            {
                "errorClass": "KeyError",
                "stacktrace": [
                    {
                        "file": OUR_FRAME.module,
                        "lineNumber": OUR_FRAME.line,
                        "method": OUR_FRAME.function,
                        "inProject": True,
                    }
                ],
            },
            {"errorClass": "ValueError", "stacktrace": []},
        ],
        "unhandled": True,
        "severity": "error",
        "severityReason": {"type": "unhandledException"},
        "context": "executions http",
        "app": {"version": "1.22", "releaseStage": "production", "type": "executions"},
        "device": {"time": "2026-11-24T12:34:00Z"},
        "metaData": {"telemetry": {"event_id": event.event_id, "count": 3}},
        "user": {"id": event.tenant},
    }
    assert prepared.body == errors.prepare(event).body
    own = json.loads(errors.prepare(anonymous(told(OPERATOR, error=an_error(handled=True)))).body)
    assert "user" not in own
    assert (own["unhandled"], own["severity"]) == (False, "warning")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, Accepted()),
        (202, Accepted()),
        (204, Retry("unknown answer")),
        (301, Stop("answers 301")),
        (400, Split("refused with status 400")),
        (401, Stop("answers 401")),
        (404, Stop("answers 404")),
        (408, Retry("status 408")),
        (413, Split("refused with status 413")),
        (429, Retry("status 429")),
        (500, Retry("status 500")),
        (503, Retry("status 503")),
    ],
)
async def test_answers(status: int, expected: Answer) -> None:
    async with standins() as vendor:
        errors = BugsnagErrors(f"{vendor.url}/bugsnag{NOTIFY}", BUGSNAG_KEY, "test", ManualClock())
        await vendor.fail("bugsnag", "status", status=status)
        found = await errors.send([errors.prepare(anonymous(told(error=an_error())))], 0)
        await errors.close()
    assert found == expected


async def test_the_vendor_can_use_what_is_sent() -> None:
    async with standins() as vendor:
        base, clock = f"{vendor.url}/bugsnag", ManualClock()
        errors = BugsnagErrors(base + NOTIFY, BUGSNAG_KEY, "test", clock)
        sessions = BugsnagSessions(base + SESSIONS, BUGSNAG_KEY, "test", clock)
        spans = BugsnagSpans(base + TRACES, BUGSNAG_KEY, "test", clock)
        error = errors.prepare(anonymous(told(error=an_error())))
        request = RequestSpan(method="GET", route="/v2/projects", status=200, duration_ms=12.34)
        some = [
            spans.prepare(anonymous(told(request=request.model_copy(update={"sampled": share}))))
            for share in (1, 1, 0.00001234)
        ]
        start = sessions.prepare(anonymous(told(OPERATOR, starts=2)))
        for processor, prepared in ((errors, [error, error]), (sessions, [start]), (spans, some)):
            assert await processor.send(prepared, 0) == Accepted()
            await processor.close()
        assert await vendor.dropped("bugsnag") == []
        kept = await vendor.visible("bugsnag")
        headers = [request["headers"] for request in await vendor.requests("bugsnag")]
    assert [one["kind"] for one in kept] == ["error", "error", "sessions", "span", "span", "span"]
    assert (kept[2]["startedAt"], kept[2]["sessionsStarted"]) == ("2026-11-24T12:34:00.000Z", 2)
    span = kept[3]
    assert (span["name"], span["kind"]) == ("GET /v2/projects", "span")
    assert int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"]) == 12_000_000
    assert span["attributes"] == {
        "http.method": "GET",
        "http.route": "/v2/projects",
        "http.status_code": "200",
        "bugsnag.sampling.p": 1.0,
    }
    assert [h.get("bugsnag-payload-version") for h in headers] == ["5", "1.0", None]
    assert headers[2]["bugsnag-span-sampling"] == "1:2;1.2e-05:1"
    assert all(h["bugsnag-sent-at"] == "2026-11-24T12:00:00.000Z" for h in headers)


def test_no_other_service_can_reach_bugsnag() -> None:
    for name in set(SERVICES) - {"telemetry"}:
        settings = importlib.import_module(f"services.{name}.settings")
        classes = [kind for kind in vars(settings).values() if isinstance(kind, type)]
        fields = [
            f for kind in classes if issubclass(kind, BaseSettings) for f in kind.model_fields
        ]
        assert fields
        assert not [field for field in fields if "bugsnag" in field]
    for folder in ("contracts", "kit", "services"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"^\s*(import|from) bugsnag", text, re.MULTILINE), path
            if "bugsnag.com" in text or "smartbear" in text:
                assert path.is_relative_to(ROOT / "services" / "telemetry"), path


def test_every_kind_has_its_processor_within_the_vendors_limit() -> None:
    assert {one.name for one in BUGSNAG.values()} == {ProcessorName.BUGSNAG}
    for processor in BUGSNAG.values():
        assert processor.limits.request_bytes < 1_000_000


# --- once --------------------------------------------------------------------------------------


@dataclass
class Scripted:
    """Answers what it is told to."""

    answers: list[Answer]
    sent: list[list[str]] = field(default_factory=list)
    name: ProcessorName = ProcessorName.BUGSNAG
    limits: Limits = field(default_factory=lambda: Limits(10, 1_000, 1_000))

    def prepare(self, event: Any) -> Prepared:
        return Prepared(event, "", b"")

    async def send(self, events: Sequence[Prepared], repeats: int) -> Answer:
        self.sent.append([event.event_id for event in events])
        return self.answers.pop(0)


@dataclass
class Memory:
    """Ids in memory, which may be away."""

    ids: set[str] = field(default_factory=set)
    away: bool = False

    async def known(self, ids: Collection[str]) -> Collection[str]:
        return self.ids & set(ids)

    async def add(self, ids: Collection[str]) -> None:
        if self.away:
            raise Unavailable("away")
        self.ids |= set(ids)


def prepared(*ids: str) -> list[Prepared]:
    return [Prepared(ident, "", b"") for ident in ids]


async def test_what_was_accepted_is_not_sent_again() -> None:
    vendor, memory = Scripted([Accepted(), Retry("status 503"), Accepted()]), Memory()
    once = Once(vendor, memory)
    assert await once.send(prepared("a", "b"), 0) == Accepted()
    assert await once.send(prepared("b", "c"), 0) == Retry("status 503")
    assert await once.send(prepared("b", "c"), 1) == Accepted()
    assert await once.send(prepared("a", "b", "c"), 0) == Accepted()
    assert vendor.sent == [["a", "b"], ["c"], ["c"]]


async def test_what_could_not_be_written_down_is_written_before_the_next_request() -> None:
    vendor, memory = Scripted([Accepted(), Accepted()]), Memory(away=True)
    once = Once(vendor, memory)
    with pytest.raises(Unavailable):
        await once.send(prepared("a"), 0)
    with pytest.raises(Unavailable):  # the batch comes again, and is not sent blindly
        await once.send(prepared("a"), 0)
    memory.away = False
    assert await once.send(prepared("a", "b"), 0) == Accepted()
    assert vendor.sent == [["a"], ["b"]]
