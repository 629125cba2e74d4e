"""The relay: one leader per service publishes pending events in order, then removes them.

A lease elects the leader; a transactional producer with a fixed id fences a former one, so
nothing of a zombie is ever visible to readers of committed records. One transaction per drained
batch; every send is awaited, because aiokafka commits even when a record was refused.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, ProducerFenced

from kit.kafka.client import connection
from kit.kafka.producer import MAX_REQUEST_BYTES
from kit.kafka.records import Outgoing
from kit.leases import Lease
from kit.mongo import Database, Document, MongoError
from kit.observability.metrics import OUTBOX_OLDEST, OUTBOX_PARKED, OUTBOX_PUBLISHED
from kit.settings import KafkaSettings

log = structlog.get_logger(__name__)

Render = Callable[[Mapping[str, Any], Mapping[str, Any]], Sequence[Outgoing]]
"""(document, entry) to the records to send; usually one. A value of None is a tombstone."""

DRAIN = 500
_IDLE_SECONDS = 0.05
_TRANSACTION_TIMEOUT_MS = 10_000
_RECORD_OVERHEAD = 4096


@dataclass(frozen=True)
class Source:
    """A collection whose documents carry an outbox."""

    collection: str
    render: Render
    single_event: bool = False
    """Documents that never get a second event: the whole field is unset, which is cheaper."""
    purge_deleted: bool = False
    """Remove a document with ``deleted: true`` once its tombstone is acknowledged."""


class Relay:
    """Drains the sources for as long as it holds the lease."""

    def __init__(
        self,
        settings: KafkaSettings,
        service: str,
        database: Database,
        sources: Sequence[Source],
        lease: Lease,
    ) -> None:
        self._settings = settings
        self._transactional_id = f"{settings.topic_prefix}{service}.relay"
        self._database = database
        self._sources = sources
        self._lease = lease
        self._nudged = asyncio.Event()

    def nudge(self) -> None:
        """Say that something is pending now; saves the wait for the next look."""
        self._nudged.set()

    async def run(self) -> None:
        """Lead whenever the lease can be had; until cancelled."""
        try:
            while True:
                try:
                    if await self._lease.hold():
                        await self._lead()
                except ProducerFenced:
                    # somebody else leads; taking it back at once would fence each other for ever
                    log.warning("relay fenced, giving the lease up")
                    await self._lease.release()
                    await asyncio.sleep(2)
                except (KafkaError, MongoError, OSError, TimeoutError, AssertionError) as error:
                    log.warning("relay interrupted", cause=type(error).__name__)
                await asyncio.sleep(1)
        finally:
            with contextlib.suppress(MongoError):
                await self._lease.release()

    async def _lead(self) -> None:
        producer = AIOKafkaProducer(
            **connection(self._settings),
            client_id=self._transactional_id,
            transactional_id=self._transactional_id,
            transaction_timeout_ms=_TRANSACTION_TIMEOUT_MS,
            acks="all",
            linger_ms=0,
            max_batch_size=256 * 1024,
            max_request_size=MAX_REQUEST_BYTES,
        )
        try:
            # without enough replicas for the transaction log this would wait for ever
            async with asyncio.timeout(20):
                await producer.start()
            while await self._lease.hold():
                self._nudged.clear()
                drained = 0
                for source in self._sources:
                    drained += await self._drain(producer, source)
                if not drained:
                    OUTBOX_OLDEST.set(0)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(_IDLE_SECONDS):
                            await self._nudged.wait()
        finally:
            with contextlib.suppress(KafkaError, OSError, TimeoutError, AssertionError):
                async with asyncio.timeout(5):
                    await producer.stop()

    async def _drain(self, producer: AIOKafkaProducer, source: Source) -> int:
        collection = self._database[source.collection]
        documents = (
            await collection.find({"outbox.seq": {"$gt": 0}})
            .sort("outbox.seq", 1)
            .limit(DRAIN)
            .to_list(DRAIN)
        )
        if not documents:
            return 0
        oldest = min(e["seq"] for d in documents for e in d["outbox"])
        OUTBOX_OLDEST.set(max(0.0, time.time() - oldest / 1000))
        records, parked = self._rendered(source, documents)
        if records:
            async with producer.transaction():
                futures = [
                    await producer.send(r.topic, r.value, key=r.key, headers=list(r.headers))
                    for r in records
                ]
                await asyncio.gather(*futures)
        await self._remove(source, documents, parked)
        OUTBOX_PUBLISHED.labels(source.collection).inc(len(records))
        return len(documents)

    def _rendered(
        self, source: Source, documents: Sequence[Document]
    ) -> tuple[list[Outgoing], list[Any]]:
        records: list[Outgoing] = []
        parked: list[Any] = []
        for document in documents:
            for pending in sorted(document["outbox"], key=lambda e: e["seq"]):
                rendered = source.render(document, pending)
                if any(
                    len(r.value or b"") > MAX_REQUEST_BYTES - _RECORD_OVERHEAD for r in rendered
                ):
                    # it would be refused for ever and block everything behind it
                    log.error("event too large to send, parked", collection=source.collection)
                    OUTBOX_PARKED.labels(source.collection).inc()
                    parked.append((document["_id"], pending))
                else:
                    records += rendered
        return records, parked

    async def _remove(
        self, source: Source, documents: Sequence[Document], parked: Sequence[Any]
    ) -> None:
        collection = self._database[source.collection]
        for document_id, pending in parked:
            await collection.update_one({"_id": document_id}, {"$push": {"outbox_parked": pending}})
        document_ids = [d["_id"] for d in documents]
        if source.single_event:
            await collection.update_many({"_id": {"$in": document_ids}}, {"$unset": {"outbox": ""}})
            return
        sent = [e["id"] for d in documents for e in d["outbox"]]
        await collection.update_many(
            {"_id": {"$in": document_ids}}, {"$pull": {"outbox": {"id": {"$in": sent}}}}
        )
        if source.purge_deleted:
            await collection.delete_many(
                {"_id": {"$in": document_ids}, "deleted": True, "outbox": []}
            )
