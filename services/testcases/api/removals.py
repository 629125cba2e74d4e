"""``/ostro/v1/testcases/…``: delete, archive and restore of test cases and folders."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from contracts.ids import EntityKey, Kind, number_of
from kit.clock import vendor_time
from kit.http.pages import (
    MAX_INT64,
    Answers,
    Offset,
    OffsetList,
    json_response,
    offset_response,
)
from kit.http.params import ProjectKeyFilter
from kit.http.removal import (
    ArchivedBean,
    DryRun,
    Force,
    Removed,
    Restored,
    only_parameters,
    removed,
)
from services.testcases.api.fields import TestCaseKey
from services.testcases.api.rights import CaseDeleter, CaseEditor, CaseReader
from services.testcases.domain.removals import CaseThing, Contents, FolderThing
from services.testcases.usecases.folderremovals import FolderRemovals
from services.testcases.usecases.removals import CaseRemovals

FolderId = Annotated[int, Path(alias="folderId", ge=1, le=MAX_INT64)]
Inside = Annotated[
    Contents, Query(description="with force: what is in it moves to the root, or is deleted")
]
_DONE: Answers = {200: {"model": Removed}}
_BACK: Answers = {200: {"model": Restored}}
_LIST: Answers = {200: {"model": OffsetList[ArchivedBean]}}


class RemovalRoutes:
    """The routes; ``base`` is the public API's base."""

    def __init__(self, cases: CaseRemovals, folders: FolderRemovals, base: str) -> None:
        self._cases = cases
        self._folders = folders
        self._base = base.removesuffix("/v2")

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(
            prefix="/ostro/v1/testcases",
            tags=["Delete and archive"],
            dependencies=[only_parameters("dryRun", "force", "contents")],
        )
        add = partial(router.add_api_route, response_class=Response)
        case, folder = "/testcases/{testCaseKey}", "/folders/{folderId}"
        add(case, self.delete_case, methods=["DELETE"], responses=_DONE)
        add(f"{case}/archive", self.archive_case, methods=["POST"], responses=_DONE)
        add(f"{case}/restore", self.restore_case, methods=["POST"], responses=_BACK)
        add("/archive/testcases", self.archived_cases, methods=["GET"], responses=_LIST)
        add(folder, self.delete_folder, methods=["DELETE"], responses=_DONE)
        add(f"{folder}/archive", self.archive_folder, methods=["POST"], responses=_DONE)
        add(f"{folder}/restore", self.restore_folder, methods=["POST"], responses=_BACK)
        add("/archive/folders", self.archived_folders, methods=["GET"], responses=_LIST)
        return router

    async def delete_case(
        self, access: CaseDeleter, key: TestCaseKey, dry_run: DryRun = False, force: Force = False
    ) -> Response:
        """Delete a test case; 409 while it was executed or is called, unless force=true."""
        found = await self._cases.delete(access, key, dry_run=dry_run, force=force)
        shown = _key(found.thing, found.project.key)
        answer = removed(found.thing.id, shown, found.dependents, found.reasons, done=not dry_run)
        return json_response(answer)

    async def archive_case(
        self, access: CaseEditor, key: TestCaseKey, dry_run: DryRun = False
    ) -> Response:
        """Archive a test case; its executions stay."""
        found = await self._cases.archive(access, key, dry_run=dry_run)
        shown = _key(found.thing, found.project.key)
        answer = removed(found.thing.id, shown, found.dependents, found.reasons, done=not dry_run)
        return json_response(answer)

    async def restore_case(self, access: CaseEditor, key: TestCaseKey) -> Response:
        """Restore a test case."""
        found = await self._cases.restore(access, key)
        shown: Restored = {"id": found.thing.id, "key": _key(found.thing, found.project.key)}
        return json_response(shown)

    async def archived_cases(
        self,
        request: Request,
        access: CaseReader,
        page: Offset,
        project_key: ProjectKeyFilter = None,
    ) -> Response:
        """List archived test cases by id."""
        total, found, projects = await self._cases.archived(access, project_key, page)
        values = [_bean(case, _key(case, projects[case.project].key)) for case in found]
        return offset_response(request, self._base, page, total, values)

    async def delete_folder(
        self,
        access: CaseDeleter,
        ident: FolderId,
        contents: Inside = Contents.MOVE,
        dry_run: DryRun = False,
        force: Force = False,
    ) -> Response:
        """Delete a folder; 409 when it is not empty, unless force=true."""
        found = await self._folders.delete(access, ident, contents, dry_run=dry_run, force=force)
        answer = removed(ident, None, found.dependents, found.reasons, done=not dry_run)
        return json_response(answer)

    async def archive_folder(
        self, access: CaseEditor, ident: FolderId, dry_run: DryRun = False
    ) -> Response:
        """Archive a folder; 409 when it is not empty."""
        found = await self._folders.archive(access, ident, dry_run=dry_run)
        answer = removed(ident, None, found.dependents, found.reasons, done=not dry_run)
        return json_response(answer)

    async def restore_folder(self, access: CaseEditor, ident: FolderId) -> Response:
        """Restore a folder."""
        found = await self._folders.restore(access, ident)
        shown: Restored = {"id": found.thing.id, "key": None}
        return json_response(shown)

    async def archived_folders(
        self,
        request: Request,
        access: CaseReader,
        page: Offset,
        project_key: ProjectKeyFilter = None,
    ) -> Response:
        """List archived folders by id."""
        total, found = await self._folders.archived(access, project_key, page)
        values: Sequence[ArchivedBean] = [_bean(folder, None) for folder in found]
        return offset_response(request, self._base, page, total, values)


def _key(case: CaseThing, project_key: str) -> str:
    return str(EntityKey(project_key, Kind.TEST_CASE, number_of(case.id)))


def _bean(thing: CaseThing | FolderThing, key: str | None) -> ArchivedBean:
    assert thing.archived_on is not None  # it is written with the shelf
    return {
        "id": thing.id,
        "key": key,
        "name": thing.name,
        "archivedOn": vendor_time(thing.archived_on),
    }
