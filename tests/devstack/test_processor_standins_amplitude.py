"""Amplitude: what the answers name, and what is kept once."""

from collections.abc import AsyncIterator

import pytest

from tests.devstack.processors_world import API_KEY, Standins, event, standins


@pytest.fixture
async def processors() -> AsyncIterator[Standins]:
    async with standins(amplitude_api_key=API_KEY) as running:
        yield running


async def test_success_names_what_was_ingested(processors: Standins) -> None:
    answer = await processors.amplitude(event(1), event(2))
    content = answer.json()
    assert answer.status_code == 200
    assert (content["code"], content["events_ingested"]) == (200, 2)
    assert content["server_upload_time"] == 1_800_000_000_000
    assert content["payload_size_bytes"] > 100
    kept = await processors.visible("amplitude")
    assert [one["user_id"] for one in kept] == ["pseudonym-1", "pseudonym-2"]
    assert kept[0]["$standin"] == {"ignored_keys": [], "device_id_derived": True}


async def test_dedup_is_by_device_and_insert_id_within_seven_days(processors: Standins) -> None:
    await processors.amplitude(event(1))
    await processors.amplitude(event(1), path="/batch")
    assert len(await processors.visible("amplitude")) == 1
    # Another user gives another derived device: not a duplicate, the trap of a changed pseudonym.
    await processors.amplitude(event(1, user_id="pseudonym-of-next-month"))
    assert len(await processors.visible("amplitude")) == 2
    await processors.control("clock/advance", seconds=7 * 86400)
    await processors.amplitude(event(1))
    assert len(await processors.visible("amplitude")) == 3


async def test_without_insert_id_nothing_is_a_duplicate(processors: Standins) -> None:
    for _ in range(2):
        await processors.amplitude(event(1, insert_id=None))
    assert len(await processors.visible("amplitude")) == 2


async def test_a_partly_bad_batch_names_indexes_and_takes_nothing(processors: Standins) -> None:
    answer = await processors.amplitude(
        event(0),
        event(1, user_id=None),
        event(2, event_type=None),
        event(3, time="2027-01-15T08:00:00Z"),
        event(4, user_id="abc"),
        event(5, user_id="anonymous"),
        event(6, event_type="[Amplitude] Revenue"),
        event(7, event_properties="text"),
        event(8, time=1.5),
        "text",
    )
    content = answer.json()
    assert answer.status_code == content["code"] == 400
    assert content["events_with_missing_fields"] == {
        "user_id": [1],
        "device_id": [1],
        "event_type": [2],
    }
    assert content["events_with_invalid_fields"] == {
        "time": [3, 8],
        "user_id": [5],
        "event_type": [6],
        "event_properties": [7],
        "event": [9],
    }
    assert content["events_with_invalid_id_lengths"] == {"user_id": [4]}
    assert await processors.visible("amplitude") == []


async def test_a_short_id_beside_a_good_one_is_taken_out(processors: Standins) -> None:
    answer = await processors.amplitude(event(1, user_id="abc", device_id="device-1"))
    assert answer.status_code == 200
    kept = (await processors.visible("amplitude"))[0]
    assert "user_id" not in kept
    assert kept["device_id"] == "device-1"
    shorter = await processors.amplitude(event(2, user_id="abc"), options={"min_id_length": 3})
    assert shorter.status_code == 200


@pytest.mark.parametrize("blocked", ["", "NULL", "0", "-1", "lmy47d", 7])
async def test_blocked_ids(processors: Standins, blocked: object) -> None:
    answer = await processors.amplitude(event(1, user_id=blocked, device_id="device-1"))
    assert answer.json()["events_with_invalid_fields"] == {"user_id": [0]}


async def test_nesting_has_a_limit_and_long_strings_are_cut(processors: Standins) -> None:
    nested: dict[str, object] = {}
    for _ in range(41):
        nested = {"in": nested}
    deep = await processors.amplitude(event(1, event_properties=nested))
    assert deep.json()["events_with_invalid_fields"] == {"event_properties": [0]}
    await processors.amplitude(event(2, event_properties={"text": "x" * 2000}))
    kept = (await processors.visible("amplitude"))[0]
    assert len(kept["event_properties"]["text"]) == 1024


async def test_unknown_keys_and_the_callers_address_are_seen(processors: Standins) -> None:
    await processors.amplitude(event(1, ip="$remote", email="a@b.example"))
    kept = (await processors.visible("amplitude"))[0]
    assert "email" not in kept
    assert kept["$standin"]["ignored_keys"] == ["email"]
    assert kept["$standin"]["ip_address"] == "127.0.0.1"


async def test_request_level_400s(processors: Standins) -> None:
    post = processors.client.post
    path = "/amplitude/2/httpapi"
    no_key = await post(path, json={"events": [event(1)]})
    wrong = await post(path, json={"api_key": "other", "events": [event(1)]})
    no_events = await post(path, json={"api_key": API_KEY})
    media = await post(path, content=b"{}", headers={"content-type": "text/plain"})
    broken = await post(path, content=b"{", headers={"content-type": "application/json"})
    answers = [no_key, wrong, no_events, media, broken]
    assert [one.status_code for one in answers] == [400] * 5
    assert no_key.json()["missing_field"] == "api_key"
    assert wrong.json()["error"] == "Invalid API key: other"
    assert no_events.json()["missing_field"] == "events"


async def test_too_large_or_too_many_is_a_413(processors: Standins) -> None:
    many = [event(n) for n in range(2000)]
    assert (await processors.amplitude(*many)).status_code == 413
    assert (await processors.amplitude(*many, path="/batch")).status_code == 200
    assert (await processors.amplitude(*many, event(2000), path="/batch")).status_code == 413
    heavy = event(1, event_properties={"p": "x" * 1_000_000})
    assert (await processors.amplitude(heavy)).status_code == 413
    assert (await processors.amplitude(heavy, path="/batch")).status_code == 200


async def test_one_user_too_fast_is_named_and_nothing_is_taken(processors: Standins) -> None:
    limits = {"http_events_per_second": 1, "rate_window_seconds": 2}
    await processors.control("limits", processor="amplitude", limits=limits)
    fast = [event(n, user_id="pseudonym-fast") for n in range(3)]
    answer = await processors.amplitude(event(9), *fast)
    content = answer.json()
    assert (answer.status_code, content["eps_threshold"]) == (429, 1)
    assert content["throttled_users"] == {"pseudonym-fast": 2}
    assert content["throttled_devices"] == {}
    assert content["throttled_events"] == [1, 2, 3]
    assert "retry-after" not in answer.headers
    assert await processors.visible("amplitude") == []
    assert (await processors.amplitude(event(9), *fast[:2])).status_code == 200
    assert (await processors.amplitude(fast[2])).status_code == 429
    await processors.control("clock/advance", seconds=2)
    assert (await processors.amplitude(fast[2])).status_code == 200


async def test_the_daily_quota_counts_on_the_batch_endpoint_only(processors: Standins) -> None:
    limits = {"batch_events_per_day": 2}
    await processors.control("limits", processor="amplitude", limits=limits)
    events = [event(n, device_id="device-1", user_id=None) for n in range(3)]
    answer = await processors.amplitude(*events, path="/batch")
    assert answer.status_code == 429
    assert answer.json()["exceeded_daily_quota_devices"] == {"device-1": 3}
    assert (await processors.amplitude(*events)).status_code == 200


async def test_scripted_indexes_throttles_quotas_and_silence(processors: Standins) -> None:
    await processors.faults(
        "amplitude",
        {"kind": "invalid_events", "indexes": [1, 7], "field": "event_type"},
        {"kind": "throttle", "ids": ["pseudonym-2"]},
        {"kind": "silence", "ids": ["device-3"]},
        {"kind": "quota", "ids": ["pseudonym-4"]},
        {"kind": "invalid_key"},
    )
    partial = await processors.amplitude(event(1), event(2))
    assert partial.json()["events_with_invalid_fields"] == {"event_type": [1]}
    throttled = await processors.amplitude(event(1), event(2))
    assert throttled.json()["throttled_events"] == [1]
    silenced = await processors.amplitude(event(3, device_id="device-3"), event(1))
    assert silenced.status_code == 400
    assert silenced.json()["silenced_events"] == [0]
    assert silenced.json()["silenced_devices"] == ["device-3"]
    quota = await processors.amplitude(event(4), path="/batch")
    assert list(quota.json()["exceeded_daily_quota_users"]) == ["pseudonym-4"]
    key = await processors.amplitude(event(1))
    assert key.json()["error"].startswith("Invalid API key")
    assert (await processors.amplitude(event(1))).status_code == 200
    assert len(await processors.visible("amplitude")) == 1
