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
from pymongo import UpdateOne

from contracts.diagnostics import Place
from kit.kafka.client import connection
from kit.kafka.producer import MAX_REQUEST_BYTES, send_all, size_of, stop_quietly
from kit.kafka.records import Outgoing
from kit.leases import Lease
from kit.mongo import Database, Document, MongoError
from kit.observability.diagnostics import concerning, note
from kit.observability.metrics import OUTBOX_OLDEST, OUTBOX_PARKED, OUTBOX_PUBLISHED
from kit.settings import KafkaSettings

log = structlog.get_logger(__name__)

Render = Callable[[Mapping[str, Any], Mapping[str, Any]], Sequence[Outgoing]]
"""(document, entry) to the records to send; usually one. A value of None is a tombstone."""

DRAIN = 500
_SHORTEST_IDLE, _LONGEST_IDLE = 0.02, 0.25
_TRANSACTION_TIMEOUT_MS = 10_000
_PARKED_AT_ONCE = 50


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
        self._renewed = float("-inf")

    def nudge(self) -> None:
        """Say that something is pending now; saves the wait for the next look."""
        self._nudged.set()

    async def run(self) -> None:
        """Lead whenever the lease can be had; until cancelled."""
        try:
            while True:
                try:
                    if await self._holds():
                        await self._lead()
                except ProducerFenced:
                    # somebody else leads; taking it back at once would fence each other for ever
                    log.warning("relay fenced, giving the lease up")
                    await self._release()
                    await asyncio.sleep(2)
                except (KafkaError, MongoError, OSError, TimeoutError, AssertionError) as error:
                    log.warning("relay interrupted", cause=type(error).__name__)
                await asyncio.sleep(1)
        finally:
            with contextlib.suppress(MongoError):
                await self._release()

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
        idle = _SHORTEST_IDLE
        try:
            # without enough replicas for the transaction log this would wait for ever
            async with asyncio.timeout(20):
                await producer.start()
            while await self._holds():
                self._nudged.clear()
                if await self._round(producer):
                    idle = _SHORTEST_IDLE
                    continue
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(idle):
                        await self._nudged.wait()
                idle = min(idle * 2, _LONGEST_IDLE)
        finally:
            await stop_quietly(producer, 5.0)

    async def _holds(self) -> bool:
        # a write per look would cost more than the relay itself; a zombie is fenced anyway
        now = asyncio.get_running_loop().time()
        if now - self._renewed < self._lease.ttl.total_seconds() / 4:
            return True
        held = await self._lease.hold()
        self._renewed = now if held else float("-inf")
        return held

    async def _release(self) -> None:
        self._renewed = float("-inf")
        await self._lease.release()

    async def _round(self, producer: AIOKafkaProducer) -> int:
        drained, oldest = 0, 0.0
        for source in self._sources:
            documents = await self._pending(source)
            if documents:
                seq = min(e["seq"] for d in documents for e in d["outbox"])
                oldest = max(oldest, time.time() - seq / 1000)
                await self._drain(producer, source, documents)
                drained += len(documents)
        OUTBOX_OLDEST.set(oldest)
        return drained

    async def _pending(self, source: Source) -> list[Document]:
        found = self._database[source.collection].find({"outbox.seq": {"$gt": 0}})
        documents: list[Document] = await found.sort("outbox.seq", 1).limit(DRAIN).to_list(DRAIN)
        return documents

    async def _drain(
        self, producer: AIOKafkaProducer, source: Source, documents: Sequence[Document]
    ) -> None:
        records, parked = self._rendered(source, documents)
        if records:
            async with producer.transaction():
                await send_all(producer, records)
        await self._remove(source, documents, parked)
        OUTBOX_PUBLISHED.labels(source.collection).inc(len(records))

    def _rendered(
        self, source: Source, documents: Sequence[Document]
    ) -> tuple[list[Outgoing], list[UpdateOne]]:
        records: list[Outgoing] = []
        parked: list[UpdateOne] = []
        for document in documents:
            # in the order of the array: that of the writes, whatever the clocks said
            for pending in document["outbox"]:
                rendered = self._render(source, document, pending)
                if rendered is not None:
                    records += rendered
                    continue
                OUTBOX_PARKED.labels(source.collection).inc()
                park = {"$addToSet": {"outbox_parked": pending}}
                parked.append(UpdateOne({"_id": document["_id"]}, park))
        if len(parked) > _PARKED_AT_ONCE and not records:
            # not the documents are broken, we are: nothing is moved away
            raise RuntimeError(f"none of {len(parked)} pending events can be sent")
        return records, parked

    def _render(
        self, source: Source, document: Document, pending: Document
    ) -> Sequence[Outgoing] | None:
        """Return None for what would fail for ever and block everything behind it."""
        try:
            rendered = source.render(document, pending)
        except Exception as error:
            with concerning(document.get("tenant")):
                note(error, Place.RELAY, handled=False)
            log.exception("event cannot be built, parked", collection=source.collection)
            return None
        if any(size_of(r) > MAX_REQUEST_BYTES for r in rendered):
            log.error("event too large to send, parked", collection=source.collection)
            return None
        return rendered

    async def _remove(
        self, source: Source, documents: Sequence[Document], parked: Sequence[UpdateOne]
    ) -> None:
        collection = self._database[source.collection]
        if parked:
            await collection.bulk_write(list(parked), ordered=False)
        these = {"_id": {"$in": [d["_id"] for d in documents]}}
        if source.single_event:
            await collection.update_many(these, {"$unset": {"outbox": ""}})
            return
        sent = [e["id"] for d in documents for e in d["outbox"]]
        if source.purge_deleted:
            # before the entries go: a crash in between must leave the relay something to find
            nothing_new = {"outbox": {"$not": {"$elemMatch": {"id": {"$nin": sent}}}}}
            nothing_parked = {"outbox_parked": {"$exists": False}}
            gone = {**these, "deleted": True, **nothing_new, **nothing_parked}
            await collection.delete_many(gone)
        await collection.update_many(these, {"$pull": {"outbox": {"id": {"$in": sent}}}})
