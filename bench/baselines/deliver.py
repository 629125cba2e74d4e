"""A bare loop from Kafka to a processor: getmany, orjson, one request for each batch, commit.

    python -m bench.baselines.deliver BOOTSTRAP TOPIC URL COUNT

It posts the very bytes that telemetry's Amplitude adapter posts for the same events.
"""

import asyncio
import sys
from datetime import datetime
from typing import Any

import httpx
import orjson
from aiokafka import AIOKafkaConsumer

_OUTSIDE = frozenset({"event_id", "name", "user", "hour"})
_PREFIX = orjson.dumps({"api_key": "bench"})[:-1] + b',"events":['


def _rendered(value: bytes) -> bytes:
    event: dict[str, Any] = orjson.loads(value)["data"]
    return orjson.dumps(
        {
            "user_id": event["user"],
            "event_type": event["name"],
            "time": int(datetime.fromisoformat(event["hour"]).timestamp() * 1000),
            "insert_id": event["event_id"],
            "event_properties": {
                k: v for k, v in event.items() if v is not None and k not in _OUTSIDE
            },
            "$skip_user_properties_sync": True,
        }
    )


async def main(bootstrap: str, topic: str, url: str, count: int) -> None:
    """Read and post ``count`` events."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=f"bare-{topic}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
    await consumer.start()
    done = 0
    async with httpx.AsyncClient(trust_env=False) as http:
        while done < count:
            batches = await consumer.getmany(timeout_ms=100, max_records=1_000)
            values = [r.value for batch in batches.values() for r in batch]
            if not values:
                continue
            body = _PREFIX + b",".join([_rendered(value) for value in values]) + b"]}"
            answer = await http.post(
                url, content=body, headers={"content-type": "application/json"}
            )
            answer.raise_for_status()
            await consumer.commit()
            done += len(values)
    await consumer.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
