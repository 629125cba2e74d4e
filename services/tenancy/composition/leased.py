"""Background work that one process at a time does, in rounds."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import structlog

from kit.errors import OstroError
from kit.leases import Lease
from kit.mongo import MongoError
from kit.service import Runtime

log = structlog.get_logger(__name__)

StillOurs = Callable[[], Awaitable[bool]]
"""Renews the lease; False when another process has it."""


def leased(
    runtime: Runtime[Any],
    name: str,
    rounds: Callable[[StillOurs], Awaitable[object]],
    every: float,
    lease: timedelta = timedelta(seconds=60),
) -> Callable[[], Awaitable[None]]:
    """Return the work: a round every so many seconds while the lease ``name`` is ours.

    A round renews the lease itself as it goes on. What fails is logged and comes again.
    """
    held = Lease(runtime.database["leases"], name, runtime.instance, lease, runtime.clock)

    async def run() -> None:
        try:
            while True:
                try:
                    # first, as a round begins with a look at what is due
                    if await held.hold():
                        await rounds(held.hold)
                except (MongoError, OstroError) as error:
                    log.warning("a round failed", work=name, cause=type(error).__name__)
                await asyncio.sleep(every)
        finally:
            with contextlib.suppress(MongoError):
                await held.release()

    return run
