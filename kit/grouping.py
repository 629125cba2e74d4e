"""Asking once what many ask for at the same time."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from typing import Generic, TypeVar, cast

K = TypeVar("K", bound=Hashable)
I = TypeVar("I")  # noqa: E741  an item
R = TypeVar("R")

Ask = Callable[[K, Sequence[I]], Awaitable[Sequence[R | Exception]]]
"""Answers for items of one key, in their order; an exception is raised by who asked for it."""


class Grouped(Generic[K, I, R]):
    """Items that are asked for while a question of their key is under way share the next one.

    So no answer is older than the wish for it, a lone caller waits for nobody, and a burst costs
    a few questions. When a question fails, all who share it do. ``at_once``: so many questions of
    one key may be under way.
    """

    def __init__(self, ask: Ask[K, I, R], *, most: int = 100, at_once: int = 1) -> None:
        self._ask = ask
        self._most = most
        self._at_once = at_once
        self._waiting: dict[K, list[tuple[I, asyncio.Future[R]]]] = defaultdict(list)
        self._serving: dict[K, set[asyncio.Task[None]]] = {}

    async def get(self, key: K, item: I) -> R:
        """Return the answer for one item."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting[key].append((item, future))
        serving = self._serving.setdefault(key, set())
        # a second one that waits is taken along with the first one
        if not serving or (len(serving) < self._at_once and len(self._waiting[key]) == 1):
            # a task of its own: a cancelled request must not take the others down with it
            serving.add(asyncio.create_task(self._serve(key, serving)))
        return await future

    async def _serve(self, key: K, serving: set[asyncio.Task[None]]) -> None:
        try:
            while waiting := self._waiting.pop(key, []):
                if waiting[self._most :]:
                    self._waiting[key] = waiting[self._most :]
                wanted = [pair for pair in waiting[: self._most] if not pair[1].done()]
                if wanted:
                    await self._answer(key, wanted)
        finally:
            serving.discard(cast("asyncio.Task[None]", asyncio.current_task()))
            if not serving:
                self._serving.pop(key, None)

    async def _answer(self, key: K, wanted: list[tuple[I, asyncio.Future[R]]]) -> None:
        answers: Sequence[R | Exception]
        try:
            answers = await self._ask(key, [item for item, _ in wanted])
        except Exception as error:  # noqa: BLE001  each waiter raises it
            answers = [error] * len(wanted)
        for (_, future), answer in zip(wanted, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)


async def settled(
    works: Iterable[Awaitable[R]], *, at_once: int | None = None
) -> list[R | Exception]:
    """Do several things side by side; return what came of each, in their order.

    ``at_once``: so many at most.
    """
    room = asyncio.Semaphore(at_once) if at_once else contextlib.nullcontext()

    async def one(work: Awaitable[R]) -> R | Exception:
        async with room:
            try:
                return await work
            except Exception as error:  # noqa: BLE001  it is what came of this one
                return error

    return await asyncio.gather(*map(one, works))
