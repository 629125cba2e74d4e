"""From a product event in Kafka to the processors, through everything they may answer."""

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from contracts.telemetry import NO_TENANT, TENANT_HANDLE_HEADER, AnonymousEvent
from contracts.tenancy import TenantStatus
from contracts.topics import ANONYMOUS, USAGE
from contracts.usage import UsageEventName
from kit.ids import SystemIds
from kit.kafka.records import REPLAY_FORCED_HEADER, REPLAY_GROUP_HEADER
from kit.mongo import connect
from kit.observability.metrics import REGISTRY
from services.telemetry.adapters.mongo.handles import MongoHandles
from services.telemetry.metrics import DROPPED_EVENTS, SENT, SKIPPED
from tests.harness.polling import eventually
from tests.integration.telemetry.house import (
    AMPLITUDE,
    ANONYMIZER,
    CONSENT,
    SEGMENT,
    SINK,
    SINK_FILE,
    House,
)

pytestmark = pytest.mark.long

BOTH = {"segment": True, "amplitude": True}
ID_FIELD = {"segment": "messageId", "amplitude": "insert_id"}


def seconds_between(first: dict[str, Any], second: dict[str, Any]) -> float:
    """Return the time between two recorded requests."""
    start, end = (datetime.fromisoformat(request["time"]) for request in (first, second))
    return (end - start).total_seconds()


async def arrived(house: House, processor: str, number: int) -> list[dict[str, Any]]:
    """Wait until so many events are visible at a processor."""
    return await eventually(
        lambda: house.standins.visible(processor), lambda events: len(events) >= number
    )


async def test_an_event_arrives_at_both_processors_and_says_only_what_it_may(
    telemetry: House,
) -> None:
    tenant = await telemetry.tenant(**BOTH)
    event = telemetry.event(tenant)
    await telemetry.publish(event)
    (segment,) = await arrived(telemetry, "segment", 1)
    (amplitude,) = await arrived(telemetry, "amplitude", 1)
    properties = {
        "path": "/v2/automations/executions/junit",
        "client": "curl",
        "client_major": 8,
        "app_version": "7.1",
        "format": "junit",
        "size": "11-100",
        "duration": "1-10s",
    }
    assert segment["properties"] == amplitude["event_properties"] == properties
    assert segment["event"] == amplitude["event_type"] == "Uploaded automation results"
    assert segment["userId"] == amplitude["user_id"]
    assert segment["messageId"] == amplitude["insert_id"]
    assert segment["context"] == {}
    hour = event.time.replace(minute=0, second=0, microsecond=0)
    assert amplitude["time"] == hour.timestamp() * 1000
    sent = json.dumps([await telemetry.standins.requests(p) for p in ID_FIELD])
    for personal in (event.data.account_id, event.id, tenant, "ACME", "8.5.0"):
        assert personal not in sent
    assert TENANT_HANDLE_HEADER not in sent


async def test_a_repeated_event_is_visible_once(telemetry: House) -> None:
    tenant = await telemetry.tenant(**BOTH)
    event = telemetry.event(tenant)
    await telemetry.publish(event)
    await telemetry.all_drained()
    await telemetry.publish(event, event)
    await telemetry.all_drained()
    for processor in ID_FIELD:
        assert len(await telemetry.standins.visible(processor)) == 1
        assert len(await telemetry.standins.dropped(processor)) >= 1


async def test_users_tenants_and_events_get_pseudonyms_of_their_own(telemetry: House) -> None:
    one, two = await telemetry.tenant(segment=True), await telemetry.tenant(segment=True)
    await telemetry.publish(
        telemetry.event(one, account_id="bob"),
        telemetry.event(one, account_id="bob"),
        telemetry.event(one, account_id="eve"),
        telemetry.event(two, account_id="bob"),
    )
    events = await arrived(telemetry, "segment", 4)
    assert len({event["userId"] for event in events}) == 3
    assert len({event["messageId"] for event in events}) == 4


async def test_amplitude_refuses_some_the_rest_is_sent_again(telemetry: House) -> None:
    tenant = await telemetry.tenant(amplitude=True)
    before = len(await telemetry.letters(AMPLITUDE))
    await telemetry.standins.fail("amplitude", "invalid_events", indexes=[0])
    await telemetry.publish(*(telemetry.event(tenant) for _ in range(5)))
    await telemetry.all_drained()
    assert len(await telemetry.standins.visible("amplitude")) == 4
    letters = (await telemetry.letters(AMPLITUDE))[before:]
    assert [dict(letter.headers)["dlq-reason"] for letter in letters] == [b"invalid fields"]
    parked = json.loads(letters[0].value)["data"]["event_id"]
    assert parked not in {e["insert_id"] for e in await telemetry.standins.visible("amplitude")}


async def test_a_batch_that_is_too_large_for_amplitude_is_split(telemetry: House) -> None:
    tenant = await telemetry.tenant(amplitude=True)
    await telemetry.standins.limit("amplitude", batch_events=1)
    try:
        await telemetry.publish(*(telemetry.event(tenant) for _ in range(9)))
        await arrived(telemetry, "amplitude", 9)
        await telemetry.all_drained()
    finally:
        await telemetry.standins.limit("amplitude", batch_events=2000)
    assert len(await telemetry.standins.visible("amplitude")) == 9


async def test_a_throttled_user_waits_the_others_do_not(telemetry: House) -> None:
    tenant = await telemetry.tenant(amplitude=True)
    await telemetry.publish(telemetry.event(tenant, account_id="busy"))
    (first,) = await arrived(telemetry, "amplitude", 1)
    await telemetry.standins.fail("amplitude", "throttle", ids=[first["user_id"]], times=2)
    await telemetry.publish(
        *(telemetry.event(tenant, account_id=name) for name in ("busy", "calm", "busy"))
    )
    events = await arrived(telemetry, "amplitude", 4)
    assert len([e for e in events if e["user_id"] == first["user_id"]]) == 3
    statuses = [r["status"] for r in await telemetry.standins.requests("amplitude")]
    assert statuses.count(429) == 2


async def test_retry_after_is_honoured(telemetry: House) -> None:
    tenant = await telemetry.tenant(segment=True)
    await telemetry.standins.fail("segment", "status", status=429, retry_after=1)
    await telemetry.publish(telemetry.event(tenant))
    await arrived(telemetry, "segment", 1)
    first, second = await telemetry.standins.requests("segment")
    assert (first["status"], second["status"]) == (429, 200)
    assert seconds_between(first, second) >= 1.0
    assert second["headers"]["x-retry-count"] == "1"


async def test_faults_of_servers_and_connections_are_survived_and_visible_once(
    telemetry: House,
) -> None:
    tenant = await telemetry.tenant(**BOTH)
    for processor in ID_FIELD:
        await telemetry.standins.fail(processor, "status", status=500)
        await telemetry.standins.fail(processor, "close_after_store")
    await telemetry.publish(telemetry.event(tenant))
    await telemetry.all_drained()
    for processor in ID_FIELD:
        assert len(await telemetry.standins.requests(processor)) == 3
        assert len(await telemetry.standins.visible(processor)) == 1


async def test_an_answer_of_somebody_else_is_no_acceptance(telemetry: House) -> None:
    tenant = await telemetry.tenant(**BOTH)
    for processor in ID_FIELD:
        await telemetry.standins.fail(processor, "non_json", stored=False)
        await telemetry.standins.fail(processor, "half")
    await telemetry.publish(telemetry.event(tenant))
    await telemetry.all_drained()
    for processor in ID_FIELD:
        assert len(await telemetry.standins.requests(processor)) == 3
        assert len(await telemetry.standins.visible(processor)) == 1


async def test_without_consent_nothing_leaves(telemetry: House) -> None:
    silent, half = await telemetry.tenant(), await telemetry.tenant(segment=True)
    skipped = SKIPPED.labels("amplitude", "no consent")._value.get()
    await telemetry.publish(telemetry.event(silent), telemetry.event(half))
    await telemetry.all_drained()
    assert len(await telemetry.standins.visible("segment")) == 1
    assert await telemetry.standins.requests("amplitude") == []
    assert SKIPPED.labels("amplitude", "no consent")._value.get() == skipped + 2


async def test_the_file_gets_what_the_processors_might_with_no_consent(telemetry: House) -> None:
    file = telemetry.installation.folder / SINK_FILE
    before = len(file.read_bytes().splitlines()) if file.exists() else 0
    tenant, gone = await telemetry.tenant(segment=True), await telemetry.tenant()
    await telemetry.world.tenant(gone, status=TenantStatus.UNINSTALLED)
    await refused(telemetry, gone)
    silent = await telemetry.tenant()
    await telemetry.publish(*(telemetry.event(name) for name in (tenant, silent, gone)))
    await telemetry.all_drained()
    await telemetry.drained(SINK, ANONYMOUS)
    lines = file.read_bytes().splitlines()[before:]
    events = [AnonymousEvent.model_validate_json(line) for line in lines]
    (sent,) = await telemetry.standins.visible("segment")
    assert len(events) == 2
    assert sent["messageId"] in {event.event_id for event in events}
    assert all(
        line == event.model_dump_json().encode() for line, event in zip(lines, events, strict=True)
    )


async def refused(house: House, tenant: str) -> None:
    """Wait until the service knows that a tenant is not active."""
    headers = house.world.headers(tenant)

    async def status() -> int:
        return (await house.http.get(CONSENT, headers=headers)).status_code

    await eventually(status, lambda code: code == 401)


async def test_a_backlog_does_not_outlive_consent(telemetry: House) -> None:
    tenant, other = await telemetry.tenant(segment=True), await telemetry.tenant(segment=True)
    await telemetry.standins.fail("segment", "status", status=503, retry_after=2)
    await telemetry.publish(telemetry.event(tenant))
    await eventually(lambda: telemetry.standins.requests("segment"))
    # behind the one that waits
    await telemetry.publish(*(telemetry.event(tenant) for _ in range(20)))
    await telemetry.drained(ANONYMIZER, USAGE)
    await telemetry.consent(tenant, segment=False)
    await telemetry.publish(telemetry.event(other, account_id="other"))
    await telemetry.all_drained()
    (visible,) = await telemetry.standins.visible("segment")
    first, *later = await telemetry.standins.requests("segment")
    withdrawn = first["body"]["batch"][0]["messageId"]
    assert withdrawn != visible["messageId"]
    assert [m["messageId"] for request in later for m in request["body"]["batch"]] == [
        visible["messageId"]
    ]


async def test_nothing_leaves_for_a_tenant_that_is_not_active(telemetry: House) -> None:
    tenant = await telemetry.tenant(**BOTH)
    await telemetry.world.tenant(tenant, status=TenantStatus.UNINSTALLED)
    await refused(telemetry, tenant)
    await telemetry.publish(telemetry.event(tenant))
    await telemetry.all_drained()
    assert await telemetry.standins.requests("segment") == []
    assert await telemetry.standins.requests("amplitude") == []


async def test_a_dead_processor_does_not_hold_the_other(telemetry: House) -> None:
    tenant = await telemetry.tenant(**BOTH)
    await telemetry.standins.fail("amplitude", "status", status=503, times=None)
    await telemetry.publish(telemetry.event(tenant))
    await arrived(telemetry, "segment", 1)
    await telemetry.drained(SEGMENT, ANONYMOUS)
    committed, end = await telemetry.offsets(AMPLITUDE, ANONYMOUS)
    assert committed < end
    assert await telemetry.standins.visible("amplitude") == []
    age = partial(REGISTRY.get_sample_value, "ostro_telemetry_oldest_event_seconds")

    async def waiting() -> float:
        return age({"processor": "amplitude"}) or 0.0

    first = await eventually(waiting)
    assert await eventually(waiting, lambda seconds: seconds > first) < 60
    assert age({"processor": "segment"}) == 0
    await telemetry.standins.reset()
    await arrived(telemetry, "amplitude", 1)


async def test_nonsense_on_the_usage_topic_is_forgotten_and_counted(telemetry: House) -> None:
    tenant = await telemetry.tenant(segment=True)
    reasons = ("undecodable", "unknown event", "unknown type")
    before = [DROPPED_EVENTS.labels(reason)._value.get() for reason in reasons]
    await telemetry.publish_raw(USAGE, b"\xff\x00 not json", secret=b"\xff")
    await telemetry.publish_raw(USAGE, b'{"data": {"name": 1}}')
    other_type = telemetry.event(tenant).model_copy(update={"type": "ostro.usage.event.v2"})
    await telemetry.publish(
        telemetry.event(tenant, name="Viewed run for Bob"), other_type, telemetry.event(tenant)
    )
    await telemetry.all_drained()
    assert await telemetry.offsets(ANONYMIZER, USAGE) != (0, 0)
    assert len(await telemetry.standins.visible("segment")) == 1
    after = [DROPPED_EVENTS.labels(reason)._value.get() for reason in reasons]
    assert [b - a for a, b in zip(before, after, strict=True)] == [2, 1, 1]


async def test_poison_on_the_anonymous_topic_is_parked_and_the_rest_flows(
    telemetry: House,
) -> None:
    tenant = await telemetry.tenant(**BOTH)
    sent = SENT.labels("segment")._value.get()
    before = {group: len(await telemetry.letters(group)) for group in (SEGMENT, AMPLITUDE)}
    await telemetry.publish_raw(ANONYMOUS, b"{}", **{TENANT_HANDLE_HEADER: b"handle"})
    await telemetry.publish(telemetry.event(tenant))
    await telemetry.all_drained()
    for group, processor in ((SEGMENT, "segment"), (AMPLITUDE, "amplitude")):
        (letter,) = (await telemetry.letters(group))[before[group] :]
        assert letter.value == b"{}"
        assert len(await telemetry.standins.visible(processor)) == 1
    assert SENT.labels("segment")._value.get() == sent + 1


async def test_a_letter_is_not_replayed_when_the_processor_may_count_it_twice(
    telemetry: House,
) -> None:
    tenant = await telemetry.tenant(**BOTH)
    installation = telemetry.installation
    async with connect(installation.backends.mongodb, installation.database("telemetry")) as found:
        handle = await MongoHandles(found, SystemIds()).handle(tenant)
    before = {group: len(await telemetry.letters(group)) for group in (SEGMENT, AMPLITUDE)}
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)

    async def publish(number: int, group: str, age: timedelta, **more: bytes) -> None:
        event = {
            "event_id": f"{number:032x}",
            "name": UsageEventName.INSTALLED_APP,
            "user": f"{number:024x}",
            "hour": (hour - age).isoformat(),
        }
        value = json.dumps({"type": ANONYMOUS.type, "tenantid": NO_TENANT, "data": event}).encode()
        headers = {REPLAY_GROUP_HEADER: group.encode(), **more}
        headers[TENANT_HANDLE_HEADER] = handle.encode()
        await telemetry.publish_raw(ANONYMOUS, value, **headers)

    await publish(1, SEGMENT, timedelta(hours=20))
    await publish(2, SEGMENT, timedelta(hours=30))
    await publish(3, SEGMENT, timedelta(hours=30), **{REPLAY_FORCED_HEADER: b"1"})
    await publish(4, AMPLITUDE, timedelta(days=6))
    await publish(5, AMPLITUDE, timedelta(days=8))
    await telemetry.all_drained()
    for processor, group, taken, left in (
        ("segment", SEGMENT, {1, 3}, 2),
        ("amplitude", AMPLITUDE, {4}, 5),
    ):
        visible = await telemetry.standins.visible(processor)
        reasons = [dict(x.headers)["dlq-reason"] for x in await telemetry.letters(group)]
        assert {int(event[ID_FIELD[processor]], 16) for event in visible} == taken, reasons
        (letter,) = (await telemetry.letters(group))[before[group] :]
        assert dict(letter.headers)["dlq-reason"].startswith(b"older than")
        assert int(json.loads(letter.value)["data"]["event_id"], 16) == left
