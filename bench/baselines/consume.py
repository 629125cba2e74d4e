"""A bare aiokafka-plus-Motor loop: getmany, orjson, insert_many two in flight, commit.

    python -m bench.baselines.consume BOOTSTRAP TOPIC URI DATABASE COUNT

Reads until ``COUNT`` documents are inserted; prints results per second after the first batch.
"""

import asyncio
import sys
import time
from datetime import UTC, datetime
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.write_concern import WriteConcern

from bench.baselines.documents import INDEXES


def _documents(value: bytes) -> list[dict[str, Any]]:
    event = orjson.loads(value)
    chunk, tenant = event["data"], event["tenantid"]
    end, now = datetime.fromisoformat(chunk["executed_at"]), datetime.now(UTC)
    documents: list[dict[str, Any]] = chunk["rows"]
    for d in documents:
        position = d.pop("pos")
        d["_id"] = f"{tenant}/{chunk['upload']}/{position}"
        d["tenant"], d["id"] = tenant, chunk["first_id"] + position
        d["project"], d["cycle"] = chunk["project"], chunk["cycle"]
        d["jira_version"], d["automated"] = chunk["jira_version"], chunk["automated"]
        d["environment"] = d["executed_by"] = d["assigned_to"] = None
        d["upload"], d["end"], d["updated_on"] = chunk["upload"], end, now
    return documents


async def main(bootstrap: str, topic: str, uri: str, database: str, count: int) -> float:
    """Return results per second between the first and the last batch."""
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(uri)
    collection = client.get_database(database, write_concern=WriteConcern("majority", j=True))[
        "test_executions"
    ]
    for fields in INDEXES:
        await collection.create_index([(f, 1) for f in fields])
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=f"bare-{database}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
    await consumer.start()
    done, first, started = 0, 0, 0.0
    gate = asyncio.Semaphore(2)

    async def insert(value: bytes) -> int:
        async with gate:
            documents = _documents(value)
            await collection.insert_many(documents, ordered=False)
            return len(documents)

    while done < count:
        batches = await consumer.getmany(timeout_ms=100, max_records=4)
        records = [r for batch in batches.values() for r in batch]
        if not records:
            continue
        done += sum(await asyncio.gather(*(insert(r.value) for r in records)))
        await consumer.commit()
        if not started:
            started, first = time.perf_counter(), done
    seconds = time.perf_counter() - started
    await consumer.stop()
    client.close()
    return (done - first) / seconds


if __name__ == "__main__":
    bootstrap, topic, uri, database, count = sys.argv[1:]
    print(asyncio.run(main(bootstrap, topic, uri, database, int(count))))
