"""Custom fields of projects: their definitions, and what of the library has values."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from contracts.customfields import (
    CustomFieldEntity,
    CustomFieldFault,
    Value,
    check_values,
)
from contracts.ids import project_of, public_id
from kit.directory.access import Access
from kit.errors import InvalidInput, NotFound
from services.testcases.domain.customfields import (
    CustomField,
    FieldInput,
    new_field,
    replaced_field,
)
from services.testcases.usecases.numbering import Numbered, Numbers

IN_LIBRARY = (
    CustomFieldEntity.TEST_CASE,
    CustomFieldEntity.TEST_STEP,
    CustomFieldEntity.FOLDER,
)
"""The entities that this service holds the values of."""


@dataclass(frozen=True)
class FieldChange:
    """What to store: fields as they shall be (new ones among them), and one to remove."""

    fields: Sequence[CustomField] = ()
    removed: int | None = None


class CustomFieldStore(Protocol):
    """Where definitions are kept."""

    async def of_projects(
        self, tenant: str, projects: Collection[int], entity: CustomFieldEntity | None
    ) -> Sequence[CustomField]:
        """Return the fields of projects, of one entity or all; by entity, index and id."""
        ...

    async def get(self, tenant: str, field: int) -> CustomField | None:
        """Return one field."""
        ...

    async def change(
        self,
        tenant: str,
        project: int,
        entity: CustomFieldEntity,
        changed: Callable[[Sequence[CustomField]], FieldChange],
    ) -> None:
        """Store what is decided in sight of all siblings; nobody changes them meanwhile."""
        ...


class FieldValues(Protocol):
    """The values that things have."""

    async def having(self, tenant: str, field: CustomField) -> int:
        """Count the things that have a value of a field."""
        ...

    async def forget(self, tenant: str, field: CustomField) -> None:
        """Remove every value of a field that is gone."""
        ...


class CustomFields:
    """The definitions. ``elsewhere`` answers for the entities that executions holds."""

    def __init__(
        self, store: CustomFieldStore, here: FieldValues, elsewhere: FieldValues, numbers: Numbers
    ) -> None:
        self._store = store
        self._here = here
        self._elsewhere = elsewhere
        self._numbers = numbers

    async def all(
        self, access: Access, project_key: str, entity: CustomFieldEntity | None
    ) -> Sequence[CustomField]:
        """Return the fields of a project; ``NotFound`` as ``Access.project``."""
        project = await access.project(project_key)
        return await self._store.of_projects(access.tenant, (project.id,), entity)

    async def get(self, access: Access, project_key: str, field: int) -> CustomField:
        """Return one field; ``NotFound`` when it is not of this project."""
        project = await access.project(project_key)
        found = None
        if project_of(field) == project.id:
            found = await self._store.get(access.tenant, field)
        if found is None:
            raise _unknown(field)
        return found

    async def create(self, access: Access, project_key: str, wanted: FieldInput) -> CustomField:
        """Store a new field."""
        project = await access.project(project_key)
        number = await self._numbers.reserve(access.tenant, project.id, Numbered.CUSTOM_FIELD)
        ident = public_id(project.id, number)
        made: list[CustomField] = []

        def changed(siblings: Sequence[CustomField]) -> FieldChange:
            made[:] = new_field(siblings, ident, project.id, wanted)
            return FieldChange(made)

        await self._store.change(access.tenant, project.id, wanted.entity, changed)
        return made[0]

    async def replace(
        self, access: Access, project_key: str, field: int, wanted: FieldInput
    ) -> CustomField:
        """Replace all of a field but its entity and type; its siblings make room."""
        old = await self.get(access, project_key, field)

        def changed(siblings: Sequence[CustomField]) -> FieldChange:
            current = _of(siblings, field)
            return FieldChange(replaced_field(siblings, current, wanted))

        await self._store.change(access.tenant, old.project, old.entity, changed)
        return await self.get(access, project_key, field)

    async def delete(
        self, access: Access, project_key: str, field: int, *, dry_run: bool
    ) -> tuple[CustomField, int]:
        """Remove a field with all its values, or say what would go: the things that have one."""
        found = await self.get(access, project_key, field)
        values = self._here if found.entity in IN_LIBRARY else self._elsewhere
        count = await values.having(access.tenant, found)
        if not dry_run:

            def changed(siblings: Sequence[CustomField]) -> FieldChange:
                return FieldChange(removed=_of(siblings, field).id)

            await self._store.change(access.tenant, found.project, found.entity, changed)
            await values.forget(access.tenant, found)
        return found, count

    async def of_project(self, tenant: str, project: int) -> Sequence[CustomField]:
        """Return all fields; the project must be known to be enabled."""
        return await self._store.of_projects(tenant, (project,), None)

    async def of_entity(
        self, tenant: str, projects: Collection[int], entity: CustomFieldEntity
    ) -> Mapping[int, Sequence[CustomField]]:
        """Return the fields of one entity by project; a project without any has an empty list."""
        found: dict[int, list[CustomField]] = defaultdict(list)
        if projects:
            for field in await self._store.of_projects(tenant, projects, entity):
                found[field.project].append(field)
        return found

    async def checked(
        self,
        tenant: str,
        project: int,
        entity: CustomFieldEntity,
        sent: Mapping[str, Any],
        kept: Mapping[int, Value] | None = None,
    ) -> Mapping[int, Value]:
        """Return the values to store; ``InvalidInput`` for what breaks a rule of its field."""
        fields = await self._store.of_projects(tenant, (project,), entity)
        try:
            return check_values(fields, sent, kept=kept)
        except CustomFieldFault as fault:
            raise InvalidInput(str(fault)) from None


def _of(siblings: Sequence[CustomField], field: int) -> CustomField:
    found = next((f for f in siblings if f.id == field), None)
    if found is None:  # somebody was quicker
        raise _unknown(field)
    return found


def _unknown(field: int) -> NotFound:
    return NotFound(f"The custom field with id {field} does not exist.")
