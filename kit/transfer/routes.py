"""The routes of export and import, alike in both services that own parts of a project."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path as Folder
from typing import Annotated, Any, NotRequired

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send
from typing_extensions import TypedDict

from contracts.ids import PROJECT_KEY_PATTERN
from contracts.importing import JiraIds, Missing
from contracts.transfer import Part
from contracts.usage import UsageEventName
from kit.clock import vendor_time
from kit.directory.access import Access
from kit.errors import InvalidInput, NotFound
from kit.http.pages import json_response
from kit.http.security import AccessTo
from kit.transfer.exporting import Exporter
from kit.transfer.importing import Forecast, Importer, Progress, Wish
from kit.transfer.references import Reference, Unresolved
from kit.transfer.rows import Import, ImportState
from kit.transfer.spooling import Spooled, spooled
from kit.transfer.turns import Turns
from kit.usage import UsageReporter

_MOST_COMING = 100
_BYTES = {"application/zip": {"schema": {"type": "string", "format": "binary"}}}

Endpoint = Callable[..., Awaitable[Response]]
ProjectKey = Annotated[str, Path(alias="projectKey", pattern=f"^{PROJECT_KEY_PATTERN}$")]


class DanglingReference(TypedDict):
    """Something of the archive, and what a field of it names; ``target`` is its key."""

    kind: str
    key: str
    field: str
    target: str


class ImportCheck(TypedDict):
    """What an import would do, as things are."""

    state: str
    """``ready``; ``continues`` one that broke off; ``done``: all of it was imported."""
    total: dict[str, int]
    """Rows and files by member."""
    leftOut: dict[str, int]
    """What would be left out."""
    references: list[DanglingReference]
    """Those that would be left out, the first hundred."""
    awaited: list[DanglingReference]
    """To things of projects that are imported along, which are not there yet: the first to each."""


class UnresolvedReferences(TypedDict):
    """Of an archive that refers to what is not there."""

    errorCode: int
    message: str
    """With the first of them."""
    count: int
    references: list[DanglingReference]
    """The first hundred."""


class ImportProgress(TypedDict):
    """How an import fares: rows and files by member."""

    state: str
    """``writing``, ``done``, or ``broken``: then ``message`` says why."""
    written: dict[str, int]
    total: NotRequired[dict[str, int]]
    leftOut: dict[str, int]
    """What means nothing on this Jira site, and ``references`` to what is not here."""
    references: NotRequired[list[DanglingReference]]
    """Those that were left out, the first hundred; in the last line."""
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
    usage: UsageReporter
    spool_dir: Folder | None
    max_bytes: int
    turns: Turns = field(default_factory=Turns)

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
            "/import/check",
            self._check(),
            methods=["POST"],
            operation_id=f"check{name}Import",
            responses={200: {"model": ImportCheck}},
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
            request: Request, access: Annotated[Access, Depends(self.reader)], key: ProjectKey
        ) -> Response:
            """Export this service's part of a project: an archive (docs/export-format.md).

            An archive that breaks off has no end, and no reader takes it.
            """
            project = await access.project(key)
            stream = await self.exporter.start(access, project)
            await self._tell(request, access, UsageEventName.EXPORTED_PROJECT, project.id)
            name = f"{project.key}-{self.part}.zip"
            headers = {"Content-Disposition": f'attachment; filename="{name}"'}
            return StreamingResponse(stream, headers=headers, media_type="application/zip")

        return export

    def _import(self) -> Endpoint:
        async def take(
            request: Request,
            access: Annotated[Access, Depends(self.writer)],
            key: ProjectKey,
            wish: Annotated[Wish, Depends(_wish)],
        ) -> Response:
            """Import an archive into an empty project; the body is the archive.

            What is wrong with it, or in its way, is answered before anything is changed. Then the
            answer is JSON Lines that say how it goes, the last one ``done`` or ``broken``. Sending
            the same archive again goes on where it broke off.
            """
            project = await access.project(key)
            async with AsyncExitStack() as stack:
                kept = await stack.enter_async_context(self._taken(request, access.tenant))
                try:
                    progress = await self.importer.start(access, project, kept, wish)
                except Unresolved as refused:
                    return _unresolved(refused)
                stack.push_async_callback(progress.aclose)

                async def done() -> None:
                    await self._tell(request, access, UsageEventName.IMPORTED_PROJECT, project.id)

                return _Progress(_lines(progress, done), stack.pop_all())

        return take

    async def _tell(
        self, request: Request, access: Access, name: UsageEventName, project: int
    ) -> None:
        # a project goes and comes by parts: one of them stands for all
        if self.part is Part.LIBRARY:
            await self.usage.tell(request, access.principal, name, project)

    def _check(self) -> Endpoint:
        async def check(
            request: Request,
            access: Annotated[Access, Depends(self.writer)],
            key: ProjectKey,
            wish: Annotated[Wish, Depends(_wish)],
            library_bytes: Annotated[
                int,
                Query(
                    alias="libraryBytes",
                    ge=0,
                    description="of executions: the body begins with the archive of the library, "
                    "which is so long and may lack its files; what it brings counts as there",
                ),
            ] = 0,
        ) -> Response:
            """Say what an import of this archive would do, or why it would be refused.

            Nothing is changed. It is read and checked wholly, as an import does before it writes.
            """
            if library_bytes and self.part is not Part.EXECUTIONS:
                raise InvalidInput("libraryBytes is for the check of executions.")
            project = await access.project(key)
            async with self._taken(request, access.tenant, library_bytes) as kept:
                library = None if kept.ahead is None else Spooled(kept.ahead, "")
                try:
                    found = await self.importer.check(access, project, kept, wish, library)
                except Unresolved as refused:
                    return _unresolved(refused)
            return json_response(_forecast(found))

        return check

    @asynccontextmanager
    async def _taken(self, request: Request, tenant: str, ahead: int = 0) -> AsyncIterator[Spooled]:
        """Receive an archive, then wait for a turn: who sends slowly has none meanwhile."""
        async with (
            self.turns.sending(tenant),
            spooled(request, self.spool_dir, self.max_bytes, ahead) as kept,
            self.turns.working(),
        ):
            yield kept

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


async def _wish(
    jira: Annotated[
        JiraIds, Query(description="ids of issues, components and versions")
    ] = JiraIds.AUTO,
    missing: Annotated[
        Missing,
        Query(description="references to things of other projects that are not here"),
    ] = Missing.REFUSE,
    coming: Annotated[
        frozenset[str],
        Query(
            max_length=_MOST_COMING,
            description="keys of projects that are imported along: what the archive names of them "
            "need not be there yet",
        ),
    ] = frozenset(),
) -> Wish:
    return Wish(jira, missing, coming)


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


async def _lines(
    progress: AsyncIterator[Progress], done: Callable[[], Awaitable[None]]
) -> AsyncIterator[bytes]:
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
        if step.dropped:
            line["references"] = _references(step.dropped)
        if step.state is ImportState.DONE:
            await done()
        yield orjson.dumps(line) + b"\n"


def _forecast(found: Forecast) -> ImportCheck:
    return {
        "state": found.outlook.value,
        "total": dict(found.total),
        "leftOut": dict(found.left_out),
        "references": _references(found.references.dropped.told),
        "awaited": _references(found.references.awaited),
    }


def _unresolved(refused: Unresolved) -> Response:
    body: UnresolvedReferences = {
        "errorCode": refused.status,
        "message": refused.message,
        "count": refused.dangling.count,
        "references": _references(refused.dangling.told),
    }
    return json_response(body, refused.status)


def _references(found: Sequence[Reference]) -> list[DanglingReference]:
    return [
        {"kind": one.kind, "key": one.key, "field": one.field, "target": one.target}
        for one in found
    ]


def _shown(found: Import) -> ImportProgress:
    writing = found.state is ImportState.WRITING
    return {
        "state": "broken" if writing and not found.leased else found.state.value,
        "written": dict(found.written),
        "leftOut": dict(found.left_out),
        "startedOn": vendor_time(found.started_on),
        "endedOn": vendor_time(found.ended_on) if found.ended_on is not None else None,
    }
