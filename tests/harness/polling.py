"""Waiting for what happens elsewhere: poll with a deadline, never a bare sleep."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(
    probe: Callable[[], Awaitable[T]],
    holds: Callable[[T], bool] = bool,
    *,
    seconds: float = 20.0,
    every: float = 0.05,
) -> T:
    """Return the first value for which ``holds``; fail with the last one seen.

    Fails only by a probe that began after the deadline: a machine that is busy with something else
    may take its time for the one before.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        began = loop.time()
        value = await probe()
        if holds(value):
            return value
        if began > deadline:
            raise AssertionError(f"not within {seconds} s; last seen: {value!r}")
        await asyncio.sleep(every)
