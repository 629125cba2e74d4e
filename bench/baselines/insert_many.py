"""Plain Motor: insert_many of the same documents, 1,000 a batch, two in parallel, majority.

    python -m bench.baselines.insert_many URI DATABASE UPLOAD COUNT

Prints the seconds it took.
"""

import asyncio
import sys
import time
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.write_concern import WriteConcern

from bench.baselines.documents import INDEXES, document

BATCH, PARALLEL = 1_000, 2
FIRST_ID = 7 << 33


async def main(uri: str, database: str, upload: str, count: int) -> float:
    """Insert ``count`` documents; return the seconds of the inserts alone."""
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(uri)
    collection = client.get_database(database, write_concern=WriteConcern("majority", j=True))[
        "test_executions"
    ]
    for fields in INDEXES:
        await collection.create_index([(f, 1) for f in fields])
    number = int(upload.removeprefix("u"))
    first_id = FIRST_ID + number * count
    documents = [document(upload, i, first_id) for i in range(count)]
    batches = iter([documents[i : i + BATCH] for i in range(0, count, BATCH)])

    async def insert() -> None:
        for batch in batches:
            await collection.insert_many(batch, ordered=False)

    started = time.perf_counter()
    await asyncio.gather(*(insert() for _ in range(PARALLEL)))
    seconds = time.perf_counter() - started
    client.close()
    return seconds


if __name__ == "__main__":
    print(asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))))
