"""``/v2/folders``: list, one folder, creation."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from kit.http.body import JsonBody, documented
from kit.http.pages import MAX_INT64, Offset, OffsetList, json_response, offset_response
from kit.http.params import ProjectKeyFilter
from kit.http.references import References
from services.testcases.api import shapes
from services.testcases.api.fields import (
    Body,
    FolderName,
    Id,
    ProjectKey,
)
from services.testcases.api.rights import CaseCreator, CaseReader
from services.testcases.domain.folders import Folder, FolderType
from services.testcases.usecases.folders import Folders, NewFolder


class FolderCreate(Body):
    """Body of POST /folders; ``parentId`` null or absent is the root."""

    project_key: ProjectKey
    name: FolderName
    folder_type: FolderType
    parent_id: Id | None = None


class FolderRoutes:
    """The routes; ``base`` is the public API's base URL, ending in /v2."""

    def __init__(self, folders: Folders, base: str) -> None:
        self._folders = folders
        self._base = base

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(prefix="/v2/folders", tags=["Folders"])
        router.add_api_route(
            "",
            self.list_page,
            operation_id="listFolders",
            responses={200: {"model": OffsetList[shapes.Folder]}},
        )
        router.add_api_route(
            "",
            self.create,
            methods=["POST"],
            status_code=201,
            operation_id="createFolder",
            responses={201: {"model": shapes.CreatedResource}},
            openapi_extra=documented(FolderCreate),
        )
        router.add_api_route(
            "/{folderId}",
            self.get,
            operation_id="getFolder",
            responses={200: {"model": shapes.Folder}},
        )
        return router

    async def list_page(
        self,
        request: Request,
        access: CaseReader,
        page: Offset,
        project_key: ProjectKeyFilter = None,
        kind: Annotated[FolderType | None, Query(alias="folderType")] = None,
    ) -> Response:
        """List folders by id."""
        total, found = await self._folders.page(access, project_key, kind, page)
        refs = References.of(self._base, access)
        values = [folder(refs, f) for f in found]
        return offset_response(request, self._base, page, total, values)

    async def get(
        self, access: CaseReader, ident: Annotated[int, Path(alias="folderId", ge=1, le=MAX_INT64)]
    ) -> Response:
        """Return one folder."""
        found = await self._folders.get(access, ident)
        return json_response(folder(References.of(self._base, access), found))

    async def create(
        self, access: CaseCreator, body: Annotated[FolderCreate, Depends(JsonBody(FolderCreate))]
    ) -> Response:
        """Create a folder."""
        made = await self._folders.create(
            access, NewFolder(body.project_key, body.folder_type, body.name, body.parent_id)
        )
        return json_response(References.of(self._base, access).resource("folders", made.id), 201)


def folder(refs: References, found: Folder) -> shapes.Folder:
    """Render one folder."""
    return {
        "id": found.id,
        "parentId": found.parent,
        "name": found.name,
        "index": found.index,
        "folderType": found.type.value,
        "project": refs.resource("projects", found.project),
    }
