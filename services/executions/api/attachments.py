"""Attachments of test cycles, plans and executions, and of steps of executions."""

from typing import Annotated

from fastapi import APIRouter, Path

from kit.attachments.attachments import Attachments
from kit.attachments.routes import FileName, Located, Resource, attachment_routes
from kit.attachments.rows import Place
from kit.http.pages import MAX_INT64
from services.executions.api.links import CycleName, ExecutionName
from services.executions.api.rights import (
    CycleEditor,
    CycleReader,
    ExecutionReader,
    PlanEditor,
    PlanReader,
    ResultRecorder,
)
from services.executions.api.testplans import PlanName
from services.executions.usecases.testcycles import TestCycles
from services.executions.usecases.testexecutions import KIND, TestExecutions
from services.executions.usecases.testplans import TestPlans

_CYCLE, _PLAN = "test-cycle", "test-plan"
_StepOfList = Annotated[int, Path(alias="testStepId", ge=0, le=MAX_INT64)]
ExecutionStep = Annotated[int, Path(alias="testExecutionStepId", ge=1, le=MAX_INT64)]


class AttachmentRoutes:
    """The routes; each takes an id or a key. Attaching needs the right that linking needs."""

    def __init__(
        self,
        attachments: Attachments,
        cycles: TestCycles,
        plans: TestPlans,
        executions: TestExecutions,
    ) -> None:
        self._attachments = attachments
        self._cycles = cycles
        self._plans = plans
        self._executions = executions

    def routers(self) -> list[APIRouter]:
        """Return the routes."""
        cycle, plan, execution = (
            "/v2/testcycles/{testCycleIdOrKey}",
            "/v2/testplans/{testPlanIdOrKey}",
            "/v2/testexecutions/{testExecutionIdOrKey}",
        )
        of_cycle = Resource(
            list_path=cycle,
            one_path=cycle,
            operations=(
                "getTestCycleAttachments",
                "getTestCycleAttachment",
                "uploadTestCycleAttachment",
            ),
            tag="Test Cycles",
            what="a test cycle",
            seen=self._seen_cycle,
            read=self._seen_cycle,
            edited=self._edited_cycle,
            over_cap_is_413=True,
        )
        of_plan = Resource(
            list_path=plan,
            one_path=plan,
            operations=(
                "getTestPlanAttachmentsReference",
                "getTestPlanAttachment",
                "createTestPlanAttachment",
            ),
            tag="Test Plans",
            what="a test plan",
            seen=self._seen_plan,
            read=self._seen_plan,
            edited=self._edited_plan,
        )
        of_execution = Resource(
            list_path=execution,
            one_path=execution,
            operations=(
                "getTestExecutionAttachmentsReference",
                "getTestExecutionAttachment",
                "uploadTestExecutionAttachment",
            ),
            tag="Test Executions",
            what="a test execution",
            seen=self._seen_execution,
            read=self._seen_execution,
            edited=self._edited_execution,
        )
        every = (of_cycle, of_plan, of_execution, self._of_step(execution))
        return [attachment_routes(self._attachments, resource) for resource in every]

    async def _seen_cycle(self, access: CycleReader, name: CycleName) -> Located:
        found = await self._cycles.get(access, name)
        return Located(access.tenant, Place(_CYCLE, found["id"]))

    async def _edited_cycle(self, access: CycleEditor, _: FileName, name: CycleName) -> Located:
        found = await self._cycles.get(access, name)
        return Located(access.tenant, Place(_CYCLE, found["id"]))

    async def _seen_plan(self, access: PlanReader, name: PlanName) -> Located:
        found = await self._plans.get(access, name)
        return Located(access.tenant, Place(_PLAN, found["id"]))

    async def _edited_plan(self, access: PlanEditor, _: FileName, name: PlanName) -> Located:
        found = await self._plans.get(access, name)
        return Located(access.tenant, Place(_PLAN, found["id"]))

    async def _seen_execution(self, access: ExecutionReader, name: ExecutionName) -> Located:
        found = await self._executions.get(access, name)
        return Located(access.tenant, Place(KIND, found["id"]))

    async def _edited_execution(
        self, access: ResultRecorder, _: FileName, name: ExecutionName
    ) -> Located:
        found = await self._executions.get(access, name)
        return Located(access.tenant, Place(KIND, found["id"]))

    def _of_step(self, execution: str) -> Resource:
        return Resource(
            list_path=f"{execution}/teststeps/{{testStepId}}",
            one_path=f"{execution}/teststeps/{{testExecutionStepId}}",
            operations=(
                "getTestExecutionTestStepAttachmentsReference",
                "getTestExecutionStepAttachment",
                "createTestExecutionTestStepAttachment",
            ),
            tag="Test Executions",
            what="a step of a test execution",
            seen=self._listed_step,
            read=self._read_step,
            edited=self._edited_step,
        )

    async def _listed_step(
        self, access: ExecutionReader, name: ExecutionName, step: _StepOfList
    ) -> Located:
        execution = await self._executions.step(access, name, step)
        return Located(access.tenant, Place(KIND, execution, step))

    async def _read_step(
        self, access: ExecutionReader, name: ExecutionName, step: ExecutionStep
    ) -> Located:
        execution = await self._executions.step(access, name, step)
        return Located(access.tenant, Place(KIND, execution, step))

    async def _edited_step(
        self, access: ResultRecorder, _: FileName, name: ExecutionName, step: ExecutionStep
    ) -> Located:
        execution = await self._executions.step(access, name, step)
        return Located(access.tenant, Place(KIND, execution, step))
