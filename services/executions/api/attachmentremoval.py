"""``DELETE /ostro/v1/executions/…/attachments/{attachmentId}``; needs what attaching needs."""

from fastapi import APIRouter

from kit.attachments.attachments import Attachments
from kit.attachments.routes import Located, removal_route
from kit.attachments.rows import Place
from services.executions.api.attachments import ExecutionStep
from services.executions.api.links import CycleName, ExecutionName
from services.executions.api.rights import CycleEditor, PlanEditor, ResultRecorder
from services.executions.api.testplans import PlanName
from services.executions.domain.links import Holder
from services.executions.usecases.removaljobs import ATTACHMENT_KINDS
from services.executions.usecases.testcycles import TestCycles
from services.executions.usecases.testexecutions import TestExecutions
from services.executions.usecases.testplans import TestPlans

_EXECUTION = "testexecutions/{testExecutionIdOrKey}"


class AttachmentRemovalRoutes:
    """The routes; each takes an id or a key."""

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
        return [
            removal_route(self._attachments, f"/ostro/v1/executions/{path}", what, located)
            for path, what, located in (
                ("testcycles/{testCycleIdOrKey}", "a test cycle", self._cycle),
                ("testplans/{testPlanIdOrKey}", "a test plan", self._plan),
                (_EXECUTION, "a test execution", self._execution),
                (
                    f"{_EXECUTION}/teststeps/{{testExecutionStepId}}",
                    "a step of a test execution",
                    self._step,
                ),
            )
        ]

    async def _cycle(self, access: CycleEditor, name: CycleName) -> Located:
        found = await self._cycles.get(access, name)
        return _located(access.tenant, Holder.TEST_CYCLE, found["id"])

    async def _plan(self, access: PlanEditor, name: PlanName) -> Located:
        found = await self._plans.get(access, name)
        return _located(access.tenant, Holder.TEST_PLAN, found["id"])

    async def _execution(self, access: ResultRecorder, name: ExecutionName) -> Located:
        found = await self._executions.get(access, name)
        return _located(access.tenant, Holder.TEST_EXECUTION, found["id"])

    async def _step(
        self, access: ResultRecorder, name: ExecutionName, step: ExecutionStep
    ) -> Located:
        execution = await self._executions.step(access, name, step)
        return Located(
            access.tenant, Place(ATTACHMENT_KINDS[Holder.TEST_EXECUTION], execution, step)
        )


def _located(tenant: str, holder: Holder, ident: int) -> Located:
    return Located(tenant, Place(ATTACHMENT_KINDS[holder], ident))
