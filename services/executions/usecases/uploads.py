"""Uploads: from a spooled result file to readable executions (the first walk of the architecture).

Accepted means the client gets its 200. Before that an upload that fails is aborted before the
error is answered, and nothing of it was or will be visible; after it nothing is lost.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

import structlog

from contracts.ids import Kind, public_id
from contracts.tenancy import ProjectState
from contracts.testcases import OptionState, OptionType
from kit.clock import Clock
from kit.counters import Counters
from kit.errors import InvalidInput, OstroError, TooLarge, TooManyRequests, Unavailable
from kit.ids import Ids
from services.executions.domain.formats import Format
from services.executions.domain.results import ParsedResult
from services.executions.domain.testcycles import AUTOMATED_BUILD, TestCycle
from services.executions.domain.uploads import (
    Serialise,
    StatusRule,
    UploadState,
    chunks,
    default_option,
)
from services.executions.usecases.resolution import WINDOW, CaseLookup, CaseOwner, Plan, Resolver

log = structlog.get_logger(__name__)

_CHUNKS_IN_FLIGHT = 4
_FIRST_LOOK_SECONDS, _LAST_LOOK_SECONDS = 0.01, 0.2


@dataclass(frozen=True)
class CycleInput:
    """The ``testCycle`` part, validated."""

    name: str = AUTOMATED_BUILD
    description: str | None = None
    jira_version: int | None = None
    folder: int | None = None


@dataclass(frozen=True)
class ReceivedFile:
    """The body of an upload, on disk."""

    results: Callable[[], Iterator[ParsedResult]]
    """Reads the results from the beginning, each time in the same order; blocking."""
    test_cycle: bytes | None
    """The ``testCycle`` part."""


@dataclass(frozen=True)
class UploadRequest:
    """What a client asks for."""

    tenant: str
    account_id: str | None
    project: ProjectState
    format: Format
    create_cases: bool
    cycle: CycleInput
    file: ReceivedFile
    url_path: str
    user_agent: str | None


@dataclass(frozen=True)
class ChunkContext:
    """What all chunks of one upload share."""

    tenant: str
    upload: str
    project: int
    cycle: int
    first_id: int
    jira_version: int | None


@dataclass(frozen=True)
class UploadAnswer:
    """An accepted upload. ``stored`` is False when the bounded wait ran out."""

    upload: str
    project: int
    cycle: int
    stored: bool


@dataclass(frozen=True)
class Unstored:
    """What waits for storage: of one tenant, and the age of the oldest of all in seconds."""

    results: int
    oldest_seconds: float


class UploadRows(Protocol):
    """The uploads' states. A transition returns False when the state does not allow it."""

    async def begin(self, tenant: str, upload: str, request: UploadRequest) -> None: ...
    async def describe(
        self, tenant: str, upload: str, cycle: int, first_id: int, results: int
    ) -> None: ...
    async def seal(self, tenant: str, upload: str, chunks: int) -> bool: ...
    async def accept(self, tenant: str, upload: str, request: UploadRequest) -> bool: ...
    async def abort(self, tenant: str, upload: str) -> bool: ...
    async def finish(self, tenant: str, upload: str, *, told: bool, stored: bool) -> None: ...
    async def unstored(self, tenant: str) -> Unstored: ...


class CycleRows(Protocol):
    """Stores the new cycle; hidden until its upload is accepted."""

    async def insert(self, cycle: TestCycle) -> None: ...


class ChunkSender(Protocol):
    """Publishes chunks and waits until Kafka has them."""

    async def send(
        self, context: ChunkContext, first: int, chunks: Sequence[Sequence[bytes]]
    ) -> None: ...


class LedgerView(Protocol):
    """Reads the ledger."""

    async def stored_chunks(self, tenant: str, upload: str) -> int: ...
    async def changed(self, upload: str, seconds: float) -> None:
        """Return after that time, or at once when this process stored a chunk of the upload."""
        ...


class Options(Protocol):
    """Statuses and folders of a project."""

    async def options(self, tenant: str, project: int) -> Collection[OptionState]: ...
    async def folder_type(self, tenant: str, project: int, folder: int) -> str | None:
        """Return the type of a folder of this project, None when there is none."""
        ...


class CaseDecisions(CaseOwner, Protocol):
    """The owner of the cases learns how an upload ended."""

    async def accepted(self, tenant: str, project: int, upload: str) -> None: ...


@dataclass(frozen=True)
class Limits:
    """Settings of the walk."""

    wait_seconds: float
    max_results: int
    max_unstored_results: int
    max_queue_age_seconds: float


@dataclass
class _Begun:
    """Whether the upload has a row yet, and so must be aborted on failure."""

    upload: str
    begun: bool = False
    created_cases: bool = False


class Uploads:
    """Takes uploads."""

    def __init__(
        self,
        *,
        rows: UploadRows,
        cycles: CycleRows,
        sender: ChunkSender,
        ledger: LedgerView,
        options: Options,
        projection: CaseLookup,
        owner: CaseDecisions,
        counters: Counters,
        limits: Limits,
        serialise: Serialise,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._rows = rows
        self._cycles = cycles
        self._sender = sender
        self._ledger = ledger
        self._options = options
        self._projection = projection
        self._owner = owner
        self._counters = counters
        self._limits = limits
        self._serialise = serialise
        self._clock = clock
        self._ids = ids

    async def take(self, request: UploadRequest) -> UploadAnswer:
        """Take one upload to acceptance; on any failure it is aborted before this raises."""
        await self._admit(request.tenant)
        await self._check_folder(request)
        state = _Begun(self._ids.token())
        try:
            async with self._aborting(request, state):
                plan = await self._resolve(request, state)
                return await self._store(request, state, plan)
        except OSError as error:  # a full disk, a time-out
            raise Unavailable("The upload could not be completed; try again.") from error

    async def _admit(self, tenant: str) -> None:
        waiting = await self._rows.unstored(tenant)
        if waiting.oldest_seconds > self._limits.max_queue_age_seconds:
            raise Unavailable("Results are not being stored at present; try again.", retry_after=60)
        if waiting.results > self._limits.max_unstored_results:
            raise TooManyRequests(
                f"{waiting.results} results of yours still wait for storage; try again.",
                retry_after=1,
            )

    async def _check_folder(self, request: UploadRequest) -> None:
        folder = request.cycle.folder
        if folder is None:
            return
        kind = await self._options.folder_type(request.tenant, request.project.id, folder)
        if kind is None:
            raise InvalidInput(f"Folder {folder} does not exist in the project.")
        if kind != "TEST_CYCLE":
            raise InvalidInput(f"Folder {folder} should be of type TEST_CYCLE.")

    @contextlib.asynccontextmanager
    async def _aborting(self, request: UploadRequest, state: _Begun) -> AsyncIterator[None]:
        try:
            yield
        except BaseException:
            if state.begun:
                # also when the client hung up: the cancelled request must not skip this
                await asyncio.shield(self._abort(request.tenant, state.upload))
            raise

    async def _abort(self, tenant: str, upload: str) -> None:
        try:
            await self._rows.abort(tenant, upload)
        except Exception as error:  # noqa: BLE001  its lease runs out, then the sweeper aborts it
            log.warning("could not abort an upload", cause=type(error).__name__)

    async def _begin(self, request: UploadRequest, state: _Begun) -> str:
        if not state.begun:
            await self._rows.begin(request.tenant, state.upload, request)
            state.begun = True
        return state.upload

    async def _resolve(self, request: UploadRequest, state: _Begun) -> Plan:
        resolver = Resolver(
            self._projection,
            self._owner,
            request.tenant,
            request.project.id,
            create=(lambda: self._begin(request, state)) if request.create_cases else None,
        )
        results = request.file.results()
        while window := await asyncio.to_thread(lambda: list(islice(results, WINDOW))):
            await resolver.add(window)
            if len(resolver.plan.cases) > self._limits.max_results:
                raise TooLarge(
                    f"The upload holds more than {self._limits.max_results} results "
                    "(OSTRO_UPLOAD_MAX_RESULTS)."
                )
        resolver.check()
        return resolver.plan

    async def _store(self, request: UploadRequest, state: _Begun, plan: Plan) -> UploadAnswer:
        tenant, project = request.tenant, request.project.id
        upload = await self._begin(request, state)
        options = await self._options.options(tenant, project)
        cycle_number, first_number = await asyncio.gather(
            self._counters.reserve(f"{tenant}/{project}/{Kind.TEST_CYCLE}"),
            self._counters.reserve(f"{tenant}/{project}/{Kind.TEST_EXECUTION}", plan.matched),
        )
        cycle, first_id = public_id(project, cycle_number), public_id(project, first_number)
        # the row names the cycle before the cycle exists, so that it is hidden from the start
        await self._rows.describe(tenant, upload, cycle, first_id, plan.matched)
        await self._cycles.insert(self._new_cycle(request, upload, cycle, options))
        context = ChunkContext(tenant, upload, project, cycle, first_id, request.cycle.jira_version)
        count = await self._publish(request, context, plan, StatusRule(project, options))
        if not await self._rows.seal(tenant, upload, count):
            raise Unavailable("The upload took too long and was given up; try again.")
        stored = await self._wait(tenant, upload, count)
        if not await self._rows.accept(tenant, upload, request):
            raise Unavailable("The upload took too long and was given up; try again.")
        state.begun = False  # from here on nothing aborts it
        await self._tell_owner(request, upload, stored=stored)
        return UploadAnswer(upload, project, cycle, stored)

    def _new_cycle(
        self, request: UploadRequest, upload: str, cycle: int, options: Collection[OptionState]
    ) -> TestCycle:
        project, now = request.project.id, self._clock.now()
        status = default_option(project, options, OptionType.TEST_CYCLE)
        assert status is not None, "test cycles have a built-in default status"
        return TestCycle(
            _id=f"{request.tenant}/{cycle}",
            tenant=request.tenant,
            id=cycle,
            project=project,
            name=request.cycle.name,
            description=request.cycle.description,
            status=status,
            folder=request.cycle.folder,
            jira_version=request.cycle.jira_version,
            planned_start=None,
            planned_end=None,
            owner=None,
            upload=upload,
            created_on=now,
            updated_on=now,
            rev=1,
        )

    async def _publish(
        self, request: UploadRequest, context: ChunkContext, plan: Plan, status: StatusRule
    ) -> int:
        rows = _rows(request.file.results(), plan, status)
        ready = chunks(rows, self._serialise)
        sent, sending = 0, None
        try:
            while batch := await asyncio.to_thread(lambda: list(islice(ready, _CHUNKS_IN_FLIGHT))):
                if sending is not None:
                    await sending
                # the next chunks are parsed while these are on their way
                sending = asyncio.create_task(self._sender.send(context, sent, batch))
                sent += len(batch)
            if sending is not None:
                await sending
        except BaseException:
            if sending is not None:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
            raise
        return sent

    async def _wait(self, tenant: str, upload: str, count: int) -> bool:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._limits.wait_seconds
        pause = _FIRST_LOOK_SECONDS
        while await self._ledger.stored_chunks(tenant, upload) < count:
            left = deadline - loop.time()
            if left <= 0:
                return False
            await self._ledger.changed(upload, min(pause, left))
            pause = min(pause * 1.5, _LAST_LOOK_SECONDS)
        return True

    async def _tell_owner(self, request: UploadRequest, upload: str, *, stored: bool) -> None:
        told = not request.create_cases
        try:
            if not told:
                await self._owner.accepted(request.tenant, request.project.id, upload)
                told = True
            await self._rows.finish(request.tenant, upload, told=told, stored=stored)
        except OstroError as error:
            # accepted all the same: the event in the outbox and housekeeping repeat this
            log.warning("upload accepted, finishing later", cause=type(error).__name__)


def _rows(
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


__all__ = ["UploadState", "Uploads"]
