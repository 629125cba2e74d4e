"""Several questions at the same time, but only so many."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


async def together(
    ask: Callable[[A], Awaitable[B]], questions: Sequence[A], at_once: int
) -> list[B]:
    """Return the answers in the order of the questions; the first failure ends them all."""
    room = asyncio.Semaphore(at_once)

    async def one(question: A) -> B:
        async with room:
            return await ask(question)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(question)) for question in questions]
    except ExceptionGroup as failed:
        # callers know the failure of one question
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]
