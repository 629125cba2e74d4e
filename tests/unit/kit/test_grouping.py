"""Asking once what many ask for at the same time."""

import asyncio
from collections.abc import Sequence

import pytest

from kit.errors import NotFound, Unavailable
from kit.grouping import Grouped


class Oracle:
    """Says what it was asked, once it is let."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[int]]] = []
        self.free = asyncio.Event()
        self.down = False

    async def ask(self, key: str, items: Sequence[int]) -> list[str | Exception]:
        self.asked.append((key, list(items)))
        await self.free.wait()
        if self.down:
            raise Unavailable("down")
        return [NotFound("odd") if item % 2 else f"{key}{item}" for item in items]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_comes_during_a_question_shares_the_next_one() -> None:
    oracle = Oracle()
    grouped = Grouped(oracle.ask, most=3)
    first = asyncio.create_task(grouped.get("a", 0))
    await settle()
    rest = [asyncio.create_task(grouped.get("a", n)) for n in range(2, 10, 2)]
    other = asyncio.create_task(grouped.get("b", 0))
    await settle()
    assert oracle.asked == [("a", [0]), ("b", [0])]
    oracle.free.set()
    assert await asyncio.gather(first, other, *rest) == ["a0", "b0", "a2", "a4", "a6", "a8"]
    assert oracle.asked[2:] == [("a", [2, 4, 6]), ("a", [8])]
    assert await grouped.get("a", 0) == "a0"
    assert len(oracle.asked) == 5


async def test_two_questions_of_one_key_may_be_under_way() -> None:
    oracle = Oracle()
    grouped = Grouped(oracle.ask, at_once=2)
    asked = []
    for items in ((0, 2), (4, 6), (8, 10), (12,)):
        asked += [asyncio.create_task(grouped.get("a", n)) for n in items]
        await settle()
    assert oracle.asked == [("a", [0, 2]), ("a", [4, 6])]
    oracle.free.set()
    assert await asyncio.gather(*asked) == [f"a{n}" for n in range(0, 14, 2)]
    assert oracle.asked[2:] == [("a", [8, 10, 12])]


async def test_a_fault_is_that_of_its_item_and_an_outage_that_of_all() -> None:
    oracle = Oracle()
    grouped = Grouped(oracle.ask)
    oracle.free.set()
    good, bad = await asyncio.gather(
        grouped.get("a", 2), grouped.get("a", 1), return_exceptions=True
    )
    assert good == "a2"
    assert isinstance(bad, NotFound)
    oracle.down = True
    failed = await asyncio.gather(*(grouped.get("a", n) for n in (2, 4)), return_exceptions=True)
    assert [type(f) for f in failed] == [Unavailable, Unavailable]
    oracle.down = False
    assert await grouped.get("a", 2) == "a2"


async def test_who_gives_up_is_not_asked_for_and_takes_nobody_down() -> None:
    oracle = Oracle()
    grouped = Grouped(oracle.ask)
    tasks = [asyncio.create_task(grouped.get("a", n)) for n in (0, 2)]
    await settle()
    later = [asyncio.create_task(grouped.get("a", n)) for n in (4, 6)]
    await settle()
    for task in (tasks[0], later[0]):
        task.cancel()
    await settle()
    oracle.free.set()
    assert [await tasks[1], await later[1]] == ["a2", "a6"]
    assert oracle.asked == [("a", [0, 2]), ("a", [6])]
    for task in (tasks[0], later[0]):
        with pytest.raises(asyncio.CancelledError):
            await task
