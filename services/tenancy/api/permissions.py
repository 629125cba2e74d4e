"""``/ostro/v1/tenancy/projects/{projectIdOrKey}/permissions``: the permission scheme of a project.

The scope admin may read and set every scheme. Without it: the right to view the configuration, to
read; and to set, a grant of an enforced scheme to edit it, to the user of a token with the scope
write. What nobody has forbidden yet is no right to forbid it to others.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from contracts.permissions import (
    MAX_GRANTS,
    MAX_HOLDER_LENGTH,
    Entity,
    Grant,
    Holder,
    ProjectPermissions,
    Right,
)
from kit.auth.principal import Scope
from kit.directory.access import Access
from kit.directory.permissions import Need, Scheme
from kit.errors import Forbidden, NotFound
from kit.http.body import JsonBody, documented
from kit.http.pages import json_response
from kit.http.security import AccessTo
from services.tenancy.api.caller import by
from services.tenancy.domain.projects import Project
from services.tenancy.usecases.permissions import Permissions

_ID_OR_KEY = r"^([0-9]+|[A-Z][A-Z_0-9]+)$"
IdOrKey = Annotated[str, Path(alias="projectIdOrKey", pattern=_ID_OR_KEY)]
_VIEW, _EDIT = (Need.of((Entity.CONFIGURATION, right)) for right in (Right.VIEW, Right.EDIT))
Viewer = Annotated[Access, Depends(AccessTo(_VIEW, Scope.ADMIN, Scope.READ))]
Editor = Annotated[Access, Depends(AccessTo(_EDIT, Scope.ADMIN, Scope.WRITE))]


class GrantBean(BaseModel):
    """Rights on one kind of entity for one user, group or role; ``id`` is Jira's."""

    model_config = ConfigDict(extra="forbid")

    entity: Entity
    rights: list[Right] = Field(min_length=1, max_length=len(Right))
    holder: Holder
    id: str = Field(min_length=1, max_length=MAX_HOLDER_LENGTH)


class PermissionsBean(BaseModel):
    """A whole scheme. While it is not enforced, tokens are bound by scopes and projects alone."""

    model_config = ConfigDict(extra="forbid")

    enforced: bool
    grants: list[GrantBean] = Field(max_length=MAX_GRANTS)


def router(permissions: Permissions) -> APIRouter:
    """Build the routes."""
    routes = APIRouter(
        prefix="/ostro/v1/tenancy/projects/{projectIdOrKey}/permissions", tags=["Administration"]
    )

    @routes.get(
        "",
        summary="Read the permission scheme of a project",
        responses={200: {"model": PermissionsBean}},
    )
    async def get_permissions(access: Viewer, id_or_key: IdOrKey) -> Response:
        """Return who may do what in a project, and whether that is enforced."""
        project, found = await permissions.get(access.tenant, id_or_key)
        if Scope.ADMIN not in access.principal.scopes:
            await _shown(access, project)
        return json_response(bean(found))

    @routes.put(
        "",
        summary="Replace the permission scheme of a project",
        responses={200: {"model": PermissionsBean}},
        openapi_extra=documented(PermissionsBean),
    )
    async def put_permissions(
        request: Request,
        access: Editor,
        id_or_key: IdOrKey,
        body: Annotated[PermissionsBean, Depends(JsonBody(PermissionsBean))],
        force: Annotated[
            bool, Query(description="also when nobody could edit the configuration any more")
        ] = False,
    ) -> Response:
        """Replace who may do what in a project. What is not given is granted no more."""
        by_scope = Scope.ADMIN in access.principal.scopes
        if not by_scope:
            project, _ = await permissions.get(access.tenant, id_or_key)
            await _shown(access, project)

        async def judge(known: ProjectPermissions) -> None:
            if not by_scope and not await access.was_given(Scheme.of(known)):
                raise Forbidden("Only a token with the scope admin may set these permissions.")

        _, stored = await permissions.put(
            access.tenant,
            id_or_key,
            [Grant.model_validate(grant.model_dump()) for grant in body.grants],
            by(request, access.principal),
            enforced=body.enforced,
            force=force,
            judge=judge,
        )
        return json_response(bean(stored))

    return routes


async def _shown(access: Access, project: Project) -> None:
    """Raise ``NotFound`` for what the token is not good for, ``Forbidden`` without the right."""
    if await access.sees(project.id) is None:
        raise NotFound(f"Project {project.key} does not exist or is not enabled.")


def bean(permissions: ProjectPermissions) -> dict[str, Any]:
    """Return a scheme as it is shown."""
    return permissions.model_dump(mode="json", include={"enforced", "grants"})
