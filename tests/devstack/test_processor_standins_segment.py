"""Segment: 200 for almost everything, and what is really kept."""

import gzip
import json
from collections.abc import AsyncIterator

import pytest

from tests.devstack.processors_world import WRITE_KEY, Standins, standins, track


@pytest.fixture
async def processors() -> AsyncIterator[Standins]:
    async with standins(segment_write_key=WRITE_KEY) as running:
        yield running


async def test_a_batch_is_kept_with_the_time_corrected(processors: Standins) -> None:
    answer = await processors.segment(track(1), track(2))
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    kept = await processors.visible("segment")
    assert [one["messageId"] for one in kept] == ["message-1", "message-2"]
    # received 2027-01-15T08:00:00Z; sent when received, so the timestamp stays a minute before.
    assert kept[0]["receivedAt"] == "2027-01-15T08:00:00.000Z"
    assert kept[0]["timestamp"] == "2027-01-15T07:59:00.000Z"
    await processors.segment(track(3), sentAt="2027-01-15T07:30:00Z")
    shifted = (await processors.visible("segment"))[-1]
    assert shifted["timestamp"] == "2027-01-15T08:29:00.000Z"
    assert shifted["originalTimestamp"] == "2027-01-15T07:59:00.000Z"


async def test_a_message_id_counts_once_in_24_hours_whoever_sends_it(processors: Standins) -> None:
    await processors.segment(track(1))
    await processors.segment(track(1, userId="somebody-else"))
    assert len(await processors.visible("segment")) == 1
    assert await processors.dropped("segment") == ["duplicate messageId"]
    await processors.control("clock/advance", seconds=24 * 3600 - 1)
    await processors.segment(track(1))
    assert len(await processors.visible("segment")) == 1
    await processors.control("clock/advance", seconds=1)
    await processors.segment(track(1))
    assert len(await processors.visible("segment")) == 2


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (track(userId=None), "no_user_anon_id"),
        (track(event=None), "track without an event name"),
        (track(type="shout"), "no or unknown type"),
        (track(type=None), "no or unknown type"),
        (track(messageId="x" * 100), "messageId too long"),
        ("text", "no or unknown type"),
    ],
)
async def test_rejected_events_get_a_200(
    processors: Standins, message: object, reason: str
) -> None:
    answer = await processors.segment(message, track(2))
    assert answer.status_code == 200
    assert await processors.dropped("segment") == [reason]
    assert len(await processors.visible("segment")) == 1


async def test_limits_of_size_and_number(processors: Standins) -> None:
    envelope = len(json.dumps(track(1, properties={"p": ""}), separators=(",", ":")))
    most = 32 * 1024 - envelope
    fits = await processors.segment(track(1, properties={"p": "x" * most}))
    over = await processors.segment(track(2, properties={"p": "x" * (most + 1)}))
    heavy = await processors.segment(*(track(n, properties={"p": "x" * 30_000}) for n in range(18)))
    many = await processors.segment(*(track(100 + n) for n in range(2501)))
    assert [one.status_code for one in (fits, over, heavy, many)] == [200, 400, 400, 200]
    assert await processors.dropped("segment") == ["too many events in a batch"]
    assert len(await processors.visible("segment")) == 1


async def test_only_invalid_json_is_a_400(processors: Standins) -> None:
    for content in (b"{", b"[]", b'{"batch": 1}', b"\xff"):
        answer = await processors.client.post(
            "/segment/v1/batch", auth=(WRITE_KEY, ""), content=content
        )
        assert answer.status_code == 400, content


async def test_keys(processors: Standins) -> None:
    body = {"batch": [track(1)]}
    none = await processors.client.post("/segment/v1/batch", json=body)
    wrong = await processors.client.post("/segment/v1/batch", auth=("other", ""), json=body)
    inside = await processors.client.post("/segment/v1/batch", json={**body, "writeKey": WRITE_KEY})
    assert [one.status_code for one in (none, wrong, inside)] == [401, 200, 200]
    assert len(await processors.visible("segment")) == 1
    assert await processors.dropped("segment") == ["unknown write key, or one of another region"]


async def test_too_many_requests_a_second(processors: Standins) -> None:
    await processors.control("limits", processor="segment", limits={"requests_per_second": 2})
    answers = [await processors.segment(track(n)) for n in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[2].headers["retry-after"] == "1"
    await processors.control("clock/advance", seconds=1)
    assert (await processors.segment(track(9))).status_code == 200


async def test_direct_stores_the_callers_address(processors: Standins) -> None:
    await processors.segment(track(1, context={"direct": True}), track(2))
    kept = await processors.visible("segment")
    assert kept[0]["context"] == {"ip": "127.0.0.1"}
    assert kept[1]["context"] == {}


async def test_gzip_is_read(processors: Standins) -> None:
    body = gzip.compress(json.dumps({"batch": [track(1)], "writeKey": WRITE_KEY}).encode())
    answer = await processors.client.post(
        "/segment/v1/batch", content=body, headers={"content-encoding": "gzip"}
    )
    assert answer.status_code == 200
    recorded = (await processors.recorded())["requests"][0]
    assert recorded["body"]["batch"] == [track(1)]


async def test_an_unknown_path_is_not_guessed_at(processors: Standins) -> None:
    answer = await processors.client.post("/segment/v1/track", json=track(1))
    assert answer.status_code == 501
    assert (await processors.recorded())["requests"][0]["status"] == 501
