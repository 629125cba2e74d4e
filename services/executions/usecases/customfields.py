"""Custom fields of plans, cycles and executions. The library defines them, a copy is here.

What is to be stored is judged by the owner's definitions: a field made a moment ago may be
required. What is stored is shown by the copy, and by the owner's where it has a value of a field
that the copy does not know. Executions are shown by what the copy had less than a second ago,
unless a value of theirs is newer than that.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

from contracts.customfields import (
    CHOICES,
    CustomFieldEntity,
    CustomFieldFault,
    CustomFieldState,
    Value,
    check_values,
)
from contracts.ids import project_of
from kit.errors import InvalidInput
from services.executions.domain.customfields import CustomValue

Definitions = Mapping[int, Sequence[CustomFieldState]]
"""The fields of one entity by project; one without any may be missing."""


class CustomFieldCopy(Protocol):
    """The copy of the definitions."""

    async def custom_fields(
        self, tenant: str, projects: Collection[int], entity: CustomFieldEntity
    ) -> Sequence[CustomFieldState]:
        """Return the fields that are known here."""
        ...

    async def recent_custom_fields(
        self, tenant: str, projects: Collection[int], entity: CustomFieldEntity
    ) -> Sequence[CustomFieldState]:
        """Return those that were known here less than a second ago."""
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

    async def of_page(
        self,
        tenant: str,
        projects: Collection[int],
        entity: CustomFieldEntity,
        values: Sequence[CustomValue],
    ) -> Definitions:
        """Return the fields of projects, by which these values are shown.

        They are those of less than a second ago, unless a value is newer than its field is there.
        """
        recent = await self._copy.recent_custom_fields(tenant, projects, entity)
        if not _explained(values, recent):
            return await self.explaining(tenant, projects, entity, {v["field"] for v in values})
        return _by_project(recent)

    async def explaining(
        self,
        tenant: str,
        projects: Collection[int],
        entity: CustomFieldEntity,
        stored: Collection[int] = (),
    ) -> Definitions:
        """Return the fields of projects; ``stored`` are fields of which values are to be shown."""
        if not projects:
            return {}
        found = _by_project(await self._copy.custom_fields(tenant, projects, entity))
        known = {field.id for fields in found.values() for field in fields}
        for project in {project_of(field) for field in set(stored) - known}:
            found[project] = list(await self._owned(tenant, project, entity))
        return found

    async def _owned(
        self, tenant: str, project: int, entity: CustomFieldEntity
    ) -> Sequence[CustomFieldState]:
        fields = await self._owner.custom_fields(tenant, project)
        return [field for field in fields if field.entity is entity]


def _by_project(fields: Iterable[CustomFieldState]) -> dict[int, list[CustomFieldState]]:
    found: dict[int, list[CustomFieldState]] = defaultdict(list)
    for field in fields:
        found[field.project].append(field)
    return found


def _explained(values: Sequence[CustomValue], fields: Iterable[CustomFieldState]) -> bool:
    """Whether every value is of one of the fields, and every choice one of its options."""
    if not values:
        return True
    options = {f.id: {o.id for o in f.options} if f.type in CHOICES else None for f in fields}
    for row in values:
        if row["field"] not in options:
            return False
        named, value = options[row["field"]], row.get("value")
        if named is not None and value is not None:
            chosen = value if isinstance(value, list) else [value]
            if not named.issuperset(chosen):
                return False
    return True
