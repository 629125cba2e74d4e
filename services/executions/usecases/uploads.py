"""Uploads: from a spooled result file to readable executions (the first walk of the architecture).

Accepted means the client gets its 200. Before that an upload that fails is aborted before the
error is answered, and nothing of it was or will be visible; after it nothing is lost.
"""

import asyncio
import contextlib
from collections.abc import (
    AsyncIterator,
    Collection,
    Mapping,
)
from dataclasses import dataclass

import structlog

from contracts.customfields import CustomFieldEntity, Value
from contracts.ids import Kind, public_id
from contracts.testcases import OptionState, OptionType
from kit.clock import Clock
from kit.counters import Counters
from kit.errors import InvalidInput, OstroError, TooLarge, TooManyRequests, Unavailable
from kit.ids import Ids
from services.executions.domain.customfields import value_rows
from services.executions.domain.testcycles import TestCycle
from services.executions.domain.uploads import (
    Serialise,
    StatusRule,
    chunks,
    default_option,
)
from services.executions.usecases.customfields import CustomFields
from services.executions.usecases.folders import check_folder
from services.executions.usecases.passes import read_ahead, rows_of
from services.executions.usecases.resolution import WINDOW, CaseLookup, Plan, Resolver
from services.executions.usecases.uploadports import (
    CaseDecisions,
    ChunkContext,
    ChunkSender,
    CycleRows,
    LedgerView,
    LimitsOf,
    Options,
    UploadAnswer,
    UploadRequest,
    UploadRows,
)

log = structlog.get_logger(__name__)

_CHUNKS_IN_FLIGHT = 4
_ACCEPT_TRIES, _ACCEPT_PAUSE_SECONDS = 3, 0.5
_FIRST_LOOK_SECONDS, _LAST_LOOK_SECONDS = 0.01, 0.2


@dataclass
class _Begun:
    """Whether the upload has a row yet, and so must be aborted on failure."""

    upload: str
    values: Mapping[int, Value]
    """Of the custom fields of its cycle."""
    begun: bool = False


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
        fields: CustomFields,
        projection: CaseLookup,
        owner: CaseDecisions,
        counters: Counters,
        limits: LimitsOf,
        parallel: int,
        serialise: Serialise,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._rows = rows
        self._cycles = cycles
        self._sender = sender
        self._ledger = ledger
        self._options = options
        self._fields = fields
        self._projection = projection
        self._owner = owner
        self._counters = counters
        self._limits = limits
        self._serialise = serialise
        self._clock = clock
        self._ids = ids
        self._working = asyncio.Semaphore(parallel)

    async def take(self, request: UploadRequest) -> UploadAnswer:
        """Take one upload to acceptance; on any failure it is aborted before this raises."""
        await check_folder(
            self._options, request.tenant, request.project.id, request.cycle.folder, "TEST_CYCLE"
        )
        values = await self._values(request)
        state = _Begun(self._ids.token(), values)
        try:
            async with self._aborting(request, state):
                # reading and publishing cost memory and time, waiting for storage does not
                async with self._working:
                    plan = await self._resolve(request, state)
                    cycle, count = await self._send(request, state, plan)
                return await self._settle(request, state, cycle, count)
        except OSError as error:  # a full disk, a time-out
            raise Unavailable("The upload could not be completed; try again.") from error

    async def admit(self, tenant: str) -> None:
        """Raise ``TooManyRequests`` or ``Unavailable`` while nothing more can be taken."""
        waiting, limits = await self._rows.unstored(tenant), self._limits(tenant)
        if waiting.oldest_seconds > limits.max_queue_age_seconds:
            raise Unavailable("Results are not being stored at present; try again.", retry_after=60)
        if waiting.results > limits.max_unstored_results:
            raise TooManyRequests(
                f"{waiting.results} results of yours still wait for storage; try again.",
                retry_after=1,
            )

    async def _values(self, request: UploadRequest) -> Mapping[int, Value]:
        sent = request.cycle.custom_fields
        if not sent:
            return {}
        return await self._fields.checked(
            request.tenant, request.project.id, CustomFieldEntity.TEST_CYCLE, sent
        )

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
            request.project,
            create=(lambda: self._begin(request, state)) if request.create_cases else None,
        )
        most = self._limits(request.tenant).max_results
        async with contextlib.aclosing(read_ahead(request.file.results(), WINDOW)) as windows:
            async for window in windows:
                await resolver.add(window)
                if len(resolver.plan.cases) > most:
                    raise TooLarge(
                        f"The upload holds more than {most} results "
                        "(OSTRO_UPLOAD_MAX_RESULTS, or the flag upload-max-results)."
                    )
        resolver.check()
        return resolver.plan

    async def _send(self, request: UploadRequest, state: _Begun, plan: Plan) -> tuple[int, int]:
        """Publish everything; return the cycle and the number of chunks."""
        tenant, project = request.tenant, request.project.id
        upload = await self._begin(request, state)
        options = await self._options.options(tenant, project, plan.statuses)
        cycle_number, first_number = await asyncio.gather(
            self._counters.reserve(f"{tenant}/{project}/{Kind.TEST_CYCLE}"),
            self._counters.reserve(f"{tenant}/{project}/{Kind.TEST_EXECUTION}", plan.matched),
        )
        cycle, first_id = public_id(project, cycle_number), public_id(project, first_number)
        # the row names the cycle before the cycle exists, so that it is hidden from the start
        await self._rows.describe(tenant, upload, cycle, first_id, plan.matched)
        await self._cycles.insert(self._new_cycle(request, state, cycle, options))
        context = ChunkContext(tenant, upload, project, cycle, first_id, request.cycle.jira_version)
        count = await self._publish(request, context, plan, StatusRule(project, options))
        if not await self._rows.seal(tenant, upload, count):
            raise Unavailable("The upload took too long and was given up; try again.")
        return cycle, count

    async def _settle(
        self, request: UploadRequest, state: _Begun, cycle: int, count: int
    ) -> UploadAnswer:
        """Wait until everything is stored, but not for ever, and accept."""
        tenant, upload = request.tenant, state.upload
        stored = await self._wait(tenant, upload, count)
        if not await self._accept(request, upload):
            raise Unavailable("The upload took too long and was given up; try again.")
        state.begun = False  # from here on nothing aborts it
        await self._finish(request, upload, stored=stored)
        return UploadAnswer(upload, request.project.id, cycle, stored)

    async def _accept(self, request: UploadRequest, upload: str) -> bool:
        """Accept, and ask again when no answer comes: it may be visible already."""
        for _ in range(_ACCEPT_TRIES - 1):
            try:
                return await self._rows.accept(request.tenant, upload, request)
            except Unavailable:
                await asyncio.sleep(_ACCEPT_PAUSE_SECONDS)
        return await self._rows.accept(request.tenant, upload, request)

    def _new_cycle(
        self, request: UploadRequest, state: _Begun, cycle: int, options: Collection[OptionState]
    ) -> TestCycle:
        project, now = request.project.id, self._clock.now()
        status = default_option(project, options, OptionType.TEST_CYCLE)
        if status is None:
            raise InvalidInput("All test cycle statuses of the project are archived.")
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
            custom_fields=value_rows(state.values),
            upload=state.upload,
            created_on=now,
            updated_on=now,
            rev=1,
        )

    async def _publish(
        self, request: UploadRequest, context: ChunkContext, plan: Plan, status: StatusRule
    ) -> int:
        rows = rows_of(request.file.results(), plan, status)
        ready = read_ahead(chunks(rows, self._serialise), _CHUNKS_IN_FLIGHT)
        sent = 0
        async with contextlib.aclosing(ready) as batches:
            async for batch in batches:
                await self._sender.send(context, sent, batch)
                sent += len(batch)
        return sent

    async def _wait(self, tenant: str, upload: str, count: int) -> bool:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        pause = _FIRST_LOOK_SECONDS
        while await self._ledger.stored_chunks(tenant, upload) < count:
            # asked anew: a wait that is shortened ends for those who are in it, too
            left = begun + self._limits(tenant).wait_seconds - loop.time()
            if left <= 0:
                return False
            await self._ledger.changed(upload, min(pause, left))
            pause = min(pause * 1.5, _LAST_LOOK_SECONDS)
        return True

    async def _finish(self, request: UploadRequest, upload: str, *, stored: bool) -> None:
        try:
            if request.create_cases:
                await self._owner.accepted(request.tenant, request.project.id, upload)
                await self._rows.told(request.tenant, upload)
            if stored:
                await self._rows.stored(request.tenant, upload)
        except OstroError as error:
            # accepted all the same: the event in the outbox and housekeeping repeat this
            log.warning("upload accepted, finishing later", cause=type(error).__name__)
