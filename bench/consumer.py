"""The Kafka-to-Mongo consumer alone, against a bare aiokafka-plus-Motor loop.

Both read the same chunks from a topic filled beforehand; the rate is taken between the first and
the last stored chunk, so that start-up does not count.
"""

import asyncio
import os
import secrets
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pymongo import MongoClient

from bench.baselines.documents import TENANT, row
from bench.report import Figure, spread
from bench.stack import Stack

RESULTS, CHUNK, PARTITIONS = 60_000, 500, 12
PAIRS = 5
FIRST_ID = 7 << 33


def measure(running: Stack) -> list[Figure]:
    """Five alternating pairs."""
    ours: list[float] = []
    bare: list[float] = []
    for number in range(PAIRS + 1):
        pair = _bare(running, number), _ours(running, number)
        if number:  # the first pair warms both sides
            bare.append(pair[0])
            ours.append(pair[1])
    ratios = sorted(o / b for o, b in zip(ours, bare, strict=True))
    middle = PAIRS // 2
    return [
        Figure(
            "consumer alone",
            sorted(ours)[middle],
            "results/s",
            ratios[middle],
            "bare loop",
            spread(ours),
        ),
        Figure(
            "bare aiokafka-plus-Motor loop", sorted(bare)[middle], "results/s", spread=spread(bare)
        ),
    ]


def _bare(running: Stack, number: int) -> float:
    topic = f"bench.bare.{number}"
    asyncio.run(_fill(running, topic, "bare"))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "bench.baselines.consume",
            running.demo["KAFKA_BOOTSTRAP"],
            topic,
            running.demo["MONGODB_URI"],
            f"bench_bare_{number}",
            str(RESULTS),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    _drop(running, f"bench_bare_{number}")
    return float(done.stdout)


def _ours(running: Stack, number: int) -> float:
    prefix, database = f"bench{number}.", f"bench_ours_{number}"
    settings = environment(running, "executions", prefix, database)
    subprocess.run(
        [sys.executable, "-m", "kit.kafka.topics", "apply"],
        env=settings,
        capture_output=True,
        check=True,
    )
    upload = f"bench{secrets.token_hex(5)}"
    asyncio.run(_fill(running, f"{prefix}ostro.executions.result.v1", upload))
    with MongoClient[dict[str, Any]](running.demo["MONGODB_URI"], tz_aware=True) as mongo:
        mongo[database]["uploads"].insert_one(
            {"_id": upload, "tenant": TENANT, "state": "open", "project": 7}
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "services.executions", "--role", "consumer"],
            env=settings,
            stderr=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + 120
            while mongo[database]["ledger"].estimated_document_count() < RESULTS // CHUNK:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise SystemExit("the consumer did not store the chunks")
                time.sleep(0.05)
            stamps = sorted(r["stored_at"] for r in mongo[database]["ledger"].find())
        finally:
            process.terminate()
            process.wait(30)
    _drop(running, database)
    first = sum(s <= stamps[0] for s in stamps) * CHUNK
    return float((RESULTS - first) / (stamps[-1] - stamps[0]).total_seconds())


def environment(running: Stack, service: str, prefix: str, database: str) -> dict[str, str]:
    """Settings of a second instance of a service that shares the stack's servers and keys."""
    keys = Path(running.folder) / "keys"
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    return {
        **os.environ,
        "OSTRO_KAFKA_BOOTSTRAP": running.demo["KAFKA_BOOTSTRAP"],
        "OSTRO_TOPIC_PREFIX": prefix,
        "OSTRO_MONGODB_URI": running.demo["MONGODB_URI"],
        "OSTRO_MONGODB_DATABASE": database,
        "OSTRO_INTERNAL_PORT": str(port),
        "OSTRO_SERVICE_KEY_FILE": str(keys / f"service-key-{service}.pem"),
        "OSTRO_PEER_KEYS_FILE": str(keys / "peer-keys.json"),
    }


async def _fill(running: Stack, topic: str, upload: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=running.demo["KAFKA_BOOTSTRAP"])
    await admin.start()
    if topic not in await admin.list_topics():
        await admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
    await admin.close()
    producer = AIOKafkaProducer(
        bootstrap_servers=running.demo["KAFKA_BOOTSTRAP"], enable_idempotence=True
    )
    await producer.start()
    for number in range(RESULTS // CHUNK):
        value = orjson.dumps(_event(upload, number))
        headers = [("upload", upload.encode()), ("chunk", str(number).encode())]
        await producer.send(topic, value, key=f"{upload}/{number}".encode(), headers=headers)
    await producer.stop()


def _event(upload: str, number: int) -> dict[str, Any]:
    rows = [row(p, FIRST_ID, FIRST_ID + 3) for p in range(number * CHUNK, (number + 1) * CHUNK)]
    now = datetime.now(UTC)
    name = "ostro.executions.result.v1"
    data = {
        "upload": upload,
        "chunk": number,
        "project": 7,
        "cycle": FIRST_ID + 1,
        "first_id": FIRST_ID + 1,
        "jira_version": None,
        "automated": True,
        "executed_at": now,
        "rows": rows,
    }
    return {
        "specversion": "1.0",
        "id": f"{upload}-{number}",
        "source": "bench",
        "type": name,
        "subject": f"{upload}/{number}",
        "time": now,
        "tenantid": TENANT,
        "sequence": number,
        "traceparent": None,
        "data": data,
    }


def _drop(running: Stack, database: str) -> None:
    with MongoClient[dict[str, Any]](running.demo["MONGODB_URI"]) as mongo:
        mongo.drop_database(database)
