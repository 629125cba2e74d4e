"""Run inside a service's container with its own settings: tries what it may and may not do.

Prints JSON: attempt to "allowed", or to the name of the error that refused it.
"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pymongo import MongoClient

from kit.kafka.client import connection
from kit.settings import KafkaSettings

USAGE = "ostro.usage.event.v1"
KAFKA = connection(KafkaSettings())


async def produce(topic: str) -> None:
    """Send a tombstone, which every consumer of ours skips or drops."""
    producer = AIOKafkaProducer(**KAFKA)
    await producer.start()
    try:
        await producer.send_and_wait(topic, b"{}", key=b"probe")
    finally:
        await producer.stop()


async def consume(topic: str, group: str) -> None:
    consumer = AIOKafkaConsumer(topic, **KAFKA, group_id=group, enable_auto_commit=False)
    try:
        await consumer.start()
        await consumer.getmany(timeout_ms=5_000)
    finally:
        await consumer.stop()


async def fence(transactional_id: str) -> None:
    producer = AIOKafkaProducer(**KAFKA, transactional_id=transactional_id)
    try:
        await producer.start()
    finally:
        await producer.stop()


async def read_database(name: str) -> None:
    password = Path(os.environ["OSTRO_MONGODB_PASSWORD_FILE"]).read_text()
    uri = os.environ["OSTRO_MONGODB_URI"]
    with MongoClient[dict[str, object]](uri, password=password) as client:
        client[name]["probe"].find_one()


async def outcome(attempt: Awaitable[None]) -> str:
    try:
        await asyncio.wait_for(attempt, 20)
    except Exception as error:  # noqa: BLE001  the name of any refusal is the answer
        return type(error).__name__
    return "allowed"


async def main(service: str, foreign: str) -> None:
    attempts = {
        "produce usage": produce(USAGE),
        "consume usage in an own group": consume(USAGE, f"{service}.directory"),
        "consume usage in its group": consume(USAGE, "telemetry.anonymizer"),
        "produce foreign state": produce(f"ostro.{foreign}.tenant.state.v1"),
        "fence a foreign relay": fence(f"{foreign}.relay"),
        "own database": read_database(f"ostro_{service}"),
        "foreign database": read_database(f"ostro_{foreign}"),
    }
    found = {name: await outcome(attempt) for name, attempt in attempts.items()}
    sys.stdout.write(json.dumps(found))


asyncio.run(main(*sys.argv[1:]))
