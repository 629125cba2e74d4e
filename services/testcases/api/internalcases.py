"""``/internal/v1/testcases/runs``: cases as executions run them (contracts/internal.py)."""

from collections.abc import Sequence
from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Response

from contracts.customfields import CustomFieldState
from contracts.internal import RefusedRun, RunsAnswer, RunsRequest, ScriptStep, TestCaseAnswer
from contracts.routes import EXECUTIONS
from contracts.testcases import TestCaseState
from kit.directory.view import Directory
from kit.errors import InvalidInput
from kit.http.body import JsonBody
from kit.http.security import TenantCaller, TenantPeerOf
from services.testcases.domain.calls import ExpandedStep
from services.testcases.domain.scripts import TextScript, calls_of
from services.testcases.usecases.runs import MaySee, RunCase, RunCases

_MOST = 100

Caller = Annotated[TenantCaller, Depends(TenantPeerOf(EXECUTIONS))]
Wanted = Annotated[RunsRequest, Depends(JsonBody(RunsRequest))]


class FieldsOfProject(Protocol):
    """The definitions of custom fields."""

    async def of_project(self, tenant: str, project: int) -> Sequence[CustomFieldState]:
        """Return all of a project."""
        ...


class InternalCaseRoutes:
    """The route. What is not there, and what the principal may not see, is left out."""

    def __init__(self, directory: Directory, cases: RunCases, fields: FieldsOfProject) -> None:
        self._directory = directory
        self._cases = cases
        self._fields = fields

    def router(self) -> APIRouter:
        """Return the route."""
        router = APIRouter(prefix="/internal/v1")
        router.add_api_route("/testcases/runs", self.runs, methods=["POST"])
        return router

    async def runs(self, caller: Caller, body: Wanted) -> Response:
        """Cases with their scripts, and custom fields of projects, as they are now."""
        if max(len(body.cases), len(body.fields)) > _MOST:
            raise InvalidInput(f"More than {_MOST} test cases or projects were asked for.")

        async def may_see(project: int) -> bool:
            if caller.principal is not None and not caller.principal.may_see(project):
                return False
            return await self._directory.project(caller.tenant, project) is not None

        found = await self._cases.find(caller.tenant, body.cases, may_see)
        answer = RunsAnswer(
            cases=tuple(map(_case, found.cases)),
            refused=tuple(RefusedRun(case=c, message=m) for c, m in found.refused.items()),
            left=tuple(found.left),
            fields=await self._fields_of(caller.tenant, body.fields, may_see),
        )
        return Response(answer.model_dump_json(), media_type="application/json")

    async def _fields_of(
        self, tenant: str, projects: Sequence[int], may_see: MaySee
    ) -> tuple[CustomFieldState, ...] | None:
        found: list[CustomFieldState] = []
        for project in projects:
            if not await may_see(project):
                return None
            found += await self._fields.of_project(tenant, project)
        return tuple(found)


def _case(found: RunCase) -> TestCaseAnswer:
    case, script = found.case, found.script
    return TestCaseAnswer(
        case=TestCaseState(
            id=case.id,
            project=case.project,
            name=case.name,
            version=case.version,
            version_id=case.version_id,
        ),
        estimated_time=case.estimated_time,
        script=script.type.value,
        text=script.text if isinstance(script, TextScript) else None,
        steps=tuple(map(_step, found.expansion.steps)),
        calls=bool(calls_of(script)),
    )


def _step(step: ExpandedStep) -> ScriptStep:
    return ScriptStep(
        id=step.id,
        case=step.case,
        description=step.inline.description,
        test_data=step.inline.test_data,
        expected_result=step.inline.expected_result,
        reflect_ref=step.inline.reflect_ref,
    )
