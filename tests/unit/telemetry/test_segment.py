"""Segment: what is sent, the table of answers, local validation."""

import json
from collections.abc import AsyncIterator

import pytest

from services.telemetry.adapters.processors.http import Reply, by_status
from services.telemetry.adapters.processors.segment import LIMITS, Segment, judge
from services.telemetry.domain.answers import Accepted, Answer, Retry, Split, Stop
from tests.harness.fakes import ManualClock
from tests.unit.telemetry.events import NOW, anonymous, context, product

OK = b'{"success":true}'
HTML = b"<html>Welcome</html>"


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    """Judge one answer."""
    reply = Reply(status, {k.replace("_", "-"): v for k, v in headers.items()}, body)
    return judge(reply, by_status(reply, NOW))


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, OK, Accepted()),
        (200, HTML, Retry("unknown answer")),
        (200, b'{"success":false}', Retry("unknown answer")),
        (200, b"[]", Retry("unknown answer")),
        (202, OK, Retry("unknown answer")),
        (302, b"", Stop("answers 302")),
        (307, b"", Stop("answers 307")),
        (400, b"{}", Split("refused with status 400")),
        (401, b"{}", Stop("answers 401")),
        (403, b"{}", Stop("answers 403")),
        (404, b"{}", Stop("answers 404")),
        (408, b"", Retry("status 408")),
        (410, b"", Retry("status 410")),
        (413, b"", Split("refused with status 413")),
        (422, b"", Split("refused with status 422")),
        (429, b"", Retry("status 429")),
        (460, b"", Retry("status 460")),
        (500, HTML, Retry("status 500")),
        (501, b"", Stop("answers 501")),
        (502, HTML, Retry("status 502")),
        (503, b"", Retry("status 503")),
        (504, b"", Retry("status 504")),
        (505, b"", Stop("answers 505")),
    ],
)
def test_answers(status: int, body: bytes, expected: Answer) -> None:
    assert answer(status, body) == expected


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "7", "x_ratelimit_reset": "9"}, 7.0),
        ({"x_ratelimit_reset": "9"}, 9.0),
        ({"retry_after": "100000"}, 300.0),
        ({"retry_after": "Tue, 24 Nov 2026 12:35:06 GMT"}, 9.211),
        ({"retry_after": "Tue, 24 Nov 2026 12:00:00 GMT"}, 0.0),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "-5"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], wait: float | None) -> None:
    found = answer(429, b"", **headers)
    assert isinstance(found, Retry)
    assert found.wait == (wait if wait is None else pytest.approx(wait))


@pytest.fixture
async def segment() -> AsyncIterator[Segment]:
    found = Segment("http://127.0.0.1:9", "key", ManualClock())
    yield found
    await found.close()


def test_a_message_holds_what_was_decided_and_nothing_else(segment: Segment) -> None:
    event = anonymous(product(url_path="/v2/projects", count=3, format="junit"))
    prepared = segment.prepare(event)
    assert json.loads(prepared.body) == {
        "type": "track",
        "messageId": event.event_id,
        "userId": event.user,
        "event": "Uploaded automation results",
        "timestamp": "2026-11-24T12:00:00Z",
        "properties": {
            "instance": event.instance,
            "path": "/v2/projects",
            "jira_version": "8.14",
            "licence_tier": "1001-10000",
            "licence_type": "COMMERCIAL",
            "format": "junit",
            "size": "2-10",
        },
    }
    assert (prepared.event_id, prepared.identity) == (event.event_id, event.user)
    assert prepared.body == segment.prepare(event).body


@pytest.mark.parametrize("instance", ["JHYU-AS8U-ASDF-BHJ7", None])
def test_an_event_without_a_user_counts_for_its_instance(
    segment: Segment, instance: str | None
) -> None:
    event = anonymous(product(account_id=None), context(jira_instance=instance))
    message = json.loads(segment.prepare(event).body)
    # as a user: Segment cannot delete by an anonymous id
    assert message.get("userId") == event.instance
    assert message.get("anonymousId") == (None if event.instance else event.event_id)


def test_the_limits_are_the_vendors() -> None:
    assert LIMITS.events == 2500
    assert LIMITS.event_bytes == 32_000
    longest = len(b'{"batch":[],"sentAt":"2026-11-24T12:00:00.000Z"}')
    assert LIMITS.request_bytes + longest <= 500_000
