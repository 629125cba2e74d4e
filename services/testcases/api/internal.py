"""``/internal/v1``: what other services ask (bodies: contracts/internal.py)."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response

from contracts.internal import (
    CustomFieldsAnswer,
    EnsureRequest,
    FolderAnswer,
    OptionsAnswer,
    ResolveRequest,
    TestCasesAnswer,
    UploadEndedRequest,
)
from contracts.routes import EXECUTIONS
from contracts.testcases import FolderState, OptionState, OptionType, TestCaseState
from kit.directory.view import Directory
from kit.errors import NotFound
from kit.http.body import JsonBody
from kit.http.pages import MAX_INT64
from kit.http.security import TenantCaller, TenantPeerOf
from services.testcases.domain.options import Option
from services.testcases.domain.testcases import TestCase
from services.testcases.usecases.customfields import CustomFields
from services.testcases.usecases.folders import Folders
from services.testcases.usecases.options import Options
from services.testcases.usecases.provisional import ProvisionalCases
from services.testcases.usecases.uploads import Uploads

Caller = Annotated[TenantCaller, Depends(TenantPeerOf(EXECUTIONS))]
Resolve = Annotated[ResolveRequest, Depends(JsonBody(ResolveRequest))]
Ensure = Annotated[EnsureRequest, Depends(JsonBody(EnsureRequest))]
Ended = Annotated[UploadEndedRequest, Depends(JsonBody(UploadEndedRequest))]


class InternalRoutes:
    """The routes. A project that is unknown, disabled, or closed to the principal is 404."""

    def __init__(
        self,
        directory: Directory,
        options: Options,
        fields: CustomFields,
        folders: Folders,
        cases: ProvisionalCases,
        uploads: Uploads,
    ) -> None:
        self._directory = directory
        self._options = options
        self._fields = fields
        self._folders = folders
        self._cases = cases
        self._uploads = uploads

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(prefix="/internal/v1")
        add = router.add_api_route
        add("/options", self.options)
        add("/custom-fields", self.custom_fields)
        add("/folders/{ident}", self.folder)
        add("/testcases/resolve", self.resolve, methods=["POST"])
        add("/testcases/ensure", self.ensure, methods=["POST"])
        add("/uploads/{upload}/accepted", self.accepted, methods=["POST"])
        add("/uploads/{upload}/aborted", self.aborted, methods=["POST"])
        return router

    async def options(
        self, caller: Caller, project: Annotated[int, Query(ge=1, le=MAX_INT64)]
    ) -> Response:
        """All options of a project; makes the defaults first."""
        await self._open(caller, project)
        found = await self._options.of_project(caller.tenant, project, tuple(OptionType))
        return _answer(OptionsAnswer(options=[_option(o) for o in found]))

    async def custom_fields(
        self, caller: Caller, project: Annotated[int, Query(ge=1, le=MAX_INT64)]
    ) -> Response:
        """All custom fields of a project."""
        await self._open(caller, project)
        found = await self._fields.of_project(caller.tenant, project)
        return _answer(CustomFieldsAnswer(fields=list(found)))

    async def folder(
        self, caller: Caller, ident: Annotated[int, Path(ge=1, le=MAX_INT64)]
    ) -> Response:
        """One folder."""
        found = await self._folders.find(caller.tenant, ident)
        if found is None:
            raise NotFound(f"The folder with id {ident} does not exist.")
        await self._open(caller, found.project)
        state = FolderState(
            id=found.id, project=found.project, parent=found.parent, type=found.type.value
        )
        return _answer(FolderAnswer(folder=state))

    async def resolve(self, caller: Caller, body: Resolve) -> Response:
        """Which of these cases exist."""
        await self._open(caller, body.project)
        if body.archived:
            found = await self._cases.archived(caller.tenant, body.project, body.numbers)
        else:
            found = await self._cases.resolve(caller.tenant, body.project, body.numbers, body.names)
        return _answer(TestCasesAnswer(cases=[_case(c) for c in found]))

    async def ensure(self, caller: Caller, body: Ensure) -> Response:
        """Find cases by name and make what is missing, provisionally."""
        await self._open(caller, body.project)
        found = await self._cases.ensure(caller.tenant, body.project, body.upload, body.names)
        return _answer(TestCasesAnswer(cases=[_case(c) for c in found]))

    async def accepted(self, caller: Caller, upload: str, body: Ended) -> Response:
        """Make an upload's cases visible."""
        await self._uploads.end(caller.tenant, body.project, upload, accepted=True)
        return Response(status_code=204)

    async def aborted(self, caller: Caller, upload: str, body: Ended) -> Response:
        """Undo what an upload made."""
        await self._uploads.end(caller.tenant, body.project, upload, accepted=False)
        return Response(status_code=204)

    async def _open(self, caller: TenantCaller, project: int) -> None:
        principal = caller.principal
        hidden = principal is not None and not principal.may_see(project)
        if hidden or await self._directory.project(caller.tenant, project) is None:
            raise NotFound(f"Project {project} does not exist or is not enabled.")


def _option(option: Option) -> OptionState:
    return OptionState(
        id=option.id,
        project=option.project,
        type=option.type,
        name=option.name,
        index=option.index,
        default=option.default,
        archived=option.archived,
    )


def _case(case: TestCase) -> TestCaseState:
    return TestCaseState(
        id=case.id,
        project=case.project,
        name=case.name,
        version=case.version,
        version_id=case.version_id,
    )


def _answer(answer: Any) -> Response:
    return Response(answer.model_dump_json(), media_type="application/json")
