"""Bodies of ``/v2/testexecutions``. Null and absent are the same."""

from typing import Annotated, Any

from pydantic import Field

from kit.http.fields import AccountId, Body, Milliseconds, Moment, ProjectKey, Text
from services.executions.usecases.executionchanges import (
    ExecutionUpdate,
    NewStepResult,
    NewTestExecution,
)
from services.executions.usecases.executionsteps import StepUpdate

MAX_STEPS = 1_000
"""No script comes to more (contracts/internal.py, ``TestCaseAnswer``)."""


class TestScriptResultInput(Body):
    """What came of one step."""

    __test__ = False

    status_name: Text
    actual_end_date: Moment | None = None
    actual_result: str | None = None


class TestExecutionCreate(Body):
    """Body of POST."""

    __test__ = False

    project_key: ProjectKey
    test_case_key: Annotated[str, Field(pattern="(.+-T[0-9]+)")]
    test_cycle_key: Annotated[str, Field(pattern="([A-Z][A-Z_0-9]+-R[0-9]+)")]
    status_name: Text
    test_script_results: Annotated[list[TestScriptResultInput], Field(max_length=MAX_STEPS)] | (
        None
    ) = None
    environment_name: str | None = None
    actual_end_date: Moment | None = None
    execution_time: Milliseconds | None = None
    executed_by_id: AccountId | None = None
    assigned_to_id: AccountId | None = None
    comment: str | None = None
    custom_fields: dict[str, Any] | None = None

    def wanted(self) -> NewTestExecution:
        """Return what it asks for."""
        results = self.test_script_results or ()
        return NewTestExecution(
            project_key=self.project_key,
            case_key=self.test_case_key,
            cycle_key=self.test_cycle_key,
            status_name=self.status_name,
            results=[
                NewStepResult(r.status_name, r.actual_result, r.actual_end_date) for r in results
            ],
            environment_name=self.environment_name or None,
            end=self.actual_end_date,
            time=self.execution_time,
            executed_by=self.executed_by_id,
            assigned_to=self.assigned_to_id,
            comment=self.comment,
            custom_fields=self.custom_fields or {},
        )


class TestExecutionUpdate(Body):
    """Body of PUT: null and absent leave what there is."""

    __test__ = False

    status_name: Text | None = None
    environment_name: str | None = None
    actual_end_date: Moment | None = None
    execution_time: Milliseconds | None = None
    executed_by_id: AccountId | None = None
    assigned_to_id: AccountId | None = None
    comment: str | None = None

    def wanted(self) -> ExecutionUpdate:
        """Return what it asks for."""
        return ExecutionUpdate(
            status_name=self.status_name,
            environment_name=self.environment_name or None,
            end=self.actual_end_date,
            time=self.execution_time,
            executed_by=self.executed_by_id,
            assigned_to=self.assigned_to_id,
            comment=self.comment,
        )


class TestExecutionStepUpdate(Body):
    """What came of one step; null and absent leave what there is."""

    __test__ = False

    actual_result: str | None = None
    status_name: Text | None = None


class TestExecutionStepsUpdate(Body):
    """Body of PUT …/teststeps: one item for each step, by place."""

    __test__ = False

    steps: list[TestExecutionStepUpdate] | None = None

    def wanted(self) -> list[StepUpdate]:
        """Return what it asks for."""
        return [StepUpdate(s.status_name, s.actual_result) for s in self.steps or ()]
