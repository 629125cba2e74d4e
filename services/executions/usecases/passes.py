"""The two passes over a result file: read ahead in a thread, and what pass 2 makes of pass 1."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

from services.executions.domain.results import ParsedResult
from services.executions.domain.uploads import StatusRule
from services.executions.usecases.resolution import Plan

T = TypeVar("T")


async def read_ahead(items: Iterator[T], count: int) -> AsyncGenerator[list[T], None]:
    """Yield groups of a blocking iterator, read in a thread while the last group is worked on."""

    def take() -> list[T]:
        return list(islice(items, count))

    following = asyncio.ensure_future(asyncio.to_thread(take))
    try:
        while group := await following:
            following = asyncio.ensure_future(asyncio.to_thread(take))
            yield group
    finally:
        # the thread must have let go of the file before it is closed
        await asyncio.gather(following, return_exceptions=True)


def rows_of(
    results: Iterator[ParsedResult], plan: Plan, status: StatusRule
) -> Iterator[Mapping[str, Any]]:
    """Pass 2: the matched runs in order, as rows of the chunk contract."""
    run = position = 0
    for result in results:
        for _ in range(max(1, len(result.keys))):
            found = plan.at(run)
            run += 1
            if not found.case:
                continue
            yield {
                "pos": position,
                "case": found.case,
                "version": found.version,
                "version_id": found.version_id,
                "status": status(result.status),
                "time": result.time_ms,
                "comment": result.comment,
            }
            position += 1
