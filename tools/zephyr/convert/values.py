"""Definitions of custom fields as rows of the archive, and values that fit them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from contracts.customfields import (
    CHOICES,
    MAX_FIELDS,
    MAX_OPTIONS,
    MAX_TEXT_LENGTH,
    CustomFieldEntity,
    option_key,
)
from contracts.ids import public_id
from contracts.testcases import MAX_NAME_LENGTH
from contracts.transfer import CustomFieldOptionRow, CustomFieldRow
from tools.zephyr.convert.losses import Losses
from tools.zephyr.fields import Definition, Inference, fitted
from tools.zephyr.kinds import CASES, CYCLES, EXECUTIONS, PLANS
from tools.zephyr.workdir import Workdir

ENTITIES = {
    CASES.name: CustomFieldEntity.TEST_CASE,
    PLANS.name: CustomFieldEntity.TEST_PLAN,
    CYCLES.name: CustomFieldEntity.TEST_CYCLE,
    EXECUTIONS.name: CustomFieldEntity.TEST_EXECUTION,
}


def inferred(workdir: Workdir) -> list[Definition]:
    """Infer the definitions from all values that were read."""
    inference = Inference()
    for kind, entity in ENTITIES.items():
        for row in workdir.latest(kind):
            inference.add(entity, row.get("customFields"))
    for details in workdir.latest(CASES.details):
        for step in (details.get("script") or {}).get("steps") or []:
            values = (step.get("inline") or {}).get("customFields")
            inference.add(CustomFieldEntity.TEST_STEP, values)
        for version in details.get("versions") or []:
            values = (version["content"] or {}).get("customFields")
            inference.add(CustomFieldEntity.TEST_CASE, values)
    return inference.definitions()


class Values:
    """The custom fields of a project."""

    def __init__(self, project: int, definitions: Sequence[Definition], losses: Losses) -> None:
        self._losses = losses
        self._fields: dict[CustomFieldEntity, dict[str, Definition]] = {}
        self.rows = list(self._rows(project, definitions))

    def of(
        self, entity: CustomFieldEntity, sent: Mapping[str, Any] | None, where: str
    ) -> dict[str, str | int | float | bool | list[str]]:
        """Return what is set, by name."""
        found: dict[str, str | int | float | bool | list[str]] = {}
        known = self._fields.get(entity, {})
        for name, value in (sent or {}).items():
            field = known.get(name)
            if field is None:
                if value not in (None, "", [], False):
                    self._losses.add(f"value of a field that is not defined ({name})", where)
                continue
            kept, whole = fitted(field, value)
            if not whole:
                self._losses.add(f"value that does not fit custom field {name}", where)
            if field.type in CHOICES:
                kept = self._chosen(field, kept, where)
            elif isinstance(kept, str) and len(kept) > MAX_TEXT_LENGTH:
                self._losses.add(f"value of {name} cut at {MAX_TEXT_LENGTH} characters", where)
                kept = kept[:MAX_TEXT_LENGTH]
            if kept is not None:
                found[name] = kept
        return found

    def _chosen(self, field: Definition, kept: Any, where: str) -> Any:
        """Options that the definition does not have are left out."""
        options = {option_key(option) for option in field.options}
        given = kept if isinstance(kept, list) else [] if kept is None else [kept]
        good = [option for option in given if option_key(option) in options]
        if good != given:
            self._losses.add(f"option that custom field {field.name} does not have", where)
        if isinstance(kept, list):
            return good or None
        return good[0] if good else None

    def _rows(self, project: int, definitions: Sequence[Definition]) -> Iterator[CustomFieldRow]:
        number = 0
        for definition in definitions:
            group = self._fields.setdefault(definition.entity, {})
            names = {option_key(name) for name in group}
            if len(group) >= MAX_FIELDS or option_key(definition.name) in names:
                self._losses.add("custom field beyond the most, or twice", definition.name)
                continue
            options = self._options(definition)
            if definition.type in CHOICES and not options:
                self._losses.add("select list without options left out", definition.name)
                continue
            group[definition.name] = definition.model_copy(update={"options": options})
            number += 1
            yield CustomFieldRow(
                id=public_id(project, number),
                entity=definition.entity,
                type=definition.type,
                name=definition.name,
                index=len(group) - 1,
                required=definition.required,
                options=tuple(
                    CustomFieldOptionRow(id=place, name=name)
                    for place, name in enumerate(options, 1)
                ),
            )

    def _options(self, definition: Definition) -> list[str]:
        if definition.type not in CHOICES:
            return []
        found = list(_distinct(definition.options))
        if len(found) > MAX_OPTIONS:
            self._losses.add(f"options beyond {MAX_OPTIONS} left out", definition.name)
        return found[:MAX_OPTIONS]


def _distinct(names: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name.strip() and len(name) <= MAX_NAME_LENGTH and option_key(name) not in seen:
            seen.add(option_key(name))
            yield name
