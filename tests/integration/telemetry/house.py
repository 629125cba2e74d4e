"""A telemetry service that runs, with real Kafka and MongoDB, and what a test does with it."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from contracts.envelope import Event
from contracts.topics import ANONYMOUS, USAGE, Topic
from contracts.usage import ProductEvent, UsageEventName
from kit.auth.principal import Scope
from kit.ids import SystemIds
from kit.kafka.client import Names, connection
from kit.kafka.producer import Publisher
from kit.kafka.records import Outgoing, outgoing
from kit.settings import KafkaSettings
from tests.harness.installation import Installation
from tests.harness.polling import eventually
from tests.harness.system import service
from tests.harness.tenancy_world import TenancyWorld
from tests.integration.telemetry.standins import API_KEY, BUGSNAG_KEY, WRITE_KEY, Standins

CONSENT = "/ostro/v1/telemetry/consent"
ANONYMIZER = "telemetry.anonymizer"
SEGMENT = "telemetry.segment"
AMPLITUDE = "telemetry.amplitude"
SINK = "telemetry.file"
SINK_FILE = "events.jsonl"


class Watcher:
    """Reads committed offsets and ends; its clients stay connected."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._names = Names(settings.topic_prefix)
        self._admin = AIOKafkaAdminClient(**connection(settings))
        self._consumer = AIOKafkaConsumer(**connection(settings))

    async def __aenter__(self) -> Self:
        await self._admin.start()
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()
        await self._admin.close()

    async def offsets(self, group: str, topic: Topic) -> tuple[int, int]:
        """Return committed offsets and ends, summed over partitions."""
        partitions = [TopicPartition(self._names.topic(topic), p) for p in range(topic.partitions)]
        committed = await self._admin.list_consumer_group_offsets(
            self._names.group(group), partitions=partitions
        )
        ends = await self._consumer.end_offsets(partitions)
        return sum(max(0, c.offset) for c in committed.values()), sum(ends.values())


@dataclass
class House:
    """The service's surroundings."""

    installation: Installation
    world: TenancyWorld
    standins: Standins
    publisher: Publisher
    http: httpx.AsyncClient
    watcher: Watcher

    @property
    def names(self) -> Names:
        """Physical names of topics."""
        return Names(self.installation.prefix)

    async def tenant(self, **consent: bool) -> str:
        """Publish a tenant and give its consent, through the API."""
        tenant = await self.world.tenant()
        if consent:
            await self.consent(tenant, **consent)
        return tenant

    async def consent(self, tenant: str, **consent: bool) -> None:
        """Replace a tenant's consent."""
        headers = self.world.headers(tenant, scopes=[Scope.ADMIN])

        async def put() -> int:
            # 503 until the projection has the tenant: nobody answers for tenancy here
            return (await self.http.put(CONSENT, json=consent, headers=headers)).status_code

        await eventually(put, lambda status: status == 200)

    def event(self, tenant: str, event_id: str | None = None, **fields: Any) -> Event[Any]:
        """Build a product event as another service would."""
        data: dict[str, Any] = {
            "name": UsageEventName.UPLOADED_AUTOMATION_RESULTS,
            "account_id": f"account-{secrets.token_hex(12)}",
            "url_path": "/v2/automations/executions/junit?projectKey=ACME",
            "user_agent": "curl/8.5.0",
            "app_version": "7.1.1",
            "format": "junit",
            "count": 17,
            "duration_ms": 1500,
        }
        return Event[ProductEvent](
            id=event_id or SystemIds().uuid7(),
            source="ostro/executions",
            type=USAGE.type,
            subject="upload",
            time=datetime.now(UTC),
            tenantid=tenant,
            data=ProductEvent(**(data | fields)),
        )

    async def publish(self, *events: Event[Any]) -> None:
        """Publish product events."""
        topic = self.names.topic(USAGE)
        await self.publisher.send([outgoing(topic, e.tenantid, e) for e in events])

    async def publish_raw(self, topic: Topic, value: bytes, **headers: bytes) -> None:
        """Publish any bytes."""
        record = Outgoing(self.names.topic(topic), b"key", value, tuple(headers.items()))
        await self.publisher.send([record])

    async def offsets(self, group: str, topic: Topic) -> tuple[int, int]:
        """Return the committed offsets of a group and the ends of its topic, each summed."""
        return await self.watcher.offsets(group, topic)

    async def drained(self, group: str, topic: Topic) -> None:
        """Wait until a group has committed everything."""
        await eventually(lambda: self.offsets(group, topic), lambda found: found[0] == found[1])

    async def all_drained(self) -> None:
        """Wait until nothing is on its way."""
        await self.drained(ANONYMIZER, USAGE)
        await self.drained(SEGMENT, ANONYMOUS)
        await self.drained(AMPLITUDE, ANONYMOUS)

    async def letters(self, group: str) -> list[Any]:
        """Return all records of a group's DLQ of the anonymous topic."""
        subscription = next(s for s in ANONYMOUS.subscriptions if s.group == group)
        return await records(
            self.installation.kafka, self.names.dead_letters(ANONYMOUS, subscription)
        )


async def records(settings: KafkaSettings, topic: str) -> list[Any]:
    """Return all records of a topic of one partition."""
    consumer = AIOKafkaConsumer(**connection(settings), auto_offset_reset="earliest")
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        found: list[Any] = []
        while len(found) < end:
            found += (await consumer.getmany(timeout_ms=500)).get(partition, [])
        return found
    finally:
        await consumer.stop()


def settings_of(installation: Installation, standins: Standins, **more: Any) -> dict[str, Any]:
    """Return the settings that point a service at the stand-ins."""
    return {
        "pseudonym_key_file": installation.secret("pseudonym-key"),
        "telemetry_sink_file": installation.folder / SINK_FILE,
        "segment_url": f"{standins.url}/segment",
        "segment_write_key_file": installation.secret("segment-write-key", WRITE_KEY),
        "amplitude_url": f"{standins.url}/amplitude",
        "amplitude_api_key_file": installation.secret("amplitude-api-key", API_KEY),
        "amplitude_throttle_seconds": 1.0,
        "bugsnag_api_key_file": installation.secret("bugsnag-api-key", BUGSNAG_KEY),
        "bugsnag_notify_url": f"{standins.url}/bugsnag/notify",
        "bugsnag_sessions_url": f"{standins.url}/bugsnag/sessions",
        "bugsnag_traces_url": f"{standins.url}/bugsnag/v1/traces",
        **more,
    }


@asynccontextmanager
async def house(
    installation: Installation, world: TenancyWorld, standins: Standins, **settings: Any
) -> AsyncIterator[House]:
    """Run telemetry."""
    publisher = Publisher(installation.kafka, client_id="test-usage")
    base = f"http://127.0.0.1:{installation.http_ports['telemetry']}"
    async with (
        service(installation, "telemetry", **settings_of(installation, standins, **settings)),
        httpx.AsyncClient(base_url=base, trust_env=False) as http,
        Watcher(installation.kafka) as watcher,
    ):
        try:
            yield House(installation, world, standins, publisher, http, watcher)
        finally:
            await publisher.stop()
