"""``/v2/automations/executions/{junit,cucumber,custom}``: result files in, a test cycle out.

Source: behaviour.md section 15.
"""

import asyncio
from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Annotated, Any, Protocol
from weakref import WeakValueDictionary

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from contracts.ids import PROJECT_KEY_PATTERN, Kind, number_of
from contracts.permissions import Entity, Right
from contracts.tenancy import ProjectState
from contracts.testcases import MAX_NAME_LENGTH, one_line
from kit.directory.access import Access
from kit.errors import InvalidInput
from kit.http import jsontext
from kit.http.pages import MAX_INT64, json_response
from services.executions.api import shapes
from services.executions.api.rights import Uploader
from services.executions.domain.formats import Format
from services.executions.usecases.uploadports import (
    CycleInput,
    ReceivedFile,
    UploadAnswer,
    UploadRequest,
)
from services.executions.usecases.uploads import Uploads


class Receive(Protocol):
    """Receives a body; what it holds is gone when the block ends."""

    def __call__(
        self, request: Request, result_format: Format, project_keys: Collection[str]
    ) -> AbstractAsyncContextManager[ReceivedFile]: ...


class TestCyclePart(BaseModel):
    """The optional ``testCycle`` part. Unknown fields are ignored, as the vendor does."""

    __test__ = False
    model_config = ConfigDict(extra="ignore")

    name: Annotated[str, AfterValidator(one_line)] | None = Field(
        None, min_length=1, max_length=MAX_NAME_LENGTH, pattern=r"\S"
    )
    description: str | None = None
    jira_version: int | None = Field(None, alias="jiraProjectVersion", ge=1, le=MAX_INT64)
    folder: int | None = Field(None, alias="folderId", ge=1, le=MAX_INT64)
    custom_fields: dict[str, Any] | None = Field(None, alias="customFields")


ProjectKey = Annotated[str, Query(alias="projectKey", pattern=f"({PROJECT_KEY_PATTERN})")]
CreateCases = Annotated[bool, Query(alias="autoCreateTestCases")]


def _announced(length: Annotated[int, Header(alias="content-length", ge=0)]) -> int:
    """Refuse a body in chunks: the vendor wants to know beforehand how much there is."""
    return length


def router(uploads: Uploads, receive: Receive, parallel: int, base: str) -> APIRouter:
    """Build the routes."""
    routes = APIRouter(prefix="/v2/automations/executions", tags=["Automations"])
    # a tenant's burst, or its slow senders, wait for each other and not in everybody's way
    turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    add = partial(
        routes.post,
        dependencies=[Depends(_announced)],
        openapi_extra=_FORM,
        responses={200: {"model": shapes.Uploaded}},
    )

    async def take(
        result_format: Format, request: Request, access: Access, project_key: str, create: bool
    ) -> Response:
        project, tenant = await access.project(project_key), access.tenant
        if create:
            await access.require(project, Entity.TEST_CASE, Right.CREATE)
        async with turns.setdefault(tenant, asyncio.Semaphore(parallel)):
            await uploads.admit(tenant)
            async with receive(request, result_format, project.keys) as file:
                answer = await uploads.take(
                    UploadRequest(
                        tenant=tenant,
                        account_id=access.principal.account_id,
                        project=project,
                        format=result_format,
                        create_cases=create,
                        cycle=cycle_input(file.test_cycle),
                        file=file,
                        url_path=request.url.path,
                        user_agent=request.headers.get("user-agent"),
                    )
                )
        return _answer(answer, project, base)

    @add("/junit", operation_id="createJUnitExecutions")
    async def create_junit_executions(
        request: Request, access: Uploader, project_key: ProjectKey, create: CreateCases = False
    ) -> Response:
        """Upload a JUnit XML file, bare or zipped; always opens a new test cycle."""
        return await take(Format.JUNIT, request, access, project_key, create)

    @add("/cucumber", operation_id="createCucumberExecutions")
    async def create_cucumber_executions(
        request: Request, access: Uploader, project_key: ProjectKey, create: CreateCases = False
    ) -> Response:
        """Upload a Cucumber JSON report, bare or zipped; always opens a new test cycle."""
        return await take(Format.CUCUMBER, request, access, project_key, create)

    @add("/custom", operation_id="createCustomExecutions")
    async def create_custom_executions(
        request: Request, access: Uploader, project_key: ProjectKey, create: CreateCases = False
    ) -> Response:
        """Upload results in the vendor's own format, bare or zipped; opens a new test cycle."""
        return await take(Format.CUSTOM, request, access, project_key, create)

    return routes


def _answer(upload: UploadAnswer, project: ProjectState, base: str) -> Response:
    headers = {}
    if not upload.stored:
        where = base.removesuffix("/v2")
        headers = {
            "Ostro-Upload-State": "storing",
            "Location": f"{where}/ostro/v1/executions/uploads/{upload.upload}",
        }
    cycle: shapes.NewCycle = {
        "id": upload.cycle,
        "url": f"{base}/testcycles/{upload.cycle}",
        "key": f"{project.key}-{Kind.TEST_CYCLE.value}{number_of(upload.cycle)}",
    }
    answer: shapes.Uploaded = {"testCycle": cycle}
    return json_response(answer, headers=headers)


def cycle_input(part: bytes | None) -> CycleInput:
    """Validate the ``testCycle`` part."""
    if part is None:
        return CycleInput()
    try:
        wanted = jsontext.read(TestCyclePart, part, whole="it")
    except InvalidInput as fault:
        raise InvalidInput(f"testCycle: {fault.message}") from None
    given = {
        "name": wanted.name,
        "description": wanted.description,
        "jira_version": wanted.jira_version,
        "folder": wanted.folder,
        "custom_fields": wanted.custom_fields,
    }
    return CycleInput(**{k: v for k, v in given.items() if v is not None})  # type: ignore[arg-type]


_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "testCycle": TestCyclePart.model_json_schema(),
                    },
                },
                "encoding": {"testCycle": {"contentType": "application/json"}},
            }
        },
    }
}
