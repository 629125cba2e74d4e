"""The worker: one process at a time, by lease, does the jobs that are due, step by step."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Protocol

import structlog

from kit.clock import Clock
from kit.errors import OstroError
from kit.jobs.rows import Job, JobRows
from kit.mongo import BulkFailure, MongoError, WriteConflict
from kit.observability.diagnostics import concerning

log = structlog.get_logger(__name__)

AT_ONCE = timedelta(0)
Step = Callable[[Job], Awaitable[timedelta | None]]
"""Does a bounded part of a job, as often as need be; returns when to go on, None: all is done."""

_MOST = 50
_LOOK_SECONDS = 1.0
_UNKNOWN = timedelta(minutes=1)
_AFTER_A_FAULT = timedelta(seconds=5)
_AFTER_A_BUG = timedelta(minutes=5)


class Turn(Protocol):
    """Whether it is this process's turn."""

    async def hold(self) -> bool:
        """Take it or keep it."""
        ...


class Worker:
    """Does jobs; a job whose step fails waits, and holds no other up."""

    def __init__(self, rows: JobRows, steps: Mapping[str, Step], turn: Turn, clock: Clock) -> None:
        """``steps`` by kind of job."""
        self._rows = rows
        self._steps = steps
        self._turn = turn
        self._clock = clock

    async def run(self) -> None:
        """Work whenever it is our turn; until cancelled."""
        while True:
            worked = 0
            try:
                if await self._turn.hold():
                    worked = await self.once()
            except MongoError as error:
                log.warning("jobs interrupted", cause=type(error).__name__)
            await asyncio.sleep(0 if worked else _LOOK_SECONDS)

    async def once(self) -> int:
        """Take one step of each job that is due; return how many there were."""
        jobs = await self._rows.due(self._clock.now(), _MOST)
        for job in jobs:
            if not await self._turn.hold():
                break
            await self.step(job)
        return len(jobs)

    async def step(self, job: Job) -> None:
        """Take one step of a job, unless it was done or is no longer the wish."""
        if not await self._rows.wanted(job):
            return
        known = self._steps.get(job.kind)
        if known is None:  # of a newer program: it is among the next ones to lead
            await self._rows.again(job, self._clock.now() + _UNKNOWN)
            return
        try:
            with concerning(job.tenant):
                pause = await known(job)
        except (MongoError, BulkFailure, WriteConflict, OstroError) as error:
            log.warning("a job is interrupted", kind=job.kind, cause=type(error).__name__)
            pause = _AFTER_A_FAULT
        except Exception:
            # what one tenant has must not stop the service of all; the log says what to mend
            with concerning(job.tenant):
                log.exception("a job cannot be done", kind=job.kind)
            pause = _AFTER_A_BUG
        if pause is None:
            await self._rows.done(job)
        else:
            await self._rows.again(job, self._clock.now() + pause)
