"""Counters: numbers that increase per scope, reserved in groups."""

import asyncio
from collections import defaultdict

from pymongo import ReturnDocument

from kit.mongo import Collection


class Counters:
    """Reserve consecutive numbers, from 1. ``_id`` of a counter starts with the tenant.

    Waiters of one counter in one process share the next write, so a burst of single reservations
    costs one round trip. Gaps appear only when a reserver fails afterwards.
    """

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._waiting: dict[str, list[tuple[int, asyncio.Future[int]]]] = defaultdict(list)
        self._serving: dict[str, asyncio.Task[None]] = {}

    async def reserve(self, counter: str, count: int = 1) -> int:
        """Return the first of ``count`` fresh consecutive numbers."""
        if count < 1:
            raise ValueError(f"cannot reserve {count} numbers")
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting[counter].append((count, future))
        if counter not in self._serving:
            # a task of its own: a cancelled request must not take the others down with it
            self._serving[counter] = asyncio.create_task(self._serve(counter))
        return await future

    async def at_least(self, counter: str, number: int) -> None:
        """Make sure that numbers up to ``number`` are never handed out."""
        await self._collection.update_one({"_id": counter}, {"$max": {"last": number}}, upsert=True)

    async def _serve(self, counter: str) -> None:
        try:
            while waiting := self._waiting.pop(counter, []):
                await self._grant(counter, waiting)
        finally:
            self._serving.pop(counter, None)

    async def _grant(self, counter: str, waiting: list[tuple[int, asyncio.Future[int]]]) -> None:
        total = sum(count for count, _ in waiting)
        try:
            row = await self._collection.find_one_and_update(
                {"_id": counter},
                {"$inc": {"last": total}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        except Exception as error:  # noqa: BLE001  each waiter raises it
            for _, future in waiting:
                if not future.done():
                    future.set_exception(error)
            return
        first = int(row["last"]) - total + 1
        for count, future in waiting:
            if not future.done():
                future.set_result(first)
            first += count
