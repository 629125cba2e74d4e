"""``/ostro/v1/testcases/projects/{projectKey}/options/{optionType}``: what /v2 cannot do."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import Field
from typing_extensions import TypedDict

from contracts.testcases import OptionType
from kit.http.body import JsonBody, documented
from kit.http.fields import OwnBody
from kit.http.pages import MAX_INT64, json_response
from kit.http.removal import only_parameters
from services.testcases.api.fields import Id
from services.testcases.api.rights import OptionDeleter, OptionEditor, OptionReader
from services.testcases.domain.options import Option
from services.testcases.usecases.optionadmin import OptionAdmin, Removal, check_adjustment

ProjectKeyPath = Annotated[str, Path(alias="projectKey")]
Kind = Annotated[OptionType, Path(alias="optionType")]
Ident = Annotated[int, Path(alias="optionId", ge=1, le=MAX_INT64)]
MOST_OPTIONS = 10_000


class Order(OwnBody):
    """All options of the group, in their new order."""

    ids: Annotated[tuple[Id, ...], Field(max_length=MOST_OPTIONS)]


class Adjustment(OwnBody):
    """What is to change; null or absent leaves it as it is."""

    default: bool | None = None
    archived: bool | None = None


_ADJUSTMENTS: Mapping[str, Any] = {
    "make it the default": {"default": True},
    "archive it": {"archived": True},
}


class OptionBean(TypedDict):
    """One option."""

    id: int
    type: str
    name: str
    description: str | None
    color: str | None
    index: int
    default: bool
    archived: bool


class OptionGroup(TypedDict):
    """A group in its order."""

    values: list[OptionBean]


class Usage(TypedDict):
    """How many things have the option."""

    testCases: int
    testPlans: int
    testCycles: int
    testExecutions: int


class Deletion(TypedDict):
    """What was removed, or what would hinder it."""

    id: int
    deleted: bool
    usage: Usage
    reasons: list[str]
    """Why it cannot be removed; empty when it can."""


class OptionAdminRoutes:
    """The routes."""

    def __init__(self, options: OptionAdmin) -> None:
        self._options = options

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(
            prefix="/ostro/v1/testcases/projects/{projectKey}/options/{optionType}",
            tags=["Option administration"],
            dependencies=[only_parameters("dryRun")],
        )
        group: dict[int | str, dict[str, Any]] = {200: {"model": OptionGroup}}
        add = router.add_api_route
        add("", self.group, responses=group)
        add(
            "/order",
            self.order,
            methods=["PUT"],
            responses=group,
            openapi_extra=documented(Order, examples={"three options": {"ids": [3, 1, 2]}}),
        )
        add(
            "/{optionId}",
            self.adjust,
            methods=["PATCH"],
            responses=group,
            openapi_extra=documented(Adjustment, examples=_ADJUSTMENTS),
        )
        add(
            "/{optionId}",
            self.remove,
            methods=["DELETE"],
            responses={200: {"model": Deletion}},
        )
        return router

    async def group(
        self, access: OptionReader, project_key: ProjectKeyPath, kind: Kind
    ) -> Response:
        """List the options of a group in their order."""
        found = await self._options.group(access, project_key, kind)
        return json_response({"values": [shown(option) for option in found]})

    async def order(
        self,
        access: OptionEditor,
        project_key: ProjectKeyPath,
        kind: Kind,
        body: Annotated[Order, Depends(JsonBody(Order))],
    ) -> Response:
        """Order the options of a group anew; places count from 0."""
        await self._options.order(access, project_key, kind, body.ids)
        return await self.group(access, project_key, kind)

    async def adjust(
        self,
        access: OptionEditor,
        project_key: ProjectKeyPath,
        kind: Kind,
        ident: Ident,
        body: Annotated[Adjustment, Depends(JsonBody(Adjustment))],
    ) -> Response:
        """Change an option: make it the default, archive it or take it back."""
        check_adjustment(body.default, body.archived)
        await self._options.adjust(
            access, project_key, kind, ident, default=body.default, archived=body.archived
        )
        return await self.group(access, project_key, kind)

    async def remove(
        self,
        access: OptionDeleter,
        project_key: ProjectKeyPath,
        kind: Kind,
        ident: Ident,
        dry_run: Annotated[
            bool, Query(alias="dryRun", description="change nothing, say what has it")
        ] = False,
    ) -> Response:
        """Remove an option; 409 unless it is archived and nothing has it."""
        removal = await self._options.remove(access, project_key, kind, ident, dry_run=dry_run)
        return json_response(_deletion(removal, deleted=not dry_run))


def shown(option: Option) -> OptionBean:
    """Return an option as it is shown."""
    return {
        "id": option.id,
        "type": option.type.value,
        "name": option.name,
        "description": option.description,
        "color": option.color,
        "index": option.index,
        "default": option.default,
        "archived": option.archived,
    }


def _deletion(removal: Removal, *, deleted: bool) -> Deletion:
    return {
        "id": removal.option.id,
        "deleted": deleted,
        "usage": {
            "testCases": removal.test_cases,
            "testPlans": removal.test_plans,
            "testCycles": removal.test_cycles,
            "testExecutions": removal.test_executions,
        },
        "reasons": list(removal.reasons),
    }
