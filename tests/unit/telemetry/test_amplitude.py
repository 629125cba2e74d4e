"""Amplitude: what is sent and the table of answers."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.telemetry.adapters.processors.amplitude import Amplitude, Api
from services.telemetry.adapters.processors.amplitude_answers import judge
from services.telemetry.adapters.processors.http import Reply, by_status
from services.telemetry.domain.answers import Accepted, Answer, Partly, Retry, Split, Stop
from tests.harness.fakes import ManualClock
from tests.unit.telemetry.events import NOW, anonymous, context, product

USERS = ("u0", "u1", "u2", "u1")
THROTTLE = 15.0


def answer(status: int, content: Any) -> Answer:
    """Judge one answer to a request of four events, two of them of one user."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    reply = Reply(status, {}, body)
    return judge(reply, USERS, THROTTLE, by_status(reply, NOW))


def partly(refused: dict[int, str], delayed: set[int] | None = None) -> Partly:
    return Partly(refused, frozenset(delayed or ()), THROTTLE)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"code": 200, "events_ingested": 4}, Accepted()),
        ({"code": 200, "events_ingested": 3}, Split("not ingested")),
        ({"code": 200}, Split("not ingested")),
        ({"code": 500}, Retry("unknown answer")),
        (b"<html>Welcome</html>", Retry("unknown answer")),
        (b"", Retry("unknown answer")),
        ([], Retry("unknown answer")),
    ],
)
def test_200(content: Any, expected: Answer) -> None:
    assert answer(200, content) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"error": "Invalid API key: 1234"}, Stop("invalid API key")),
        ({"error": "x", "missing_field": "api_key"}, Stop("no API key")),
        ({"error": "x", "missing_field": "events"}, Split("refused with status 400")),
        ({"error": "x"}, Split("refused with status 400")),
        (b"<html>", Split("refused with status 400")),
        ({"events_with_invalid_fields": {"time": [1]}}, partly({1: "invalid fields"})),
        (
            {
                "events_with_invalid_fields": {"time": [0, 1], "ip": [1]},
                "events_with_missing_fields": {"event_type": [2]},
                "events_with_invalid_id_lengths": {"user_id": [3]},
            },
            partly(
                {
                    0: "invalid fields",
                    1: "invalid fields",
                    2: "missing fields",
                    3: "invalid id length",
                }
            ),
        ),
        (
            {"silenced_events": [0], "silenced_devices": ["u0"], "throttled_events": [0, 2]},
            partly({0: "silenced"}, {2}),
        ),
        (
            {"events_with_invalid_fields": {"time": [4, -1, True, "2", 2]}},
            partly({2: "invalid fields"}),
        ),
        ({"events_with_invalid_fields": {"time": [9]}}, Split("refused with status 400")),
        ({"events_with_invalid_fields": [1]}, Split("refused with status 400")),
    ],
)
def test_400(content: Any, expected: Answer) -> None:
    assert answer(400, content) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"throttled_events": [1, 3], "throttled_users": {"u1": 1100}}, partly({}, {1, 3})),
        ({"throttled_users": {"u1": 1100}}, partly({}, {1, 3})),
        ({"throttled_devices": {"u2": 1100}}, partly({}, {2})),
        (
            {
                "throttled_events": [0, 1, 3],
                "throttled_users": {"u0": 1100},
                "exceeded_daily_quota_users": {"u1": 500_001},
            },
            partly({1: "daily quota", 3: "daily quota"}, {0}),
        ),
        ({"eps_threshold": 30}, Retry("status 429", THROTTLE)),
        (b"", Retry("status 429", THROTTLE)),
    ],
)
def test_429(content: Any, expected: Answer) -> None:
    assert answer(429, content) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (202, Retry("unknown answer")),
        (301, Stop("answers 301")),
        (401, Stop("answers 401")),
        (403, Stop("answers 403")),
        (404, Stop("answers 404")),
        (408, Retry("status 408")),
        (413, Split("refused with status 413")),
        (500, Retry("status 500")),
        (502, Retry("status 502")),
        (503, Retry("status 503")),
        (504, Retry("status 504")),
    ],
)
def test_other_answers(status: int, expected: Answer) -> None:
    assert answer(status, b"<html>") == expected


@pytest.fixture
async def amplitude() -> AsyncIterator[Amplitude]:
    found = Amplitude("http://127.0.0.1:9/", "key", Api.BATCH, ManualClock())
    yield found
    await found.close()


def test_an_event_holds_what_was_decided_and_nothing_else(amplitude: Amplitude) -> None:
    event = anonymous(product(user_agent="curl/8.5", duration_ms=20))
    prepared = amplitude.prepare(event)
    assert json.loads(prepared.body) == {
        "user_id": event.user,
        "event_type": "Uploaded automation results",
        "time": 1795521600000,
        "insert_id": event.event_id,
        "event_properties": {
            "instance": event.instance,
            "client": "curl",
            "client_major": 8,
            "jira_version": "8.14",
            "licence_tier": "1001-10000",
            "licence_type": "COMMERCIAL",
            "duration": "0-100ms",
        },
        "$skip_user_properties_sync": True,
    }
    assert prepared.identity == event.user


def test_an_event_without_a_user_counts_for_its_instance(amplitude: Amplitude) -> None:
    event = anonymous(product(account_id=None), context())
    prepared = amplitude.prepare(event)
    content = json.loads(prepared.body)
    # as a user: Amplitude cannot delete by a device
    assert content["user_id"] == event.instance == prepared.identity
    assert "device_id" not in content


def test_the_limits_are_the_vendors() -> None:
    assert (Api.BATCH.limits.events, Api.HTTP.limits.events) == (2000, 1999)
    assert Api.BATCH.limits.request_bytes < 20_000_000
    assert Api.HTTP.limits.request_bytes < 1_000_000
    assert (Api.BATCH.path, Api.HTTP.path) == ("/batch", "/2/httpapi")
    assert (Api.BATCH.throttle_seconds, Api.HTTP.throttle_seconds) == (15.0, 30.0)
