"""Steps of a test execution: reading them, recording results, pulling the present script in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from contracts.ids import public_id
from kit.clock import Clock
from kit.counters import Counters
from kit.dependents import counted
from kit.directory.access import Access
from kit.errors import Conflict, InvalidInput, NotFound, Unavailable, Unprocessable
from kit.http.pages import OffsetPage
from services.executions.domain.executionsteps import (
    MAX_RESULT_BYTES,
    ExecutionStep,
    StepResult,
    fresh_steps,
    kept_steps,
    result_bytes,
    with_results,
)
from services.executions.domain.testexecutions import ExecutionSteps, TestExecution
from services.executions.usecases.executionchanges import STEP
from services.executions.usecases.executionoptions import ExecutionOptions, Wanted
from services.executions.usecases.runcases import RunCase, RunCases
from services.executions.usecases.testexecutions import TestExecutions

_TRIES = 20


@dataclass(frozen=True)
class StepUpdate:
    """What a client says of one step, by place; None leaves what there is."""

    status_name: str | None = None
    actual: str | None = None


@dataclass(frozen=True)
class StoredSteps:
    """The steps of an execution, and how often they were changed."""

    steps: Sequence[ExecutionStep]
    rev: int


class StepStore(Protocol):
    """Steps inside their executions."""

    async def steps(self, tenant: str, execution: int) -> StoredSteps | None:
        """Return the steps; None when the execution is gone."""
        ...

    async def replace_steps(
        self,
        tenant: str,
        execution: int,
        old: StoredSteps,
        content: ExecutionSteps,
        now: datetime,
    ) -> bool:
        """Set the steps; what is attached to those that go shows no more.

        False when they were changed since they were read.
        """
        ...

    async def has_newer(self, execution: TestExecution) -> bool:
        """Whether the case was run in the same cycle once more."""
        ...


class StepsOfExecutions:
    """The steps; the route has decided the right. A run that is not the newest is frozen."""

    def __init__(
        self,
        *,
        executions: TestExecutions,
        store: StepStore,
        cases: RunCases,
        options: ExecutionOptions,
        counters: Counters,
        clock: Clock,
    ) -> None:
        self._executions = executions
        self._store = store
        self._cases = cases
        self._options = options
        self._counters = counters
        self._clock = clock

    async def page(
        self, access: Access, id_or_key: str, page: OffsetPage, row: int | None
    ) -> tuple[int, Sequence[ExecutionStep]]:
        """Return the total and one page; ``row`` leaves those of one row of test data."""
        _, stored = await self._stored(access, id_or_key)
        steps = [s for s in stored.steps if row is None or s["row"] == row]
        return len(steps), steps[page.start_at : page.start_at + page.max_results]

    async def record(self, access: Access, id_or_key: str, updates: Sequence[StepUpdate]) -> None:
        """Record results by place: one for each step.

        Of two at once each changes what it names; none is lost.

        Raises ``NotFound``, ``Conflict`` for a frozen run, ``Unprocessable`` for another number
        of steps, steps with rows of test data, and unknown statuses.
        """
        for _ in range(_TRIES):
            execution, stored = await self._changeable(access, id_or_key)
            _check_places(stored.steps, updates)
            names = dict.fromkeys(u.status_name for u in updates if u.status_name is not None)
            wanted = Wanted(list(names), kept=[s["status"] for s in stored.steps])
            chosen = await self._options.chosen(
                access.tenant, execution["project"], wanted, Unprocessable
            )
            results = [
                StepResult(chosen.statuses[u.status_name] if u.status_name else None, u.actual)
                for u in updates
            ]
            steps = with_results(stored.steps, results)
            if result_bytes(steps) > MAX_RESULT_BYTES:
                raise InvalidInput("The actual results are longer than 4 MiB together.")
            content = ExecutionSteps(steps=steps)
            if not updates or await self._replace(execution, stored, content):
                return
        raise _contended()

    async def sync(self, access: Access, id_or_key: str) -> int:
        """Pull the present script in, version and steps; return the execution's id.

        Steps that read the same stay with their ids and results, the others come anew.

        Raises ``NotFound`` for the execution and its case, ``Conflict`` for a frozen run.
        """
        for _ in range(_TRIES):
            execution, stored = await self._changeable(access, id_or_key)
            case = await self._cases.run_case(access.tenant, execution["case"])
            if case is None:
                raise NotFound("The test case of the test execution does not exist any more.")
            content = ExecutionSteps(
                steps=await self._pulled(execution, stored.steps, case),
                version=case.version,
                version_id=case.version_id,
            )
            if await self._replace(execution, stored, content):
                return execution["id"]
        raise _contended()

    async def _pulled(
        self, execution: TestExecution, steps: Sequence[ExecutionStep], case: RunCase
    ) -> list[ExecutionStep]:
        kept = kept_steps(steps, case.script)
        added = [step for step, have in zip(case.script, kept, strict=True) if have is None]
        if not added:
            return [step for step in kept if step is not None]
        tenant, project = execution["tenant"], execution["project"]
        chosen = await self._options.chosen(tenant, project, Wanted(default=True), InvalidInput)
        assert chosen.default is not None
        first = await self._counters.reserve(f"{tenant}/{project}/{STEP}", len(added))
        fresh = iter(fresh_steps(added, public_id(project, first), chosen.default))
        return [have or next(fresh) for have in kept]

    async def _stored(self, access: Access, id_or_key: str) -> tuple[TestExecution, StoredSteps]:
        execution = await self._executions.get(access, id_or_key)
        stored = await self._store.steps(access.tenant, execution["id"])
        if stored is None:
            raise NotFound(f"Test execution {id_or_key} does not exist or is not visible to you.")
        return execution, stored

    async def _changeable(
        self, access: Access, id_or_key: str
    ) -> tuple[TestExecution, StoredSteps]:
        execution, stored = await self._stored(access, id_or_key)
        if await self._store.has_newer(execution):
            raise Conflict(
                f"Test execution {id_or_key} cannot be changed: "
                "the test case has a newer execution in the test cycle."
            )
        return execution, stored

    async def _replace(
        self, execution: TestExecution, stored: StoredSteps, content: ExecutionSteps
    ) -> bool:
        return await self._store.replace_steps(
            execution["tenant"], execution["id"], stored, content, self._clock.now()
        )


def _check_places(steps: Sequence[ExecutionStep], updates: Sequence[StepUpdate]) -> None:
    if any(step["row"] is not None for step in steps):
        raise Unprocessable("Steps of a test execution with test data cannot be changed.")
    if len(updates) != len(steps):
        raise Unprocessable(
            f"The request holds {counted(len(updates), 'step')}, "
            f"but the test execution has {len(steps)}."
        )


def _contended() -> Unavailable:
    return Unavailable("Others change the steps at this moment; try again.", retry_after=1)
