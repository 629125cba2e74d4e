"""Test executions: recording one, and changing what it says."""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from contracts.customfields import CustomFieldEntity, Value
from contracts.ids import Kind, parse_key, public_id
from contracts.tenancy import ProjectState
from kit.auth.principal import Principal
from kit.clock import Clock
from kit.counters import Counters
from kit.dependents import counted
from kit.directory.access import Access
from kit.errors import InvalidInput, NotFound, Unprocessable
from kit.grouping import Grouped, settled
from kit.ids import stable_uuid
from services.executions.domain.customfields import value_rows
from services.executions.domain.executionsteps import (
    ExecutionStep,
    StepResult,
    fresh_steps,
    with_results,
)
from services.executions.domain.testcycles import TestCycle
from services.executions.domain.testexecutions import ExecutionContent, TestExecution
from services.executions.usecases.customfields import CustomFields
from services.executions.usecases.executionoptions import Chosen, ExecutionOptions, Wanted
from services.executions.usecases.runcases import RunCase, RunCases
from services.executions.usecases.testcycles import TestCycles
from services.executions.usecases.testexecutions import TestExecutions

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")

STEP = "execution-step"
"""Kind of the counter of steps."""


@dataclass(frozen=True)
class NewStepResult:
    """What a client says of one step, by place."""

    status_name: str
    actual: str | None = None
    end: datetime | None = None


@dataclass(frozen=True)
class NewTestExecution:
    """What a client sends to record one."""

    project_key: str
    case_key: str
    cycle_key: str
    status_name: str
    results: Sequence[NewStepResult] = ()
    environment_name: str | None = None
    end: datetime | None = None
    time: int | None = None
    executed_by: str | None = None
    assigned_to: str | None = None
    comment: str | None = None
    custom_fields: Mapping[str, Any] = field(default_factory=dict)
    client_id: str | None = None
    """The client's own name of it: what has it in the project is not made a second time."""


@dataclass(frozen=True)
class ExecutionUpdate:
    """What a client sends to change one; None leaves what there is."""

    status_name: str | None = None
    environment_name: str | None = None
    end: datetime | None = None
    time: int | None = None
    executed_by: str | None = None
    assigned_to: str | None = None
    comment: str | None = None


_Creation = tuple[Access, ProjectState, NewTestExecution]


@dataclass(frozen=True)
class _Draft:
    """What a creation found; all it lacks is numbers."""

    new: NewTestExecution
    cycle: TestCycle
    case: RunCase
    values: Mapping[int, Value]
    chosen: Chosen


class ExecutionStore(Protocol):
    """Where executions are kept."""

    async def insert(self, execution: TestExecution) -> int:
        """Store a new one; a version of Jira that is gone by then is corrected.

        Return its id; where its ``_id`` was taken, the id of what has it.
        """
        ...

    async def named(self, tenant: str, names: Iterable[str]) -> Mapping[str, int | Exception]:
        """Return the ids of executions by their ``_id``.

        ``Conflict`` for one that is being erased, by itself or with its cycle.
        """
        ...

    async def update(
        self, tenant: str, execution: int, content: ExecutionContent, now: datetime
    ) -> bool:
        """Set what a change says; False when the execution is gone."""
        ...


class ExecutionChanges:
    """Changes of test executions; the route has decided the right."""

    def __init__(
        self,
        *,
        executions: TestExecutions,
        cycles: TestCycles,
        cases: RunCases,
        store: ExecutionStore,
        options: ExecutionOptions,
        fields: CustomFields,
        counters: Counters,
        clock: Clock,
    ) -> None:
        self._executions = executions
        self._cycles = cycles
        self._cases = cases
        self._store = store
        self._options = options
        self._fields = fields
        self._counters = counters
        self._clock = clock
        # while some are being stored, others are looked up
        self._creations = Grouped[tuple[Principal, int], _Creation, int](
            self._create_all, at_once=2
        )

    async def create(self, access: Access, new: NewTestExecution) -> int:
        """Store a new execution with the steps of its case as they are now; return its id.

        It is the newest run of its case in the cycle: ids only grow.

        Raises ``NotFound`` for the project, the case and the cycle, ``InvalidInput`` for names
        of statuses and of the environment, custom fields, and more results than steps.
        """
        project = await access.project(new.project_key)
        return await self._creations.get((access.principal, project.id), (access, project, new))

    async def create_all(
        self, access: Access, project: ProjectState, wanted: Sequence[NewTestExecution]
    ) -> Sequence[int | Exception]:
        """Do the same for some of one project, of which none share a client's id.

        A later one is a newer run than those before it.
        """
        return await self._create_all(
            (access.principal, project.id), [(access, project, new) for new in wanted]
        )

    async def _create_all(
        self, key: tuple[Principal, int], wanted: Sequence[_Creation]
    ) -> Sequence[int | Exception]:
        """Create what one caller asks for at once side by side: so each step is taken once."""
        tenant, project = key[0].tenant, key[1]
        names = [_row_id(tenant, project, new) for _, _, new in wanted]
        there = await self._store.named(tenant, filter(None, names)) if any(names) else {}
        fresh = [w for name, w in zip(names, wanted, strict=True) if name not in there]
        drafted = await settled(self._draft(*w) for w in fresh)
        drafts = [d for d in drafted if isinstance(d, _Draft)]
        stored = iter(await self._store_all(tenant, project, drafts) if drafts else ())
        made = iter([next(stored) if isinstance(d, _Draft) else d for d in drafted])
        return [there[name] if name is not None and name in there else next(made) for name in names]

    async def _draft(self, access: Access, project: ProjectState, new: NewTestExecution) -> _Draft:
        tenant = access.tenant
        cycle, case, values = await _in_order(
            self._cycle(access, project, new.cycle_key),
            self._case(tenant, project, new.case_key),
            self._fields.checked(
                tenant, project.id, CustomFieldEntity.TEST_EXECUTION, new.custom_fields
            ),
        )
        _check_results(new, case)
        chosen = await self._options.chosen(tenant, project.id, _wanted(new, case), InvalidInput)
        return _Draft(new, cycle, case, values, chosen)

    async def _store_all(
        self, tenant: str, project: int, drafts: Sequence[_Draft]
    ) -> Sequence[int | Exception]:
        """Store in this order: whoever stands behind another has the higher id."""
        number, step = await asyncio.gather(
            self._counters.reserve(f"{tenant}/{project}/{Kind.TEST_EXECUTION}", len(drafts)),
            self._first_step(tenant, project, sum(len(d.case.script) for d in drafts)),
        )
        executions, now = [], self._clock.now()
        for at, draft in enumerate(drafts):
            ident = public_id(project, number + at)
            executions.append(_execution(tenant, project, ident, draft, now))
            if draft.case.script:
                executions[-1]["steps"] = _steps(draft, public_id(project, step))
                step += len(draft.case.script)
        return await settled(self._store.insert(e) for e in executions)

    async def _first_step(self, tenant: str, project: int, count: int) -> int:
        return await self._counters.reserve(f"{tenant}/{project}/{STEP}", count) if count else 0

    async def update(self, access: Access, id_or_key: str, wanted: ExecutionUpdate) -> int:
        """Change an execution, frozen or not, and return its id.

        Raises ``NotFound`` for the execution, ``Unprocessable`` for names of options.
        """
        execution = await self._executions.get(access, id_or_key)
        names = [] if wanted.status_name is None else [wanted.status_name]
        kept = (execution["status"], execution["environment"])
        chosen = await self._options.chosen(
            access.tenant,
            execution["project"],
            Wanted(names, wanted.environment_name, kept=kept),
            Unprocessable,
        )
        content = _content(wanted, chosen)
        tenant, ident = access.tenant, execution["id"]
        if content and not await self._store.update(tenant, ident, content, self._clock.now()):
            raise NotFound(f"Test execution {id_or_key} does not exist or is not visible to you.")
        return ident

    async def _cycle(self, access: Access, project: ProjectState, key: str) -> TestCycle:
        found = await self._cycles.get(access, key)
        if found["project"] != project.id:
            raise NotFound(f"Test cycle {key} does not exist in project {project.key}.")
        return found

    async def _case(self, tenant: str, project: ProjectState, key: str) -> RunCase:
        named, found = parse_key(key, Kind.TEST_CASE), None
        if named is not None and named.project_key in project.keys:
            found = await self._cases.run_case(tenant, public_id(project.id, named.number))
        if found is None:
            raise NotFound(f"Test case {key} does not exist in project {project.key}.")
        return found


async def _in_order(
    first: Awaitable[A], second: Awaitable[B], third: Awaitable[C]
) -> tuple[A, B, C]:
    """Wait for all at once; of several faults the first in this order is raised."""
    found = await asyncio.gather(first, second, third, return_exceptions=True)
    for one in found:
        if isinstance(one, BaseException):
            raise one
    return found  # type: ignore[return-value]  # none of them is an exception


def _row_id(tenant: str, project: int, new: NewTestExecution) -> str | None:
    """Return the ``_id`` that a client's id stands for, None for one without."""
    if new.client_id is None:
        return None
    # a digest: what clients write has no place in an id
    return f"{tenant}/client/{project}/{stable_uuid(new.client_id)}"


def _execution(
    tenant: str, project: int, ident: int, draft: _Draft, now: datetime
) -> TestExecution:
    new, case, cycle = draft.new, draft.case, draft.cycle
    execution = TestExecution(
        _id=_row_id(tenant, project, new) or f"{tenant}/{ident}",
        tenant=tenant,
        id=ident,
        project=project,
        cycle=cycle["id"],
        case=case.case,
        version=case.version,
        version_id=case.version_id,
        status=draft.chosen.statuses[new.status_name],
        environment=draft.chosen.environment,
        jira_version=cycle["jira_version"],
        time=new.time,
        end=new.end or now,
        executed_by=new.executed_by,
        assigned_to=new.assigned_to,
        comment=new.comment,
        automated=new.executed_by is None,
        upload=None,
        updated_on=now,
    )
    if case.estimated_time is not None:
        execution["estimated_time"] = case.estimated_time
    if draft.values:
        execution["custom_fields"] = value_rows(draft.values)
    return execution


def _steps(draft: _Draft, first: int) -> list[ExecutionStep]:
    """Return the steps of its case with its results; ``first`` is the id of the first step."""
    new, chosen = draft.new, draft.chosen
    # where every step has a result, no default is needed
    status = chosen.default or chosen.statuses[new.status_name]
    steps = fresh_steps(draft.case.script, first, status)
    results = [StepResult(chosen.statuses[r.status_name], r.actual, r.end) for r in new.results]
    return with_results(steps, results)


def _check_results(new: NewTestExecution, case: RunCase) -> None:
    if len(new.results) > len(case.script):
        raise InvalidInput(
            f"testScriptResults holds {counted(len(new.results), 'result')}, "
            f"but the test case has {counted(len(case.script), 'step')}."
        )


def _wanted(new: NewTestExecution, case: RunCase) -> Wanted:
    statuses = dict.fromkeys([new.status_name, *(r.status_name for r in new.results)])
    rest = len(new.results) < len(case.script)
    return Wanted(list(statuses), new.environment_name, default=rest)


def _content(wanted: ExecutionUpdate, chosen: Chosen) -> ExecutionContent:
    content = ExecutionContent()
    if wanted.status_name is not None:
        content["status"] = chosen.statuses[wanted.status_name]
    if chosen.environment is not None:
        content["environment"] = chosen.environment
    if wanted.end is not None:
        content["end"] = wanted.end
    if wanted.time is not None:
        content["time"] = wanted.time
    if wanted.executed_by is not None:
        content["executed_by"] = wanted.executed_by
    if wanted.assigned_to is not None:
        content["assigned_to"] = wanted.assigned_to
    if wanted.comment is not None:
        content["comment"] = wanted.comment
    return content
