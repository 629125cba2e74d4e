"""``/v2/statuses``, ``/v2/priorities``, ``/v2/environments``: three views of options."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from contracts.testcases import OptionType
from kit.directory.access import Access
from kit.http.body import JsonBody, documented
from kit.http.fields import Index
from kit.http.pages import (
    MAX_INT64,
    Offset,
    OffsetList,
    OffsetPage,
    json_response,
    offset_response,
)
from kit.http.params import ProjectKeyFilter
from kit.http.references import References
from services.testcases.api import shapes
from services.testcases.api.fields import (
    Body,
    Color,
    Id,
    Name,
    ProjectKey,
    Text,
)
from services.testcases.api.rights import OptionCreator, OptionEditor, OptionReader
from services.testcases.domain.optionchanges import OptionUpdate
from services.testcases.domain.options import NO_COLOR, STATUS_TYPES, Option
from services.testcases.usecases.options import NewOption, Options

Ident = Annotated[int, Path(alias="id", ge=1, le=MAX_INT64)]


class StatusType(StrEnum):
    """Whose status it is."""

    TEST_CASE = "TEST_CASE"
    TEST_PLAN = "TEST_PLAN"
    TEST_CYCLE = "TEST_CYCLE"
    TEST_EXECUTION = "TEST_EXECUTION"


class EnvironmentCreate(Body):
    """Body of POST /environments."""

    project_key: ProjectKey
    name: Name
    description: Text | None = None


class PriorityCreate(EnvironmentCreate):
    """Body of POST /priorities."""

    color: Color | None = None


class StatusCreate(PriorityCreate):
    """Body of POST /statuses."""

    type: StatusType


class ProjectReference(Body):
    """Of the project, its id alone counts."""

    id: Id


class EnvironmentUpdate(Body):
    """Body of PUT /environments/{id}. Description null or absent clears it."""

    id: Id
    project: ProjectReference
    name: Name
    index: Index
    description: Text | None = None

    def update(self) -> OptionUpdate:
        """Return what is to be written."""
        return OptionUpdate(
            self.id, self.project.id, self.name, self.index, description=self.description
        )


class PriorityUpdate(EnvironmentUpdate):
    """Body of PUT /priorities/{id}. Colour null or absent clears it."""

    color: Color | None = None
    default: bool

    def update(self) -> OptionUpdate:
        """Return what is to be written."""
        return replace(super().update(), color=self.color, default=self.default)


class StatusUpdate(PriorityUpdate):
    """Body of PUT /statuses/{id}."""

    archived: bool

    def update(self) -> OptionUpdate:
        """Return what is to be written."""
        return replace(super().update(), archived=self.archived)


class OptionRoutes:
    """The routes; ``base`` is the public API's base URL, ending in /v2."""

    def __init__(self, options: Options, base: str) -> None:
        self._options = options
        self._base = base

    def router(self) -> APIRouter:
        """Return the routes of all three."""
        router = APIRouter(prefix="/v2")
        options, base = self._options, self._base
        statuses = _Family("statuses", "Status", STATUS_TYPES, status, options, base)
        priorities = _Family(
            "priorities", "Priority", (OptionType.PRIORITY,), priority, options, base
        )
        environments = _Family(
            "environments", "Environment", (OptionType.ENVIRONMENT,), environment, options, base
        )

        async def list_statuses(
            request: Request,
            access: OptionReader,
            page: Offset,
            project_key: ProjectKeyFilter = None,
            kind: Annotated[StatusType | None, Query(alias="statusType")] = None,
        ) -> Response:
            types = STATUS_TYPES if kind is None else (OptionType(kind),)
            return await statuses.page(request, access, types, project_key, page)

        async def create_status(
            access: OptionCreator, body: Annotated[StatusCreate, Depends(JsonBody(StatusCreate))]
        ) -> Response:
            return await statuses.create(access, OptionType(body.type), body, body.color)

        async def create_priority(
            access: OptionCreator,
            body: Annotated[PriorityCreate, Depends(JsonBody(PriorityCreate))],
        ) -> Response:
            return await priorities.create(access, OptionType.PRIORITY, body, body.color)

        async def create_environment(
            access: OptionCreator,
            body: Annotated[EnvironmentCreate, Depends(JsonBody(EnvironmentCreate))],
        ) -> Response:
            return await environments.create(access, OptionType.ENVIRONMENT, body, None)

        statuses.add(router, list_statuses, create_status, StatusCreate, shapes.Status)
        priorities.add(
            router, priorities.list_page, create_priority, PriorityCreate, shapes.Priority
        )
        environments.add(
            router,
            environments.list_page,
            create_environment,
            EnvironmentCreate,
            shapes.Environment,
        )
        _add_puts(router, statuses, priorities, environments)
        return router


def _add_puts(
    router: APIRouter, statuses: "_Family", priorities: "_Family", environments: "_Family"
) -> None:
    async def put_status(
        access: OptionEditor,
        ident: Ident,
        body: Annotated[StatusUpdate, Depends(JsonBody(StatusUpdate))],
    ) -> Response:
        return await statuses.put(access, ident, body)

    async def put_priority(
        access: OptionEditor,
        ident: Ident,
        body: Annotated[PriorityUpdate, Depends(JsonBody(PriorityUpdate))],
    ) -> Response:
        return await priorities.put(access, ident, body)

    async def put_environment(
        access: OptionEditor,
        ident: Ident,
        body: Annotated[EnvironmentUpdate, Depends(JsonBody(EnvironmentUpdate))],
    ) -> Response:
        return await environments.put(access, ident, body)

    statuses.add_put(router, put_status, StatusUpdate)
    priorities.add_put(router, put_priority, PriorityUpdate)
    environments.add_put(router, put_environment, EnvironmentUpdate)


class _Family:
    """The routes of one of the three."""

    def __init__(
        self,
        path: str,
        singular: str,
        types: Sequence[OptionType],
        render: Callable[[References, Option], Any],
        options: Options,
        base: str,
    ) -> None:
        self._path = path
        self._singular = singular
        self._one = f"{'an' if singular[0] in 'AEIOU' else 'a'} {singular.lower()}"
        self._types = types
        self._render = render
        self._options = options
        self._base = base

    def add(
        self,
        router: APIRouter,
        list_page: Callable[..., Any],
        create: Callable[..., Any],
        body: type[Body],
        shape: Any,
    ) -> None:
        """Register the routes."""
        many, one = self._path.capitalize(), self._singular
        router.add_api_route(
            f"/{self._path}",
            list_page,
            tags=[many],
            operation_id=f"list{many}",
            summary=f"List {self._path}",
            description=f"List {self._path} by id, archived ones too.",
            responses={200: {"model": OffsetList[shape]}},
        )
        router.add_api_route(
            f"/{self._path}",
            create,
            methods=["POST"],
            status_code=201,
            tags=[many],
            operation_id=f"create{one}",
            summary=f"Create {self._one}",
            description=f"Create {self._one}. Its name must be new in its group, in any case.",
            responses={201: {"model": shapes.CreatedResource}},
            openapi_extra=documented(body),
        )
        router.add_api_route(
            f"/{self._path}/{{id}}",
            self.get,
            tags=[many],
            operation_id=f"get{one}",
            summary=f"Get {self._one}",
            description=f"Return {self._one} by its id.",
            responses={200: {"model": shape}},
        )

    def add_put(self, router: APIRouter, put: Callable[..., Any], body: type[Body]) -> None:
        """Register the route that replaces."""
        router.add_api_route(
            f"/{self._path}/{{id}}",
            put,
            methods=["PUT"],
            tags=[self._path.capitalize()],
            operation_id=f"update{self._singular}",
            summary=f"Update {self._one}",
            description=f"Replace {self._one}: what is not given is cleared.",
            openapi_extra=documented(body),
        )

    async def list_page(
        self,
        request: Request,
        access: OptionReader,
        page: Offset,
        project_key: ProjectKeyFilter = None,
    ) -> Response:
        """List options by id."""
        return await self.page(request, access, self._types, project_key, page)

    async def get(self, access: OptionReader, ident: Ident) -> Response:
        """Return one option."""
        found = await self._options.get(access, self._types, ident)
        return json_response(self._render(References.of(self._base, access), found))

    async def page(
        self,
        request: Request,
        access: Access,
        types: Sequence[OptionType],
        project_key: str | None,
        page: OffsetPage,
    ) -> Response:
        """Answer a list of some types."""
        total, found = await self._options.page(access, types, project_key, page)
        refs = References.of(self._base, access)
        values = [self._render(refs, option) for option in found]
        return offset_response(request, self._base, page, total, values)

    async def create(
        self, access: Access, kind: OptionType, body: EnvironmentCreate, color: str | None
    ) -> Response:
        """Create an option."""
        made = await self._options.create(
            access, NewOption(body.project_key, kind, body.name, body.description, color)
        )
        return json_response(References.of(self._base, access).resource(self._path, made.id), 201)

    async def put(self, access: Access, ident: int, body: EnvironmentUpdate) -> Response:
        """Replace an option; the answer is empty."""
        await self._options.replace(access, self._types, ident, body.update())
        return Response()


def status(refs: References, option: Option) -> shapes.Status:
    """Render a status."""
    return {
        **_common(refs, option),
        "color": option.color or NO_COLOR,
        "archived": option.archived,
        "default": option.default,
    }


def priority(refs: References, option: Option) -> shapes.Priority:
    """Render a priority."""
    return {
        **_common(refs, option),
        "color": option.color or NO_COLOR,
        "default": option.default,
    }


def environment(refs: References, option: Option) -> shapes.Environment:
    """Render an environment."""
    return {**_common(refs, option), "archived": option.archived}


def _common(refs: References, option: Option) -> shapes.Option:
    return {
        "id": option.id,
        "project": refs.resource("projects", option.project),
        "name": option.name,
        "description": option.description,
        "index": option.index,
    }
