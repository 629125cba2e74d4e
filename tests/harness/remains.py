"""What a system leaves behind, as bytes to search: topics, databases, metrics, traces."""

import contextlib
import gzip
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import bson
import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from devstack.standin.serving import Listeners, bind, port_of
from kit.kafka.client import connection
from kit.kafka.topics import wanted_topics
from kit.mongo import connect
from kit.settings import KafkaSettings
from tests.harness.installation import Installation

_ANY: CodecOptions[dict[str, Any]] = CodecOptions(uuid_representation=UuidRepresentation.STANDARD)


async def kafka_bytes(settings: KafkaSettings) -> list[bytes]:
    """Return every key, value and header of every topic, dead letters and aborted ones included."""
    consumer = AIOKafkaConsumer(**connection(settings), auto_offset_reset="earliest")
    await consumer.start()
    found: list[bytes] = []
    try:
        parts = [
            TopicPartition(topic.name, partition)
            for topic in wanted_topics(settings.topic_prefix)
            for partition in range(topic.partitions)
        ]
        consumer.assign(parts)
        for partition, end in (await consumer.end_offsets(parts)).items():
            while await consumer.position(partition) < end:
                batches = await consumer.getmany(partition, timeout_ms=500)
                for record in batches.get(partition, []):
                    found += [record.key or b"", record.value or b""]
                    found += [name.encode() + (value or b"") for name, value in record.headers]
    finally:
        await consumer.stop()
    return found


async def mongodb_bytes(installation: Installation) -> list[bytes]:
    """Return every document of the installation's databases, and what the oplog says of them."""
    mine = installation.prefix.rstrip(".")
    found: list[bytes] = []
    async with connect(installation.backends.mongodb, "local") as local:
        for name in await local.client.list_database_names():
            if name.startswith(mine):
                database = local.client.get_database(name)
                for collection in await database.list_collection_names():
                    found += [_raw(row) async for row in database[collection].find({})]
        of_mine = {
            "$or": [{"ns": {"$regex": f"^{mine}"}}, {"o.applyOps.ns": {"$regex": f"^{mine}"}}]
        }
        found += [_raw(row) async for row in local["oplog.rs"].find(of_mine)]
    return found


async def metrics_bytes(internal_url: str) -> bytes:
    """Return what a process counts."""
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        return (await http.get(f"{internal_url}/metrics")).content


@dataclass
class Collector:
    """An OTLP/HTTP collector; ``url`` is for OSTRO_OTLP_ENDPOINT. Protobuf holds texts as UTF-8."""

    url: str
    received: list[bytes] = field(default_factory=list)

    async def take(self, request: Request) -> Response:
        """Keep one export."""
        body = await request.body()
        zipped = request.headers.get("content-encoding") == "gzip"
        self.received.append(gzip.decompress(body) if zipped else body)
        return Response(media_type="application/x-protobuf")


@contextlib.asynccontextmanager
async def collector() -> AsyncIterator[Collector]:
    """Collect until the block ends; a process exports the rest when it ends by SIGTERM."""
    sock, listeners = bind("127.0.0.1", 0), Listeners()
    found = Collector(f"http://127.0.0.1:{port_of(sock)}")
    await listeners.serve(
        Starlette(routes=[Route("/v1/traces", found.take, methods=["POST"])]), sock
    )
    try:
        yield found
    finally:
        await listeners.stop()


def _raw(row: dict[str, Any]) -> bytes:
    return bson.encode(row, codec_options=_ANY)
