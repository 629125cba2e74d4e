"""The port behind which the bytes lie, and what its adapters share."""

from collections.abc import AsyncIterator
from typing import Protocol


class Damaged(Exception):
    """Bytes that were stored are missing or not what they were."""


class ByteStore(Protocol):
    """Keeps the bytes of attachments. A key is ``tenant/id`` and written once.

    Every operation raises ``Unavailable`` or a fault of MongoDB when the store does not answer.
    """

    async def put(self, key: str, pieces: AsyncIterator[bytes]) -> None:
        """Store all pieces; pull one only when the last one is taken care of.

        Whatever ``pieces`` raises is raised, and what is stored by then is for ``delete``.
        """
        ...

    def open(self, key: str, start: int, size: int) -> AsyncIterator[bytes]:
        """Yield ``size`` (from 1) bytes from an offset on; raise ``Damaged``."""
        ...

    async def delete(self, key: str) -> None:
        """Remove the bytes, of unfinished puts too; nothing is there to remove: fine."""
        ...

    async def close(self) -> None:
        """Let go of what was opened."""
        ...


async def blocks(pieces: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    """Regroup pieces of any length into blocks of ``size``; the last one may be shorter."""
    waiting = bytearray()
    async for piece in pieces:
        waiting += piece
        while len(waiting) >= size:
            yield bytes(memoryview(waiting)[:size])
            del waiting[:size]
    if waiting:
        yield bytes(waiting)
