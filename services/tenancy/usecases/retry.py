"""Trying a change again when another writer was first."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from kit.errors import Unavailable
from services.tenancy.usecases.ports import ChangedMeanwhile

T = TypeVar("T")

_ATTEMPTS = 8


async def until_stored(attempt: Callable[[], Awaitable[T]]) -> T:
    """Run an attempt that reads, decides and stores; again while it comes too late."""
    for _ in range(_ATTEMPTS):
        try:
            return await attempt()
        except ChangedMeanwhile:
            continue
    raise Unavailable("Too many changes at the same time; try again.", retry_after=1)
