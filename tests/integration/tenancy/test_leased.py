"""Rounds of one process at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from kit.errors import Unavailable
from kit.mongo import Database
from services.tenancy.composition.leased import leased
from tests.harness.fakes import ManualClock
from tests.harness.polling import eventually


@dataclass
class Process:
    """What a loop needs of a runtime."""

    database: Database
    clock: ManualClock
    instance: str
    rounds: int = 0
    fails: bool = False
    after: list[bool] = field(default_factory=list)

    async def round(self, still_ours: Callable[[], Awaitable[bool]]) -> None:
        self.rounds += 1
        if self.fails:
            raise Unavailable("down")
        self.after.append(await still_ours())

    def start(self) -> asyncio.Task[None]:
        runtime: Any = self
        return asyncio.ensure_future(leased(runtime, "work", self.round, 0.01)())


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_one_process_works_until_it_goes_or_falls_silent(database: Database) -> None:
    clock = ManualClock()
    first, second = Process(database, clock, "first"), Process(database, clock, "second")
    one = first.start()
    await eventually(lambda: _true(first.rounds > 2))
    other = second.start()
    # one that fails has the turn all the same
    first.fails = True
    seen = first.rounds
    await eventually(lambda: _true(first.rounds > seen + 2))
    assert second.rounds == 0
    assert all(first.after)
    # it gives the lease up when it goes
    await ended(one)
    await eventually(lambda: _true(second.rounds > 0))
    # and one that does not renew it loses it
    await database["leases"].update_one({"_id": "work"}, {"$set": {"holder": "third"}})
    seen = second.rounds
    clock.advance(minutes=2)
    await eventually(lambda: _true(second.rounds > seen + 1))
    await ended(other)
    assert await database["leases"].count_documents({}) == 0


async def _true(value: bool) -> bool:
    return value
