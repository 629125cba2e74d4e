"""``/ostro/v1/testcases/projects/{projectKey}/custom-fields``: definitions of custom fields.

The vendor has no API for them. Rights are those of the configuration.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import Field
from typing_extensions import TypedDict

from contracts.customfields import (
    MAX_OPTIONS,
    CustomFieldEntity,
    CustomFieldState,
    CustomFieldType,
)
from kit.http.body import JsonBody, documented
from kit.http.fields import OwnBody
from kit.http.pages import MAX_INT64, json_response
from kit.http.removal import only_parameters
from services.testcases.api.fields import Name
from services.testcases.api.rights import (
    OptionCreator,
    OptionDeleter,
    OptionEditor,
    OptionReader,
)
from services.testcases.domain.customfields import FieldInput, OptionInput
from services.testcases.usecases.customfields import CustomFields

MAX_INDEX = 2**31 - 1
ProjectKeyPath = Annotated[str, Path(alias="projectKey")]
Ident = Annotated[int, Path(alias="customFieldId", ge=1, le=MAX_INT64)]


class FieldOptionBean(OwnBody):
    """An option of a select list; without an id it is a new one."""

    id: Annotated[int, Field(ge=1, le=MAX_INDEX)] | None = None
    name: Name
    default: bool = False
    archived: bool = False


class CustomFieldBean(OwnBody):
    """A definition. Options stand in their order, and belong to select lists alone.

    A PUT replaces all but entity and type, and must name every option that there is by its id:
    what is not wanted any more is archived. Without an index a field keeps its place, or goes
    behind the others when it is new.
    """

    id: Annotated[int | None, Field(description="as a GET shows it; the path alone counts")] = None
    entity: CustomFieldEntity
    type: CustomFieldType
    name: Name
    required: bool = False
    index: Annotated[int, Field(ge=0, le=MAX_INDEX)] | None = None
    options: Annotated[tuple[FieldOptionBean, ...], Field(max_length=MAX_OPTIONS)] = ()

    def wanted(self) -> FieldInput:
        """Return what is to be written."""
        options = [OptionInput(o.name, o.id, o.default, o.archived) for o in self.options]
        return FieldInput(self.entity, self.type, self.name, self.required, self.index, options)


EXAMPLES: Mapping[str, Any] = {
    "a number": {"entity": "test-case", "type": "NUMBER", "name": "Build", "required": False},
    "a list to choose from": {
        "entity": "test-execution",
        "type": "SINGLE_CHOICE_SELECT_LIST",
        "name": "Browser",
        "options": [{"name": "Firefox", "default": True}, {"name": "Chrome"}],
    },
    "another option in its place (PUT)": {
        "entity": "test-execution",
        "type": "SINGLE_CHOICE_SELECT_LIST",
        "name": "Browser",
        "options": [{"id": 1, "name": "Firefox"}, {"name": "Safari"}, {"id": 2, "name": "Chrome"}],
    },
}


class CustomFieldOption(TypedDict):
    """An option of a select list."""

    id: int
    name: str
    default: bool
    archived: bool


class CustomField(TypedDict):
    """One definition."""

    id: int
    entity: str
    type: str
    name: str
    index: int
    required: bool
    options: list[CustomFieldOption]


class CustomFieldList(TypedDict):
    """All definitions of a project, by entity and index."""

    values: list[CustomField]


class Deletion(TypedDict):
    """What was removed, or would be: ``values`` counts the things that have a value of it."""

    id: int
    deleted: bool
    values: int


class CustomFieldRoutes:
    """The routes."""

    def __init__(self, fields: CustomFields) -> None:
        self._fields = fields

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(
            prefix="/ostro/v1/testcases/projects/{projectKey}/custom-fields",
            tags=["Custom Fields"],
            dependencies=[only_parameters("dryRun")],
        )
        one, body = "/{customFieldId}", documented(CustomFieldBean, examples=EXAMPLES)
        add = router.add_api_route
        add("", self.all, responses={200: {"model": CustomFieldList}})
        add(
            "",
            self.create,
            methods=["POST"],
            status_code=201,
            responses={201: {"model": CustomField}},
            openapi_extra=body,
        )
        add(one, self.get, responses={200: {"model": CustomField}})
        add(
            one,
            self.replace,
            methods=["PUT"],
            responses={200: {"model": CustomField}},
            openapi_extra=body,
        )
        add(one, self.delete, methods=["DELETE"], responses={200: {"model": Deletion}})
        return router

    async def all(
        self,
        access: OptionReader,
        project_key: ProjectKeyPath,
        entity: Annotated[CustomFieldEntity | None, Query()] = None,
    ) -> Response:
        """List the custom fields of a project."""
        found = await self._fields.all(access, project_key, entity)
        return json_response({"values": [shown(field) for field in found]})

    async def get(
        self, access: OptionReader, project_key: ProjectKeyPath, ident: Ident
    ) -> Response:
        """Return one custom field."""
        return json_response(shown(await self._fields.get(access, project_key, ident)))

    async def create(
        self,
        access: OptionCreator,
        project_key: ProjectKeyPath,
        body: Annotated[CustomFieldBean, Depends(JsonBody(CustomFieldBean))],
    ) -> Response:
        """Define a custom field."""
        made = await self._fields.create(access, project_key, body.wanted())
        return json_response(shown(made), 201)

    async def replace(
        self,
        access: OptionEditor,
        project_key: ProjectKeyPath,
        ident: Ident,
        body: Annotated[CustomFieldBean, Depends(JsonBody(CustomFieldBean))],
    ) -> Response:
        """Replace the definition of a custom field."""
        stored = await self._fields.replace(access, project_key, ident, body.wanted())
        return json_response(shown(stored))

    async def delete(
        self,
        access: OptionDeleter,
        project_key: ProjectKeyPath,
        ident: Ident,
        dry_run: Annotated[
            bool, Query(alias="dryRun", description="change nothing, say what would go")
        ] = False,
    ) -> Response:
        """Remove a custom field with all its values."""
        _, count = await self._fields.delete(access, project_key, ident, dry_run=dry_run)
        answer: Deletion = {"id": ident, "deleted": not dry_run, "values": count}
        return json_response(answer)


def shown(field: CustomFieldState) -> dict[str, Any]:
    """Return a definition as it is shown."""
    return field.model_dump(mode="json", exclude={"project"})
