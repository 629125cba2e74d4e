"""Poison on every topic that somebody reads: parked (or dropped and counted), the rest flows on.

Generated over ``contracts/topics.py``: a new topic or group is tested without a change here, or
fails until ``good_records.py`` knows what a good record of it does.
"""

import json
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from contracts.topics import TOPICS, Cleanup, Subscription, Topic
from kit.kafka.records import Outgoing
from kit.mongo import connect
from kit.observability.metrics import DROPPED
from tests.faults.good_records import Good, House, good_record, known_topics
from tests.faults.handmade import Hand
from tests.harness.installation import Installation
from tests.harness.operator import Operator
from tests.harness.polling import eventually
from tests.harness.system import client, service
from tests.harness.watch import Watch
from tests.integration.telemetry.house import settings_of
from tests.integration.telemetry.standins import standins

READ = [t for t in TOPICS if t.subscriptions]
PAIRS = [
    pytest.param(topic, subscription, id=f"{topic.name}-{subscription.group}")
    for topic in READ
    for subscription in topic.subscriptions
]
READERS = ("testcases", "executions", "telemetry", "tenancy")


@pytest.fixture(scope="module")
async def house(installation: Installation, world: Operator, hand: Hand) -> AsyncIterator[House]:
    """All four services, and a tenant that consents to both processors."""
    async with AsyncExitStack() as stack:
        processors = await stack.enter_async_context(standins())
        settings = settings_of(installation, processors)
        await stack.enter_async_context(service(installation, "telemetry", **settings))
        tenant = await world.tenant()
        http = await stack.enter_async_context(client(installation, await world.headers(tenant)))
        url = httpx_url("/ostro/v1/telemetry/consent")
        consent = await http.put(url, json={"segment": True, "amplitude": True, "bugsnag": True})
        assert consent.status_code == 200, consent.text
        databases = {
            name: await stack.enter_async_context(
                connect(installation.backends.mongodb, installation.database(name))
            )
            for name in READERS
        }
        project = await world.project(tenant)
        sink = settings["telemetry_sink_file"]
        yield House(tenant, project, databases, hand, processors, sink)


def httpx_url(path: str) -> str:
    """Return a URL outside of /v2."""
    return f"http://ostro.test{path}"


def poison(topic: Topic, good: Good, marker: bytes) -> list[Outgoing]:
    """Return records that can never be processed; they stand in the good one's partition."""
    envelope = json.loads(good.value)
    values: list[bytes | None] = [
        b"\xff\xfe not JSON " + marker,
        b'{"no": "envelope"}',
        json.dumps({**envelope, "data": {"wrong": marker.decode()}}).encode(),
        json.dumps({**envelope, "tenantid": None}).encode(),
        b"",
    ]
    if topic.cleanup is Cleanup.DELETE:
        values.append(None)
    headers = (*good.headers.items(), ("marker", marker), ("binary", b"\xff\x00"))
    return [Outgoing("", good.key.encode(), value, headers) for value in values]


def test_every_topic_has_a_good_record() -> None:
    assert known_topics() == {t.name for t in READ}


@pytest.mark.parametrize(("topic", "subscription"), PAIRS)
async def test_poison_is_put_aside_and_what_is_behind_it_is_processed(
    house: House, watch: Watch, topic: Topic, subscription: Subscription
) -> None:
    good = await good_record(house, topic, subscription.group)
    marker = secrets.token_hex(8).encode()
    bad = poison(topic, good, marker)
    dropped = DROPPED.labels(subscription.group, topic.name)._value.get()
    behind = Outgoing("", good.key.encode(), good.value, tuple(good.headers.items()))
    records = [
        Outgoing(watch.names.topic(topic), r.key, r.value, r.headers) for r in (*bad, behind)
    ]
    await house.hand.publisher.send(records)
    await eventually(lambda: good.effect(subscription.group))
    await watch.caught_up(subscription.group, topic)
    if not subscription.dead_letters:
        assert DROPPED.labels(subscription.group, topic.name)._value.get() == dropped + len(bad)
        return
    found = await watch.records(watch.names.dead_letters(topic, subscription))
    mine = [r for r in found if dict(r.headers).get("marker") == marker]
    assert [r.value for r in mine] == [r.value for r in bad]
    for letter in mine:
        headers = dict(letter.headers)
        assert letter.key == good.key.encode()
        assert headers["dlq-group"] == subscription.group.encode()
        assert headers["dlq-origin"].startswith(f"{topic.name}/".encode())
        assert headers["binary"] == b"\xff\x00"
        assert headers["dlq-reason"]
        # names fields, holds nothing of the record
        assert marker not in headers["dlq-reason"]
