"""``/ostro/v1/executions/…``: delete, archive and restore of cycles, plans and executions."""

from functools import partial

from fastapi import APIRouter, Request, Response

from contracts.ids import EntityKey, Kind, number_of
from kit.clock import vendor_time
from kit.directory.access import Access
from kit.http.pages import Answers, Offset, OffsetList, json_response, offset_response
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
from services.executions.api.links import CycleName, ExecutionName
from services.executions.api.rights import (
    CycleDeleter,
    CycleEditor,
    CycleReader,
    ExecutionDeleter,
    ExecutionEditor,
    ExecutionReader,
    PlanDeleter,
    PlanEditor,
    PlanReader,
)
from services.executions.api.testplans import PlanName
from services.executions.domain.links import Holder
from services.executions.domain.removals import Thing
from services.executions.usecases.removals import Outcome, Removals

_KINDS = {
    Holder.TEST_CYCLE: Kind.TEST_CYCLE,
    Holder.TEST_PLAN: Kind.TEST_PLAN,
    Holder.TEST_EXECUTION: Kind.TEST_EXECUTION,
}
_DONE: Answers = {200: {"model": Removed}}
_BACK: Answers = {200: {"model": Restored}}
_LIST: Answers = {200: {"model": OffsetList[ArchivedBean]}}


class RemovalRoutes:
    """The routes; each takes an id or a key. ``base`` is the public API's base."""

    def __init__(self, removals: Removals, base: str) -> None:
        self._removals = removals
        self._base = base.removesuffix("/v2")

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(
            prefix="/ostro/v1/executions",
            tags=["Delete and archive"],
            dependencies=[only_parameters("dryRun", "force")],
        )
        for path, name, remove, archive, restore, listed in (
            (
                "testcycles",
                "{testCycleIdOrKey}",
                self.delete_cycle,
                self.archive_cycle,
                self.restore_cycle,
                self.archived_cycles,
            ),
            (
                "testplans",
                "{testPlanIdOrKey}",
                self.delete_plan,
                self.archive_plan,
                self.restore_plan,
                self.archived_plans,
            ),
            (
                "testexecutions",
                "{testExecutionIdOrKey}",
                self.delete_execution,
                self.archive_execution,
                self.restore_execution,
                self.archived_executions,
            ),
        ):
            add = partial(router.add_api_route, response_class=Response)
            one = f"/{path}/{name}"
            add(one, remove, methods=["DELETE"], responses=_DONE)
            add(f"{one}/archive", archive, methods=["POST"], responses=_DONE)
            add(f"{one}/restore", restore, methods=["POST"], responses=_BACK)
            add(f"/archive/{path}", listed, methods=["GET"], responses=_LIST)
        return router

    async def delete_cycle(
        self, access: CycleDeleter, name: CycleName, dry_run: DryRun = False, force: Force = False
    ) -> Response:
        """Delete a test cycle; 409 while executions are in it, unless force=true."""
        return await self._deleted(access, Holder.TEST_CYCLE, name, dry_run, force=force)

    async def delete_plan(
        self, access: PlanDeleter, name: PlanName, dry_run: DryRun = False
    ) -> Response:
        """Delete a test plan."""
        return await self._deleted(access, Holder.TEST_PLAN, name, dry_run, force=True)

    async def delete_execution(
        self, access: ExecutionDeleter, name: ExecutionName, dry_run: DryRun = False
    ) -> Response:
        """Delete a test execution."""
        return await self._deleted(access, Holder.TEST_EXECUTION, name, dry_run, force=True)

    async def archive_cycle(
        self, access: CycleEditor, name: CycleName, dry_run: DryRun = False
    ) -> Response:
        """Archive a test cycle with its executions."""
        return await self._archived(access, Holder.TEST_CYCLE, name, dry_run)

    async def archive_plan(
        self, access: PlanEditor, name: PlanName, dry_run: DryRun = False
    ) -> Response:
        """Archive a test plan."""
        return await self._archived(access, Holder.TEST_PLAN, name, dry_run)

    async def archive_execution(
        self, access: ExecutionEditor, name: ExecutionName, dry_run: DryRun = False
    ) -> Response:
        """Archive a test execution."""
        return await self._archived(access, Holder.TEST_EXECUTION, name, dry_run)

    async def restore_cycle(self, access: CycleEditor, name: CycleName) -> Response:
        """Restore a test cycle; it shows when all of its executions do."""
        return await self._restored(access, Holder.TEST_CYCLE, name)

    async def restore_plan(self, access: PlanEditor, name: PlanName) -> Response:
        """Restore a test plan."""
        return await self._restored(access, Holder.TEST_PLAN, name)

    async def restore_execution(self, access: ExecutionEditor, name: ExecutionName) -> Response:
        """Restore a test execution; 409 while its test cycle is archived."""
        return await self._restored(access, Holder.TEST_EXECUTION, name)

    async def archived_cycles(
        self,
        request: Request,
        access: CycleReader,
        page: Offset,
        project_key: ProjectKeyFilter = None,
    ) -> Response:
        """List archived test cycles by id."""
        return await self._list(request, access, Holder.TEST_CYCLE, project_key, page)

    async def archived_plans(
        self,
        request: Request,
        access: PlanReader,
        page: Offset,
        project_key: ProjectKeyFilter = None,
    ) -> Response:
        """List archived test plans by id."""
        return await self._list(request, access, Holder.TEST_PLAN, project_key, page)

    async def archived_executions(
        self,
        request: Request,
        access: ExecutionReader,
        page: Offset,
        project_key: ProjectKeyFilter = None,
    ) -> Response:
        """List test executions that were archived by themselves, by id."""
        return await self._list(request, access, Holder.TEST_EXECUTION, project_key, page)

    async def _deleted(
        self, access: Access, holder: Holder, name: str, dry_run: bool, *, force: bool
    ) -> Response:
        found = await self._removals.delete(access, holder, name, dry_run=dry_run, force=force)
        return json_response(_removed(found, done=not dry_run))

    async def _archived(self, access: Access, holder: Holder, name: str, dry_run: bool) -> Response:
        found = await self._removals.archive(access, holder, name, dry_run=dry_run)
        return json_response(_removed(found, done=not dry_run))

    async def _restored(self, access: Access, holder: Holder, name: str) -> Response:
        found = await self._removals.restore(access, holder, name)
        shown: Restored = {"id": found.thing.id, "key": _key(found.thing, found.project.key)}
        return json_response(shown)

    async def _list(
        self,
        request: Request,
        access: Access,
        holder: Holder,
        project_key: str | None,
        page: Offset,
    ) -> Response:
        total, found, projects = await self._removals.archived(access, holder, project_key, page)
        values = [_bean(thing, projects[thing.project].key) for thing in found]
        return offset_response(request, self._base, page, total, values)


def _key(thing: Thing, project_key: str) -> str:
    return str(EntityKey(project_key, _KINDS[thing.holder], number_of(thing.id)))


def _removed(found: Outcome, *, done: bool) -> Removed:
    key = _key(found.thing, found.project.key)
    return removed(found.thing.id, key, found.dependents, found.reasons, done=done)


def _bean(thing: Thing, project_key: str) -> ArchivedBean:
    assert thing.archived_on is not None  # it is written with the shelf
    return {
        "id": thing.id,
        "key": _key(thing, project_key),
        "name": thing.name,
        "archivedOn": vendor_time(thing.archived_on),
    }
