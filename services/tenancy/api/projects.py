"""``/v2/projects``, and the administration of projects under ``/ostro/v1/tenancy/projects``."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from contracts.ids import MAX_PROJECT_ID
from contracts.permissions import Entity, Right
from kit.auth.principal import Scope
from kit.directory.access import Access
from kit.directory.permissions import Need
from kit.errors import NotFound
from kit.http.body import JsonBody, documented
from kit.http.pages import Offset, OffsetList, json_response, offset_response
from kit.http.security import AccessTo
from services.tenancy.api.caller import Administrator, by
from services.tenancy.domain.projects import Project
from services.tenancy.usecases.projects import Projects, Wanted

Reader = Annotated[
    Access,
    Depends(AccessTo(Need.any_of(*((entity, Right.VIEW) for entity in Entity)), Scope.READ)),
]
"""Sees a project that holds anything it may see."""
_MAX_JIRA_ID = 2**53 - 1
_ID_OR_KEY = r"^([0-9]+|[A-Z][A-Z_0-9]+)$"


class ProjectBean(BaseModel):
    """A project as the public API shows it."""

    id: int
    jiraProjectId: int  # noqa: N815  the API's name
    key: str
    enabled: bool


class EnableProject(BaseModel):
    """Which project to enable: with a Jira site its key or id there, without one its key."""

    model_config = ConfigDict(extra="forbid")

    key: str | None = Field(None, min_length=1, max_length=64)
    jira_project_id: int | None = Field(None, alias="jiraProjectId", ge=1, le=_MAX_JIRA_ID)
    id: int | None = Field(
        None,
        ge=1,
        le=MAX_PROJECT_ID,
        description="the id that a new project is to have here, such as an archive's",
    )


class ChangeProject(BaseModel):
    """What can be changed."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool


def router(projects: Projects, api_base: str) -> APIRouter:
    """Build the reads under ``/v2``."""
    routes = APIRouter(prefix="/v2/projects", tags=["Projects"])

    @routes.get(
        "",
        summary="List projects",
        operation_id="listProjects",
        responses={200: {"model": OffsetList[ProjectBean]}},
    )
    async def list_projects(request: Request, access: Reader, page: Offset) -> Response:
        """List the enabled projects that the caller may view, by id."""
        known = {p.id: p for p in await projects.all(access.tenant) if p.visible}
        visible = [known[p] for p in await access.among(p.state() for p in known.values())]
        shown = visible[page.start_at : page.start_at + page.max_results]
        return offset_response(request, api_base, page, len(visible), [bean(p) for p in shown])

    @routes.get(
        "/{projectIdOrKey}",
        summary="Get a project by its id or key",
        operation_id="getProject",
        responses={200: {"model": ProjectBean}},
    )
    async def get_project(
        access: Reader,
        id_or_key: Annotated[str, Path(alias="projectIdOrKey", pattern=_ID_OR_KEY)],
    ) -> Response:
        """Return an enabled project that the caller may view."""
        found = await projects.get(access.tenant, id_or_key)
        if not found.visible or await access.sees(found.id) is None:
            raise NotFound(f"Project {id_or_key} does not exist or is not enabled.")
        return json_response(bean(found))

    return routes


def admin_router(projects: Projects, public_url: str) -> APIRouter:
    """Build the administration; every route needs the scope admin."""
    routes = APIRouter(prefix="/ostro/v1/tenancy/projects", tags=["Administration"])

    @routes.get("", summary="List projects, disabled ones too")
    async def list_projects(request: Request, principal: Administrator, page: Offset) -> Response:
        """List all projects of the tenant by id. Needs the scope admin."""
        known = await projects.all(principal.tenant)
        shown = known[page.start_at : page.start_at + page.max_results]
        base = public_url.rstrip("/")
        return offset_response(request, base, page, len(known), [bean(p) for p in shown])

    @routes.post(
        "",
        summary="Enable a project",
        status_code=201,
        responses={200: {"model": ProjectBean}, 201: {"model": ProjectBean}},
        openapi_extra=documented(EnableProject),
    )
    async def enable_project(
        request: Request,
        principal: Administrator,
        body: Annotated[EnableProject, Depends(JsonBody(EnableProject))],
    ) -> Response:
        """Enable a project of Jira; 200 when it was enabled before. Needs the scope admin."""
        wanted = Wanted(body.key, body.jira_project_id, body.id)
        project, new = await projects.enable(principal.tenant, wanted, by(request, principal))
        return json_response(bean(project), 201 if new else 200)

    @routes.put(
        "/{projectIdOrKey}",
        summary="Disable or enable a project",
        responses={200: {"model": ProjectBean}},
        openapi_extra=documented(ChangeProject),
    )
    async def change_project(
        request: Request,
        principal: Administrator,
        id_or_key: Annotated[str, Path(alias="projectIdOrKey", pattern=_ID_OR_KEY)],
        body: Annotated[ChangeProject, Depends(JsonBody(ChangeProject))],
    ) -> Response:
        """Disable a project, or enable it again. Nothing of it is lost. Needs the scope admin."""
        who = by(request, principal)
        project = await projects.switch(principal.tenant, id_or_key, who, enabled=body.enabled)
        return json_response(bean(project))

    return routes


def bean(project: Project) -> dict[str, Any]:
    """Return the four fields of the schema."""
    return {
        "id": project.id,
        "jiraProjectId": project.jira_project_id,
        "key": project.key,
        "enabled": project.enabled,
    }
