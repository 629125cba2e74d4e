"""Custom fields of plans, cycles and executions. The library defines them, a copy is here.

What is to be stored is judged by the owner's definitions: a field made a moment ago may be
required. What is stored is shown by the copy, and by the owner's where it has a value of a field
that the copy does not know.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from contracts.customfields import (
    CustomFieldEntity,
    CustomFieldFault,
    CustomFieldState,
    Value,
    check_values,
)
from contracts.ids import project_of
from kit.errors import InvalidInput

Definitions = Mapping[int, Sequence[CustomFieldState]]
"""The fields of one entity by project; one without any may be missing."""


class CustomFieldCopy(Protocol):
    """The copy of the definitions."""

    async def custom_fields(
        self, tenant: str, projects: Collection[int], entity: CustomFieldEntity
    ) -> Sequence[CustomFieldState]:
        """Return the fields that are known here."""
        ...


class CustomFieldOwner(Protocol):
    """The owner of the definitions."""

    async def custom_fields(self, tenant: str, project: int) -> Sequence[CustomFieldState]:
        """Return all fields of a project; ``Unavailable`` when it cannot be asked."""
        ...


class FieldValues(Protocol):
    """The values that things have."""

    async def forget(self, tenant: str, field: int) -> None:
        """Remove every value of a field that is gone."""
        ...


class CustomFields:
    """What may be stored, and by what it is shown."""

    def __init__(self, copy: CustomFieldCopy, owner: CustomFieldOwner) -> None:
        self._copy = copy
        self._owner = owner

    async def checked(
        self,
        tenant: str,
        project: int,
        entity: CustomFieldEntity,
        sent: Mapping[str, Any],
        kept: Mapping[int, Value] | None = None,
    ) -> Mapping[int, Value]:
        """Return the values to store; ``InvalidInput`` for what breaks a rule of its field."""
        fields = await self._owned(tenant, project, entity)
        try:
            return check_values(fields, sent, kept=kept)
        except CustomFieldFault as fault:
            raise InvalidInput(str(fault)) from None

    async def explaining(
        self,
        tenant: str,
        projects: Collection[int],
        entity: CustomFieldEntity,
        stored: Collection[int] = (),
    ) -> Definitions:
        """Return the fields of projects; ``stored`` are fields of which values are to be shown."""
        found: dict[int, list[CustomFieldState]] = defaultdict(list)
        if not projects:
            return found
        for field in await self._copy.custom_fields(tenant, projects, entity):
            found[field.project].append(field)
        known = {field.id for fields in found.values() for field in fields}
        for project in {project_of(field) for field in set(stored) - known}:
            found[project] = list(await self._owned(tenant, project, entity))
        return found

    async def _owned(
        self, tenant: str, project: int, entity: CustomFieldEntity
    ) -> Sequence[CustomFieldState]:
        fields = await self._owner.custom_fields(tenant, project)
        return [field for field in fields if field.entity is entity]
