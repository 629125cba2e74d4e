"""The routes of export and import, alike in both services that own parts of a project."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path as Folder
from typing import Annotated, Any, NotRequired

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send
from typing_extensions import TypedDict

from contracts.ids import PROJECT_KEY_PATTERN
from contracts.transfer import JiraIds, Part
from kit.clock import vendor_time
from kit.directory.access import Access
from kit.errors import NotFound, TooManyRequests
from kit.http.pages import json_response
from kit.http.security import AccessTo
from kit.transfer.exporting import Exporter
from kit.transfer.importing import Importer, Progress
from kit.transfer.rows import Import, ImportState
from kit.transfer.spooling import spooled

_AT_ONCE = 4
_BYTES = {"application/zip": {"schema": {"type": "string", "format": "binary"}}}

Endpoint = Callable[..., Awaitable[Response]]
ProjectKey = Annotated[str, Path(alias="projectKey", pattern=f"^{PROJECT_KEY_PATTERN}$")]


class ImportProgress(TypedDict):
    """How an import fares: rows and files by member."""

    state: str
    """``writing``, ``done``, or ``broken``: then ``message`` says why."""
    written: dict[str, int]
    total: NotRequired[dict[str, int]]
    leftOut: dict[str, int]
    """What means nothing on this Jira site."""
    startedOn: NotRequired[str]
    endedOn: NotRequired[str | None]
    message: NotRequired[str]


@dataclass(frozen=True)
class TransferRoutes:
    """The routes of one service; ``reader`` and ``writer`` say which rights they need."""

    part: Part
    prefix: str
    exporter: Exporter
    importer: Importer[Any]
    reader: AccessTo
    writer: AccessTo
    spool_dir: Folder | None
    max_bytes: int

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(prefix=f"{self.prefix}/projects/{{projectKey}}", tags=["Transfer"])
        name = self.part.value.title()
        add = partial(router.add_api_route, response_class=Response)
        add(
            "/export",
            self._export(),
            operation_id=f"export{name}",
            responses={200: {"content": _BYTES}},
        )
        add(
            "/import",
            self._import(),
            methods=["POST"],
            operation_id=f"import{name}",
            responses={200: {"model": ImportProgress}},
            openapi_extra={"requestBody": {"required": True, "content": _BYTES}},
        )
        add(
            "/import",
            self._last(),
            operation_id=f"get{name}Import",
            responses={200: {"model": ImportProgress}},
        )
        return router

    def _export(self) -> Endpoint:
        async def export(
            access: Annotated[Access, Depends(self.reader)], key: ProjectKey
        ) -> Response:
            """Return this service's part of a project as an archive (docs/export-format.md).

            An archive that breaks off has no end, and no reader takes it.
            """
            project = await access.project(key)
            stream = await self.exporter.start(access, project)
            name = f"{project.key}-{self.part}.zip"
            headers = {"Content-Disposition": f'attachment; filename="{name}"'}
            return StreamingResponse(stream, headers=headers, media_type="application/zip")

        return export

    def _import(self) -> Endpoint:
        turns = _Turns()

        async def take(
            request: Request,
            access: Annotated[Access, Depends(self.writer)],
            key: ProjectKey,
            jira: Annotated[
                JiraIds, Query(description="ids of issues, components and versions")
            ] = JiraIds.AUTO,
        ) -> Response:
            """Import an archive into an empty project; the body is the archive.

            What is wrong with it, or in its way, is answered before anything is changed. Then the
            answer is JSON Lines that say how it goes, the last one ``done`` or ``broken``. Sending
            the same archive again goes on where it broke off.
            """
            project = await access.project(key)
            async with AsyncExitStack() as stack:
                stack.enter_context(turns.one(access.tenant))
                kept = await stack.enter_async_context(
                    spooled(request, self.spool_dir, self.max_bytes)
                )
                progress = await self.importer.start(access, project, kept, jira)
                stack.push_async_callback(progress.aclose)
                return _Progress(_lines(progress), stack.pop_all())

        return take

    def _last(self) -> Endpoint:
        async def last(
            access: Annotated[Access, Depends(self.reader)], key: ProjectKey
        ) -> Response:
            """Return how the last import into a project fares."""
            project = await access.project(key)
            found = await self.importer.last(access, project)
            if found is None:
                raise NotFound(f"Nothing was imported into project {key}.")
            return json_response(_shown(found))

        return last


class _Turns:
    """One import of a tenant in a process, few of all tenants: each holds an archive on disk."""

    def __init__(self) -> None:
        self._tenants: set[str] = set()

    @contextmanager
    def one(self, tenant: str) -> Iterator[None]:
        """Hold a turn; raise ``TooManyRequests`` where there is none."""
        if tenant in self._tenants or len(self._tenants) >= _AT_ONCE:
            raise TooManyRequests("Other imports are under way; try again.", retry_after=30)
        self._tenants.add(tenant)
        try:
            yield
        finally:
            self._tenants.discard(tenant)


class _Progress(StreamingResponse):
    """JSON Lines; whatever happens, the spooled archive goes with them."""

    def __init__(self, lines: AsyncIterator[bytes], stack: AsyncExitStack) -> None:
        super().__init__(lines, media_type="application/x-ndjson")
        self._lines = lines
        self._stack = stack

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send all of it."""
        async with self._stack:
            await super().__call__(scope, receive, send)


async def _lines(progress: AsyncIterator[Progress]) -> AsyncIterator[bytes]:
    async for step in progress:
        state = "broken" if step.state is None else step.state.value
        line: ImportProgress = {
            "state": state,
            "written": dict(step.written),
            "total": dict(step.total),
            "leftOut": dict(step.left_out),
        }
        if step.message is not None:
            line["message"] = step.message
        yield orjson.dumps(line) + b"\n"


def _shown(found: Import) -> ImportProgress:
    writing = found.state is ImportState.WRITING
    return {
        "state": "broken" if writing and not found.leased else found.state.value,
        "written": dict(found.written),
        "leftOut": dict(found.left_out),
        "startedOn": vendor_time(found.started_on),
        "endedOn": vendor_time(found.ended_on) if found.ended_on is not None else None,
    }
