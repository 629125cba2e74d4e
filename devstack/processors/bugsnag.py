"""BugSnag: errors `POST /notify`, sessions `POST /sessions`, spans `POST /v1/traces` (facts.md 5).

The vendor has a host for each; here each is a path. It takes 200 or 202 for "queued, not
validated": what would be no use to it is silently missing from `visible`. No deduplication.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from devstack.processors.faults import Fault
from devstack.processors.message import Answer, Incoming, json_answer
from devstack.standin.clock import iso
from devstack.standin.journal import Journal

NOTIFY, SESSIONS, TRACES, TRACES_OF_THE_SPEC = "/notify", "/sessions", "/v1/traces", "/traces/v1"
_SHARE = r"[0-9](\.[0-9]+)?(e-[0-9]+)?:[0-9]+"
_SAMPLING = re.compile(f"{_SHARE}(;{_SHARE})*")
_SEVERITIES = frozenset({"error", "warning", "info"})


class Limits(BaseModel):
    """The vendor's MB may be 1,000,000 bytes: the smaller one counts."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    request_bytes: int = 1_000_000
    kept_events: int = 200_000


class Refused(Exception):
    """A status other than success, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Unusable(Exception):
    """Taken, and then thrown away."""


class Bugsnag:
    name = "bugsnag"
    paths: tuple[str, ...] = (NOTIFY, SESSIONS, TRACES, TRACES_OF_THE_SPEC)
    scripted: frozenset[str] = frozenset()

    def __init__(self, api_key: str | None = None) -> None:
        self._api_key = api_key
        self.reset()

    def reset(self) -> None:
        """Nothing kept, the vendor's limits."""
        self.limits = Limits()
        self._visible: Journal[dict[str, Any]] = Journal(self.limits.kept_events)
        self._dropped: Journal[dict[str, Any]] = Journal(self.limits.kept_events)

    def configure(self, changes: dict[str, Any]) -> dict[str, Any]:
        self.limits = Limits(**{**self.limits.model_dump(), **changes})
        return self.limits.model_dump()

    def visible(self) -> list[dict[str, Any]]:
        """Errors, session counts and spans; `kind` says which."""
        return [entry.value for entry in self._visible.after(0)]

    def dropped(self) -> list[dict[str, Any]]:
        return [entry.value for entry in self._dropped.after(0)]

    def play(self, _fault: Fault, _incoming: Incoming) -> Answer | None:
        return None

    def error(self, status: int) -> Answer:
        return json_answer(status, {"status": "error", "errors": [f"status {status}"]})

    def answer(self, incoming: Incoming, *, store: bool = True) -> Answer:
        """200 or 202; 400 for headers, nothing, too much, no JSON; 413 for too many spans."""
        try:
            content = self._content(incoming)
        except Refused as refusal:
            return json_answer(refusal.status, {"status": "error", "errors": [str(refusal)]})
        if store:
            self._take(incoming, content)
        if incoming.path == NOTIFY:
            return Answer(200, b"OK", {"content-type": "text/plain", "bugsnag-event-id": "queued"})
        if incoming.path == SESSIONS:
            return json_answer(202, {"status": "accepted"}, Bugsnag_Session_UUID="queued")
        return json_answer(200, {}, Bugsnag_Sampling_Probability="1")

    def _content(self, incoming: Incoming) -> dict[str, Any]:
        headers, traces = incoming.headers, incoming.path in (TRACES, TRACES_OF_THE_SPEC)
        if not headers.get("bugsnag-api-key"):
            raise Refused(400, "Bugsnag-Api-Key is missing")
        version = {NOTIFY: "5", SESSIONS: "1.0"}.get(incoming.path)
        if version is not None and headers.get("bugsnag-payload-version") != version:
            raise Refused(400, f"Bugsnag-Payload-Version is not {version}")
        if traces and not _SAMPLING.fullmatch(headers.get("bugsnag-span-sampling", "")):
            raise Refused(400, "Bugsnag-Span-Sampling is missing")
        if len(incoming.body) > self.limits.request_bytes:
            raise Refused(413 if traces else 400, "larger than 1 MB")
        try:
            content = incoming.json()
        except ValueError as error:
            raise Refused(400, "cannot be parsed") from error
        if not isinstance(content, dict) or not content:
            raise Refused(400, "empty")
        return content

    def _take(self, incoming: Incoming, content: dict[str, Any]) -> None:
        if self._api_key is not None and incoming.headers["bugsnag-api-key"] != self._api_key:
            self._drop("unknown API key", incoming, content)
            return
        reader = {NOTIFY: _errors, SESSIONS: _sessions}.get(incoming.path, _spans)
        try:
            for found in reader(content):
                self._visible.add({**found, "receivedAt": iso(incoming.at)})
        except Unusable as error:
            self._drop(str(error), incoming, content)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self._drop(f"not of the documented shape: {error!r}", incoming, content)

    def _drop(self, reason: str, incoming: Incoming, content: dict[str, Any]) -> None:
        self._dropped.add({"reason": reason, "time": iso(incoming.at), "content": content})


def _errors(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    _require(content["payloadVersion"] == "5", "payloadVersion")
    _notifier(content)
    _require(bool(content["events"]), "no events")
    for event in content["events"]:
        _require(bool(event["exceptions"]), "no exceptions")
        for exception in event["exceptions"]:
            _require(bool(exception["errorClass"]), "no errorClass")
            for frame in exception["stacktrace"]:
                _require(bool(frame["file"]) and bool(frame["method"]), "frame without a place")
                _require(isinstance(frame["lineNumber"], int), "lineNumber")
        _require(event.get("severity", "error") in _SEVERITIES, "severity")
        if "device" in event and "time" in event["device"]:
            datetime.fromisoformat(event["device"]["time"])
        yield {"kind": "error", **event}


def _sessions(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    _notifier(content)
    counts = content.get("sessionCounts")
    _require(bool(counts) or bool(content.get("sessions")), "neither sessions nor sessionCounts")
    for count in counts or ():
        started = datetime.fromisoformat(count["startedAt"])
        _require(not started.second and not started.microsecond, "startedAt has seconds")
        _require(count["sessionsStarted"] > 0, "sessionsStarted")
        yield {"kind": "sessions", "app": content.get("app"), **count}
    for session in content.get("sessions") or ():
        yield {"kind": "session", "app": content.get("app"), **session}


def _spans(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for resource in content["resourceSpans"]:
        about = _attributes(resource["resource"])
        _require(bool(about.get("service.name")), "no service.name")
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                _require(bool(re.fullmatch("[0-9a-f]{32}", span["traceId"])), "traceId")
                _require(bool(re.fullmatch("[0-9a-f]{16}", span["spanId"])), "spanId")
                start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
                _require(start <= end, "ends before it starts")
                about_span = {"attributes": _attributes(span), "spanKind": span["kind"]}
                yield {"resource": about, **span, **about_span, "kind": "span"}


def _attributes(of: dict[str, Any]) -> dict[str, Any]:
    return {one["key"]: next(iter(one["value"].values())) for one in of["attributes"]}


def _notifier(content: dict[str, Any]) -> None:
    notifier = content["notifier"]
    _require(all(notifier.get(name) for name in ("name", "version", "url")), "notifier")


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise Unusable(what)
