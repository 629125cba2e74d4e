"""BugSnag: errors (notify, payload 5), sessions and spans, an address each. Source: facts.md 5.

Spans: the vendor's trace API (OpenAPI 1, "Sending traces") is OTLP by JSON. Its two texts name
different paths, so the whole URL is a setting; the default is what the vendor's SDKs use.

A 200 or 202 means queued, not validated, and a wrong key is not told: what is sent is right by
construction. There is no idempotency key: see ``usecases.once``.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from contracts.diagnostics import AnonymousDiagnostic, AnonymousError, AnonymousSpan
from contracts.telemetry import ProcessorName
from kit.clock import Clock
from kit.version import VERSION
from services.telemetry.adapters.processors.http import Endpoint, by_status
from services.telemetry.domain.answers import Accepted, Answer, Retry
from services.telemetry.domain.diagnostics import Kind
from services.telemetry.usecases.delivery import Limits, Prepared

SECOND_REALM_PREFIX = "00000"
_ENVELOPE_BYTES = 1_000
_REQUEST_BYTES = 1_000_000 - _ENVELOPE_BYTES
_NOTIFIER = {"name": "Ostro telemetry", "version": VERSION, "url": "urn:ostro:telemetry"}
_SPAN_KIND_SERVER = 2
_TAKEN = frozenset({200, 202})


@dataclass(frozen=True, slots=True)
class Addresses:
    """Whole URLs."""

    notify: str
    sessions: str
    traces: str


def addresses(
    api_key: str, notify: str | None = None, sessions: str | None = None, traces: str | None = None
) -> Addresses:
    """Return those given, else the vendor's; the key says in which of the two realms it is."""
    second = api_key.startswith(SECOND_REALM_PREFIX)
    realm = "bugsnag.smartbear.com" if second else "bugsnag.com"
    return Addresses(
        notify or f"https://notify.{realm}/",
        sessions or f"https://sessions.{realm}/",
        traces or f"https://{api_key}.otlp.{realm}/v1/traces",
    )


class BugsnagErrors:
    """Errors; implements ``usecases.delivery.Processor``."""

    name = ProcessorName.BUGSNAG
    limits = Limits(100, _REQUEST_BYTES, _REQUEST_BYTES)

    def __init__(self, url: str, api_key: str, stage: str, clock: Clock) -> None:
        self._calls = _Calls(url, {"bugsnag-api-key": api_key, "bugsnag-payload-version": "5"})
        self._stage = stage
        self._clock = clock
        self.close = self._calls.close

    def prepare(self, event: AnonymousDiagnostic) -> Prepared:
        """Render an error: types and our own frames; ``user`` is the tenant, for erasure."""
        error = event.error
        assert error is not None
        how = "handledException" if error.handled else "unhandledException"
        content: dict[str, Any] = {
            "exceptions": _exceptions(error),
            "unhandled": not error.handled,
            "severity": "warning" if error.handled else "error",
            "severityReason": {"type": how},
            "context": f"{event.service.value} {error.place.value}",
            "app": _app(event, self._stage),
            "device": {"time": event.minute.strftime("%Y-%m-%dT%H:%M:%SZ")},
            "metaData": {"telemetry": {"event_id": event.event_id, "count": error.count}},
        }
        if event.tenant is not None:
            content["user"] = {"id": event.tenant}
        return Prepared(event.event_id, event.tenant or "", orjson.dumps(content))

    async def send(self, events: Sequence[Prepared], repeats: int) -> Answer:  # noqa: ARG002  BugSnag wants no count
        """Send one request."""
        envelope = {"payloadVersion": "5", "notifier": _NOTIFIER}
        body = orjson.dumps(envelope)[:-1] + b',"events":[%b]}' % b",".join(e.body for e in events)
        return await self._calls.post(body, self._clock, {})


class BugsnagSessions:
    """Starts as ``sessionCounts``: by minute, without ids; a request holds one service's."""

    name = ProcessorName.BUGSNAG
    limits = Limits(1, _REQUEST_BYTES, _REQUEST_BYTES)

    def __init__(self, url: str, api_key: str, stage: str, clock: Clock) -> None:
        self._calls = _Calls(url, {"bugsnag-api-key": api_key, "bugsnag-payload-version": "1.0"})
        self._stage = stage
        self._clock = clock
        self.close = self._calls.close

    def prepare(self, event: AnonymousDiagnostic) -> Prepared:
        """Render a whole request."""
        counted = {
            "startedAt": event.minute.strftime("%Y-%m-%dT%H:%M:00.000Z"),
            "sessionsStarted": event.starts,
        }
        content = {
            "notifier": _NOTIFIER,
            "app": _app(event, self._stage),
            "device": {},
            "sessionCounts": [counted],
        }
        return Prepared(event.event_id, "", orjson.dumps(content))

    async def send(self, events: Sequence[Prepared], repeats: int) -> Answer:  # noqa: ARG002  as above
        """Send one request."""
        (event,) = events
        return await self._calls.post(event.body, self._clock, {})


class BugsnagSpans:
    """A sample of requests as spans of their own, without parents."""

    name = ProcessorName.BUGSNAG
    limits = Limits(200, _REQUEST_BYTES, _REQUEST_BYTES)

    def __init__(self, url: str, api_key: str, stage: str, clock: Clock) -> None:
        self._calls = _Calls(url, {"bugsnag-api-key": api_key})
        self._stage = stage
        self._clock = clock
        self.close = self._calls.close

    def prepare(self, event: AnonymousDiagnostic) -> Prepared:
        """Render a span; the identity is its probability, which a header counts."""
        span = event.span
        assert span is not None
        resource = {
            "service.name": event.service.value,
            "service.version": event.release,
            "deployment.environment": self._stage,
        }
        content = {
            "resource": {"attributes": [_text(name, text) for name, text in resource.items()]},
            "scopeSpans": [{"spans": [_span(event, span)]}],
        }
        return Prepared(event.event_id, f"{span.sampled:g}", orjson.dumps(content))

    async def send(self, events: Sequence[Prepared], repeats: int) -> Answer:  # noqa: ARG002  as above
        """Send one request."""
        shares = Counter(event.identity for event in events)
        sampling = ";".join(f"{share}:{number}" for share, number in shares.items())
        body = b'{"resourceSpans":[%b]}' % b",".join(event.body for event in events)
        return await self._calls.post(body, self._clock, {"bugsnag-span-sampling": sampling})


Bugsnag = BugsnagErrors | BugsnagSessions | BugsnagSpans
BUGSNAG: Mapping[Kind, type[Bugsnag]] = {
    Kind.ERROR: BugsnagErrors,
    Kind.STARTS: BugsnagSessions,
    Kind.SPAN: BugsnagSpans,
}


class _Calls:
    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self._endpoint = Endpoint(url, headers)
        self.close = self._endpoint.close

    async def post(self, body: bytes, clock: Clock, headers: Mapping[str, str]) -> Answer:
        now = clock.now()
        at = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        reply = await self._endpoint.post(body, {"bugsnag-sent-at": at, **headers})
        if isinstance(reply, Retry):
            return reply
        return Accepted() if reply.status in _TAKEN else by_status(reply, now)


def _app(event: AnonymousDiagnostic, stage: str) -> dict[str, str]:
    return {"version": event.release, "releaseStage": stage, "type": event.service.value}


def _exceptions(error: AnonymousError) -> list[dict[str, Any]]:
    frames = [
        {"file": f.module, "lineNumber": f.line, "method": f.function, "inProject": True}
        for f in error.frames
    ]
    causes = [{"errorClass": cause, "stacktrace": []} for cause in error.causes]
    return [{"errorClass": error.error_class, "stacktrace": frames}, *causes]


def _span(event: AnonymousDiagnostic, span: AnonymousSpan) -> dict[str, Any]:
    end = event.minute + timedelta(milliseconds=span.duration_ms)
    return {
        "name": f"{span.method.value} {span.route}",
        "kind": _SPAN_KIND_SERVER,
        "traceId": event.event_id,
        "spanId": event.event_id[:16],
        "startTimeUnixNano": _nanoseconds(event.minute.timestamp()),
        "endTimeUnixNano": _nanoseconds(end.timestamp()),
        "attributes": [
            _text("http.method", span.method.value),
            _text("http.route", span.route),
            _text("http.status_code", str(span.status)),
            {"key": "bugsnag.sampling.p", "value": {"doubleValue": span.sampled}},
        ],
        "events": [],
    }


def _nanoseconds(seconds: float) -> str:
    # milliseconds are all there is
    return f"{round(seconds * 1000)}000000"


def _text(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}
