"""``/internal/v1/testcases/{id}``: a test case as executions run it (contracts/internal.py)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from contracts.ids import project_of
from contracts.internal import ScriptStep, TestCaseAnswer
from contracts.routes import EXECUTIONS
from contracts.testcases import TestCaseState
from kit.directory.view import Directory
from kit.errors import NotFound
from kit.http.pages import MAX_INT64
from kit.http.security import TenantCaller, TenantPeerOf
from services.testcases.domain.calls import ExpandedStep
from services.testcases.domain.scripts import TextScript, calls_of
from services.testcases.usecases.runs import RunCase, RunCases

Caller = Annotated[TenantCaller, Depends(TenantPeerOf(EXECUTIONS))]


class InternalCaseRoutes:
    """The route. What is not there, and what the principal may not see, is 404."""

    def __init__(self, directory: Directory, cases: RunCases) -> None:
        self._directory = directory
        self._cases = cases

    def router(self) -> APIRouter:
        """Return the route."""
        router = APIRouter(prefix="/internal/v1")
        router.add_api_route("/testcases/{ident}", self.get)
        return router

    async def get(
        self, caller: Caller, ident: Annotated[int, Path(ge=1, le=MAX_INT64)]
    ) -> Response:
        """One case with its script, as it is now."""

        async def may_see(project: int) -> bool:
            if caller.principal is not None and not caller.principal.may_see(project):
                return False
            return await self._directory.project(caller.tenant, project) is not None

        found = None
        if await may_see(project_of(ident)):
            found = await self._cases.get(caller.tenant, ident, may_see)
        if found is None:
            raise NotFound(f"The test case with id {ident} does not exist.")
        return Response(_answer(found).model_dump_json(), media_type="application/json")


def _answer(found: RunCase) -> TestCaseAnswer:
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
