"""BugSnag: what it refuses, and what it takes and throws away."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.devstack.processors_world import Standins, standins

KEY = "0123456789abcdef0123456789abcdef"
NOTIFIER = {"name": "n", "version": "1", "url": "u"}
FRAME = {"file": "services.a", "lineNumber": 1, "method": "f"}
EVENT = {"exceptions": [{"errorClass": "KeyError", "stacktrace": [FRAME]}]}
ERRORS = {"payloadVersion": "5", "notifier": NOTIFIER, "events": [EVENT]}
COUNT = {"startedAt": "2026-11-24T12:34:00.000Z", "sessionsStarted": 1}
SESSIONS = {"notifier": NOTIFIER, "sessionCounts": [COUNT]}
SPAN = {
    "name": "GET /v2/projects",
    "kind": 2,
    "traceId": "a" * 32,
    "spanId": "b" * 16,
    "startTimeUnixNano": "1",
    "endTimeUnixNano": "2",
    "attributes": [],
}
SERVICE = {"key": "service.name", "value": {"stringValue": "executions"}}


def traces(span: dict[str, Any], attributes: list[Any] | None = None) -> dict[str, Any]:
    resource = {"attributes": [SERVICE] if attributes is None else attributes}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}


HEADERS = {
    "notify": {"bugsnag-api-key": KEY, "bugsnag-payload-version": "5"},
    "sessions": {"bugsnag-api-key": KEY, "bugsnag-payload-version": "1.0"},
    "v1/traces": {"bugsnag-api-key": KEY, "bugsnag-span-sampling": "1:1;0.5:2"},
}
GOOD = {"notify": ERRORS, "sessions": SESSIONS, "v1/traces": traces(SPAN)}


@pytest.fixture
async def processors() -> AsyncIterator[Standins]:
    async with standins(bugsnag_api_key=KEY) as running:
        yield running


async def post(
    processors: Standins, path: str, body: Any, headers: dict[str, str] | None = None
) -> httpx.Response:
    found = HEADERS[path] if headers is None else headers
    return await processors.client.post(f"/bugsnag/{path}", json=body, headers=found)


async def test_good_requests_are_queued_and_kept(processors: Standins) -> None:
    statuses = {
        path: (await post(processors, path, body)).status_code for path, body in GOOD.items()
    }
    assert statuses == {"notify": 200, "sessions": 202, "v1/traces": 200}
    kept = await processors.visible("bugsnag")
    assert [one["kind"] for one in kept] == ["error", "sessions", "span"]
    assert await processors.dropped("bugsnag") == []
    # no idempotency key: the same again is another one
    await post(processors, "notify", ERRORS)
    assert len(await processors.visible("bugsnag")) == 4


@pytest.mark.parametrize("path", GOOD)
async def test_headers_and_sizes_are_enforced(processors: Standins, path: str) -> None:
    for missing in HEADERS[path]:
        rest = {name: value for name, value in HEADERS[path].items() if name != missing}
        assert (await post(processors, path, GOOD[path], rest)).status_code == 400
    large = {**GOOD[path], "more": "x" * 1_000_000}
    assert (await post(processors, path, large)).status_code == (413 if "traces" in path else 400)
    nothings: list[Any] = [{}, [], "text"]
    for body in nothings:
        assert (await post(processors, path, body)).status_code == 400
    assert await processors.visible("bugsnag") == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("notify", {**ERRORS, "payloadVersion": "4"}),
        ("notify", {**ERRORS, "notifier": {"name": "n"}}),
        ("notify", {**ERRORS, "events": []}),
        ("notify", {**ERRORS, "events": [{"exceptions": []}]}),
        ("notify", {**ERRORS, "events": [{"exceptions": [{"errorClass": "X"}]}]}),
        ("notify", {**ERRORS, "events": [{**EVENT, "severity": "awful"}]}),
        ("sessions", {"notifier": NOTIFIER}),
        (
            "sessions",
            {**SESSIONS, "sessionCounts": [{**COUNT, "startedAt": "2026-11-24T12:34:01Z"}]},
        ),
        ("sessions", {**SESSIONS, "sessionCounts": [{**COUNT, "sessionsStarted": 0}]}),
        ("v1/traces", traces({**SPAN, "traceId": "a"})),
        ("v1/traces", traces({**SPAN, "endTimeUnixNano": "0"})),
        ("v1/traces", traces(SPAN, [])),
        ("v1/traces", {"resourceSpans": [{}]}),
    ],
)
async def test_what_is_no_use_is_taken_and_thrown_away(
    processors: Standins, path: str, body: dict[str, Any]
) -> None:
    assert (await post(processors, path, body)).is_success
    assert await processors.visible("bugsnag") == []
    assert len(await processors.dropped("bugsnag")) == 1


async def test_a_wrong_key_is_not_told(processors: Standins) -> None:
    headers = {**HEADERS["notify"], "bugsnag-api-key": "another"}
    assert (await post(processors, "notify", ERRORS, headers)).status_code == 200
    assert await processors.visible("bugsnag") == []
    assert await processors.dropped("bugsnag") == ["unknown API key"]


async def test_faults_can_be_scripted_by_path(processors: Standins) -> None:
    await processors.faults("bugsnag", {"kind": "status", "status": 503, "path": "/notify"})
    assert (await post(processors, "sessions", SESSIONS)).status_code == 202
    assert (await post(processors, "notify", ERRORS)).status_code == 503
    assert (await post(processors, "notify", ERRORS)).status_code == 200
