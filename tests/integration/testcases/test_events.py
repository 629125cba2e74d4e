"""What the service publishes, and what it makes of what it reads, repeated and interrupted."""

import secrets
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.envelope import Event
from contracts.executions import UploadEnded
from contracts.testcases import DEFAULT_OPTIONS, FolderState, OptionState, TestCaseState
from contracts.topics import (
    FOLDER_STATE,
    OPTION_STATE,
    TEST_CASE_STATE,
    UPLOAD,
    Topic,
)
from kit.clock import SystemClock
from kit.kafka.client import Names, connection
from kit.kafka.producer import Publisher
from kit.kafka.records import Outgoing, Record, outgoing
from kit.kafka.topics import apply
from kit.mongo import Database
from kit.service import Runtime, running
from services.testcases.adapters.mongo.pending import Pending
from services.testcases.adapters.mongo.provisional import ProvisionalRepository
from services.testcases.composition.counting import counting
from services.testcases.consumers.uploads import UploadsConsumer
from services.testcases.main import INDEXES, SERVICE, build
from services.testcases.settings import TestcasesSettings
from services.testcases.usecases.uploads import Uploads
from tests.harness.backends import Backends
from tests.harness.installation import Installation
from tests.harness.polling import eventually
from tests.harness.tenancy_world import tenancy_world
from tests.integration.testcases.site import Site


async def events_of(installation: Installation, topic: Topic, tenant: str) -> list[Event[Any]]:
    """Return a tenant's committed events on a topic, oldest first per key; no tombstones."""
    name = Names(installation.prefix).topic(topic)
    consumer = AIOKafkaConsumer(**connection(installation.kafka), isolation_level="read_committed")
    await consumer.start()
    try:
        partitions = [TopicPartition(name, p) for p in range(topic.partitions)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(partitions)
        found: list[Event[Any]] = []
        while [p for p in partitions if await consumer.position(p) < ends[p]]:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for r in records:
                    if r.value is None:  # a tombstone, of whatever tenant
                        continue
                    event = Event[topic.payload].model_validate_json(r.value)  # type: ignore[name-defined]
                    if event.tenantid == tenant:
                        assert r.key.decode() == f"{tenant}/{event.subject}"
                        found.append(event)
        return found
    finally:
        await consumer.stop()


async def published(
    installation: Installation, topic: Topic, tenant: str, count: int
) -> dict[int, Event[Any]]:
    """Wait for a number of events; return them by id of the aggregate."""

    async def seen() -> list[Event[Any]]:
        return await events_of(installation, topic, tenant)

    events = await eventually(seen, lambda found: len(found) >= count, every=0.2)
    assert len(events) == count
    return {event.data.id: event for event in events}


async def test_options_and_folders_publish_their_state(
    site: Site, installation: Installation
) -> None:
    parent = await site.create("/folders", name="secret words", folderType="TEST_CASE")
    child = await site.create("/folders", name="n", folderType="TEST_CASE", parentId=parent["id"])
    made = await site.create("/environments", name="Chrome")
    folders = await published(installation, FOLDER_STATE, site.tenant, 2)
    assert folders[child["id"]].data == FolderState(
        id=child["id"], project=site.project, parent=parent["id"], type="TEST_CASE"
    )
    assert "secret words" not in folders[parent["id"]].model_dump_json()
    options = await published(installation, OPTION_STATE, site.tenant, len(DEFAULT_OPTIONS) + 1)
    assert isinstance(options[made["id"]].data, OptionState)
    assert options[made["id"]].data.name == "Chrome"
    for wanted in DEFAULT_OPTIONS:
        event = options[wanted.id(site.project)]
        assert (event.data.name, event.data.default) == (wanted.name, wanted.default)
        assert event.sequence == 1
    assert len({e.id for e in options.values()}) == len(options)


async def test_a_case_is_published_when_it_is_seen_and_not_before(
    site: Site, installation: Installation, stored: Database
) -> None:
    made = await site.ensure("u1", ["waiting"])
    created = await site.create("/testcases", name="at once")
    events = await published(installation, TEST_CASE_STATE, site.tenant, 1)
    assert set(events) == {created["id"]}
    await site.end("u1", "accepted")
    events = await published(installation, TEST_CASE_STATE, site.tenant, 2)
    event = events[made["waiting"].id]
    assert event.data == made["waiting"]
    assert isinstance(event.data, TestCaseState)
    assert (event.sequence, event.type, event.source) == (
        1,
        "ostro.testcases.testcase.state.v1",
        "ostro/testcases",
    )

    async def pending() -> int:
        return await stored["testcases"].count_documents(
            {"tenant": site.tenant, "outbox": {"$ne": []}}
        )

    await eventually(pending, lambda n: n == 0)


def ended(site: Site, upload: str, *, accepted: bool, created_cases: bool = True) -> Event[Any]:
    return Event(
        id=secrets.token_hex(8),
        source="ostro/executions",
        type=UPLOAD.type,
        subject=upload,
        time=SystemClock().now(),
        tenantid=site.tenant,
        data=UploadEnded(
            upload=upload,
            project=site.project,
            accepted=accepted,
            created_cases=created_cases,
        ),
    )


def record(event: Event[Any], offset: int = 0) -> Record:
    sent = outgoing("any", f"{event.tenantid}/{event.subject}", event)
    return Record(UPLOAD, 0, offset, sent.key, sent.value, {}, 0)


async def test_the_event_ends_an_upload_whose_call_was_missed(
    site: Site, installation: Installation, stored: Database
) -> None:
    await site.ensure("up", ["kept"])
    await site.ensure("down", ["dropped"])
    await site.ensure("unrelated", ["open"])
    topic = Names(installation.prefix).topic(UPLOAD)
    publisher = Publisher(installation.kafka, "test-uploads")
    try:
        for _ in range(2):  # delivered twice
            await publisher.send(
                [
                    outgoing(topic, f"{site.tenant}/up", ended(site, "up", accepted=True)),
                    # cannot be read: parked, and the rest flows on
                    Outgoing(topic, b"x", b"{no json"),
                    outgoing(topic, f"{site.tenant}/down", ended(site, "down", accepted=False)),
                    outgoing(
                        topic,
                        f"{site.tenant}/unrelated",
                        ended(site, "unrelated", accepted=True, created_cases=False),
                    ),
                ]
            )
    finally:
        await publisher.stop()

    async def left() -> list[tuple[str, bool]]:
        rows = await stored["testcases"].find({"tenant": site.tenant}).to_list(None)
        return sorted((r["name"], r["visible"]) for r in rows)

    await eventually(left, lambda rows: rows == [("kept", True), ("open", False)])
    events = await published(installation, TEST_CASE_STATE, site.tenant, 1)
    assert [e.data.name for e in events.values()] == ["kept"]
    # an event without cases writes no verdict either
    row = await stored["ended_uploads"].find_one({"_id": f"{site.tenant}/unrelated"})
    assert row is None


class Killed(Exception):
    """The process died here."""


@pytest.mark.parametrize("survived", ["decide", "accept", "discard"])
async def test_a_consumer_killed_between_any_two_writes_repeats_itself(
    site: Site,
    stored: Database,
    runtime: Runtime[TestcasesSettings],
    survived: str,
) -> None:
    """Dies right after one of its writes; the next one gets the same batch again."""

    class Dying(ProvisionalRepository):
        async def decide(self, tenant: str, project: int, upload: str, *, accepted: bool) -> bool:
            verdict = await super().decide(tenant, project, upload, accepted=accepted)
            self._die("decide")
            return verdict

        async def accept(self, tenant: str, upload: str) -> None:
            await super().accept(tenant, upload)
            self._die("accept")

        async def discard(self, tenant: str, upload: str) -> None:
            if survived == "discard":
                # between its two writes
                await self._cases.update_many(
                    {"tenant": tenant, "provisional_for": upload, "visible": False},
                    {"$pull": {"provisional_for": upload}},
                )
            self._die("discard")
            await super().discard(tenant, upload)

        def _die(self, after: str) -> None:
            if after == survived:
                raise Killed

    await site.ensure("up", ["kept", "both"])
    await site.ensure("down", ["dropped", "both"])
    batch = [
        record(ended(site, "up", accepted=True)),
        record(ended(site, "down", accepted=False)),
    ]
    pending, totals = Pending(runtime.clock, runtime.ids), counting(runtime).cases
    with pytest.raises(Killed):
        await UploadsConsumer(Uploads(Dying(stored, pending, totals))).handle(batch)
    for _ in range(2):
        healthy = UploadsConsumer(Uploads(ProvisionalRepository(stored, pending, totals)))
        assert await healthy.handle(batch) == []
    rows = await stored["testcases"].find({"tenant": site.tenant}).to_list(None)
    assert sorted(r["name"] for r in rows) == ["both", "kept"]
    assert {(r["visible"], r["rev"]) for r in rows} == {(True, 1)}


async def test_a_restarted_service_knows_what_it_read_and_redoes_what_it_did_not_commit(
    servers: Backends, tmp_path: Path
) -> None:
    """A second installation of its own, so that stopping it disturbs nobody."""
    own = Installation(servers, tmp_path)
    await apply(own.kafka)
    settings = own.settings(TestcasesSettings, SERVICE)
    async with tenancy_world(own) as world:
        async with running(SERVICE, settings, build, INDEXES) as runtime:
            tenant = await world.tenant()
            state = await world.project(tenant)

            async def options() -> int:
                return await runtime.database["options"].count_documents({"tenant": tenant})

            await eventually(options, lambda n: n == len(DEFAULT_OPTIONS))
        assert not runtime.failed.is_set()
        # published while it was down
        later = await world.project(tenant, "LATER")
        async with running(SERVICE, settings, build, INDEXES) as runtime:
            query = {"tenant": tenant, "project": later.id}

            async def missed() -> int:
                return await runtime.database["options"].count_documents(query)

            await eventually(missed, lambda n: n == len(DEFAULT_OPTIONS))
            rows = await runtime.database["directory_projects"].find({}).to_list(None)
            assert {r["id"] for r in rows} == {state.id, later.id}
            await runtime.database.client.drop_database(own.database(SERVICE))
