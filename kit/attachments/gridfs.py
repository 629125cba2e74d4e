"""Bytes in MongoDB, laid out as GridFS, so that every GridFS tool can read them.

Written here and not by the driver's bucket, which buffers up to 48 MB of an upload: this holds
about a megabyte of each stream and needs nothing that PyMongo's async API does not have.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

from pymongo import ASCENDING, IndexModel
from typing_extensions import TypedDict

from contracts.classes import DataClass
from kit.attachments.store import Damaged, blocks
from kit.clock import Clock
from kit.mongo import Database, Document

FILES, CHUNKS = "attachments.files", "attachments.chunks"
CHUNK_BYTES = 255 * 1024
"""GridFS's own default."""
_TOGETHER = 4
"""Chunks of one write or read."""

INDEXES = {
    # the one that GridFS asks for; files_id starts with the tenant
    CHUNKS: [IndexModel([("files_id", ASCENDING), ("n", ASCENDING)], name="place", unique=True)]
}


class FileDocument(TypedDict):
    """A file of GridFS that is whole. ``_id``: tenant/attachment id."""

    _id: Annotated[str, DataClass.OPERATIONAL]
    length: Annotated[int, DataClass.OPERATIONAL]
    chunkSize: Annotated[int, DataClass.OPERATIONAL]
    uploadDate: Annotated[datetime, DataClass.OPERATIONAL]


class ChunkDocument(TypedDict):
    """The n-th piece of a file of GridFS."""

    _id: Annotated[Any, DataClass.OPERATIONAL]
    files_id: Annotated[str, DataClass.OPERATIONAL]
    n: Annotated[int, DataClass.OPERATIONAL]
    data: Annotated[bytes, DataClass.CUSTOMER_CONTENT]


class GridFsBytes:
    """Implements ``ByteStore``."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._files = database[FILES]
        self._chunks = database[CHUNKS]
        self._clock = clock

    async def put(self, key: str, pieces: AsyncIterator[bytes]) -> None:
        """Store all pieces, each write on a majority before the next piece is pulled."""
        length = count = 0
        async for block in blocks(pieces, CHUNK_BYTES * _TOGETHER):
            parts = [block[at : at + CHUNK_BYTES] for at in range(0, len(block), CHUNK_BYTES)]
            rows: list[Document] = [
                {"files_id": key, "n": count + i, "data": part} for i, part in enumerate(parts)
            ]
            await self._chunks.insert_many(rows)
            length, count = length + len(block), count + len(parts)
        file: Document = {
            "_id": key,
            "length": length,
            "chunkSize": CHUNK_BYTES,
            "uploadDate": self._clock.now(),
        }
        await self._files.insert_one(file)

    async def open(self, key: str, start: int, size: int) -> AsyncIterator[bytes]:
        """Yield bytes by short reads: no cursor waits in the server for a slow client."""
        end = start + size
        stop = -(-end // CHUNK_BYTES)
        for first in range(start // CHUNK_BYTES, stop, _TOGETHER):
            wanted = range(first, min(first + _TOGETHER, stop))
            query = {"files_id": key, "n": {"$gte": wanted.start, "$lt": wanted.stop}}
            rows = await self._chunks.find(query).sort("n", ASCENDING).to_list(_TOGETHER)
            if [row["n"] for row in rows] != list(wanted):
                raise Damaged("a chunk is missing")
            for row in rows:
                at = row["n"] * CHUNK_BYTES
                part = row["data"][max(start - at, 0) : end - at]
                if len(part) != min(end, at + CHUNK_BYTES) - max(start, at):
                    raise Damaged("a chunk is too short")
                yield part

    async def delete(self, key: str) -> None:
        """Remove the file, then its chunks."""
        await self._files.delete_one({"_id": key})
        await self._chunks.delete_many({"files_id": key})

    async def close(self) -> None:
        """The database is the service's own."""
