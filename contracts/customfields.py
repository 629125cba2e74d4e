"""Custom fields: their definitions, and what a value must be and looks like.

testcases owns the definitions; values lie with the things that have them, in two services, by the
ids of fields and options, so that both may be renamed. The rules of values stand beside the
definitions because both services must have the same ones (docs/adr/0020-rules-of-values.md).
Source: behaviour.md sections 5, 8 and 9 of the API facts.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, TypeAlias

from contracts.base import Contract
from contracts.classes import DataClass

MAX_FIELDS = 100
"""Of one project and entity."""
MAX_OPTIONS = 200
"""Of one field."""
MAX_TEXT_LENGTH = 32_767

_DATE = re.compile(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_ACCOUNT = re.compile(r"\A[-:a-zA-Z0-9]{1,128}\Z")


class CustomFieldEntity(StrEnum):
    """What has the field."""

    TEST_CASE = "test-case"
    TEST_PLAN = "test-plan"
    TEST_CYCLE = "test-cycle"
    TEST_EXECUTION = "test-execution"
    TEST_STEP = "test-step"
    FOLDER = "folder"


class CustomFieldType(StrEnum):
    """What a value is."""

    SINGLE_LINE_TEXT = "SINGLE_LINE_TEXT"
    MULTI_LINE_TEXT = "MULTI_LINE_TEXT"
    NUMBER = "NUMBER"
    DECIMAL = "DECIMAL"
    CHECKBOX = "CHECKBOX"
    SINGLE_CHOICE_SELECT_LIST = "SINGLE_CHOICE_SELECT_LIST"
    MULTI_CHOICE_SELECT_LIST = "MULTI_CHOICE_SELECT_LIST"
    DATE = "DATE"
    USER_LIST = "USER_LIST"


TEXTS = frozenset({CustomFieldType.SINGLE_LINE_TEXT, CustomFieldType.MULTI_LINE_TEXT})
CHOICES = frozenset(
    {CustomFieldType.SINGLE_CHOICE_SELECT_LIST, CustomFieldType.MULTI_CHOICE_SELECT_LIST}
)
"""The types that have options."""


class CustomFieldOption(Contract):
    """One option of a select list. Its id counts within the field."""

    id: Annotated[int, DataClass.OPERATIONAL]
    name: Annotated[str, DataClass.CUSTOMER_CONTENT]
    default: Annotated[bool, DataClass.OPERATIONAL] = False
    archived: Annotated[bool, DataClass.OPERATIONAL] = False


class CustomFieldState(Contract):
    """One custom field of a project and entity. Key: tenant/custom field id."""

    id: Annotated[int, DataClass.OPERATIONAL]
    project: Annotated[int, DataClass.OPERATIONAL]
    entity: Annotated[CustomFieldEntity, DataClass.OPERATIONAL]
    type: Annotated[CustomFieldType, DataClass.OPERATIONAL]
    name: Annotated[str, DataClass.CUSTOMER_CONTENT]
    index: Annotated[int, DataClass.OPERATIONAL]
    required: Annotated[bool, DataClass.OPERATIONAL] = False
    options: tuple[CustomFieldOption, ...] = ()
    """In their order; of select lists alone."""


class Account(str):
    """The account id of a user: stored apart from what people wrote."""

    __slots__ = ()


Value: TypeAlias = str | int | float | bool | list[int]
"""As stored: text, number, truth, ``yyyy-MM-dd``, ``Account``, an option's id or several."""


class CustomFieldFault(ValueError):
    """A value breaks a rule; the text is for the client and names the field."""


def check_values(
    fields: Sequence[CustomFieldState],
    sent: Mapping[str, Any],
    *,
    kept: Mapping[int, Value] | None = None,
) -> dict[int, Value]:
    """Return the values to store, by field id.

    ``kept`` are those of a thing that is replaced: an archived option that it has may stay, and
    whoever sends one field must send all. Without it the thing is new, and a field that is left
    out takes the defaults of its options.

    Raises ``CustomFieldFault``: unknown name, wrong type, unknown option, required and not there.
    """
    by_name = {f.name: f for f in fields}
    for name in sent:
        if name not in by_name:
            raise CustomFieldFault(f"No custom field with the name '{name}' exists in the project.")
    values: dict[int, Value] = {}
    for field in fields:
        if field.name in sent:
            value = _parsed(field, sent[field.name], (kept or {}).get(field.id))
            if value is None and field.required:
                raise CustomFieldFault(f"Custom field '{field.name}' is required, not empty.")
        elif field.required:
            raise CustomFieldFault(f"Custom field '{field.name}' is required.")
        elif kept is not None and sent:
            raise CustomFieldFault(
                f"Custom field '{field.name}' is missing: an update must hold all of them."
            )
        else:
            value = _default(field) if kept is None else None
        if value is not None:
            values[field.id] = value
    return values


def show_values(
    fields: Iterable[CustomFieldState], values: Mapping[int, Value]
) -> dict[str, str | int | float | bool | list[str] | None]:
    """Return all fields by name: unset text is "", an unset checkbox false, the rest null."""
    return {f.name: _shown(f, values.get(f.id)) for f in sorted(fields, key=_place)}


def name_values(
    fields: Sequence[CustomFieldState], values: Mapping[int, Value]
) -> dict[str, str | int | float | bool | list[str]]:
    """Return what is set, by name, by index; ``restored_values`` is the way back."""
    shown = show_values([f for f in fields if f.id in values], values)
    return {name: value for name, value in shown.items() if value is not None}


def restored_values(
    fields: Sequence[CustomFieldState], named: Mapping[str, Any]
) -> dict[int, Value]:
    """Return the values to store of what was somewhere else, by field id.

    Archived options count, nothing is required, and there are no defaults: what was there is what
    comes back. Raises ``CustomFieldFault``: unknown name, wrong type, unknown option.
    """
    by_name = {f.name: f for f in fields}
    values: dict[int, Value] = {}
    for name, value in named.items():
        field = by_name.get(name)
        if field is None:
            raise CustomFieldFault(f"No custom field with the name '{name}' exists in the project.")
        options = tuple(o.model_copy(update={"archived": False}) for o in field.options)
        stored = _parsed(field.model_copy(update={"options": options}), value, None)
        if stored is not None:
            values[field.id] = stored
    return values


def option_key(name: str) -> str:
    """Return what the names of two options, or of two fields, have in common when they clash."""
    return name.strip().casefold()


def _place(field: CustomFieldState) -> tuple[int, int]:
    return field.index, field.id


def _default(field: CustomFieldState) -> Value | None:
    chosen = [o.id for o in field.options if o.default and not o.archived]
    if field.type is CustomFieldType.MULTI_CHOICE_SELECT_LIST:
        return chosen or None
    return chosen[0] if chosen else None


def _shown(
    field: CustomFieldState, value: Value | None
) -> str | int | float | bool | list[str] | None:
    if value is None:
        if field.type is CustomFieldType.CHECKBOX:
            return False
        return "" if field.type in TEXTS else None
    if field.type not in CHOICES:
        assert not isinstance(value, list)
        return value
    names = {o.id: o.name for o in field.options}
    if isinstance(value, list):
        return [names[i] for i in value if i in names] or None
    return names.get(int(value))


_Parser: TypeAlias = Callable[[CustomFieldState, Any, Value | None], Value | None]


def _parsed(field: CustomFieldState, value: Any, kept: Value | None) -> Value | None:
    return None if value is None else _PARSERS[field.type](field, value, kept)


def _wrong(field: CustomFieldState, wanted: str) -> CustomFieldFault:
    return CustomFieldFault(f"Custom field '{field.name}' must be of type {wanted}.")


def _text(field: CustomFieldState, value: Any, _: Value | None) -> str | None:
    if not isinstance(value, str):
        raise _wrong(field, "string")
    if len(value) > MAX_TEXT_LENGTH:
        raise CustomFieldFault(
            f"Custom field '{field.name}' must not be longer than {MAX_TEXT_LENGTH}."
        )
    return value or None


def _number(field: CustomFieldState, value: Any, _: Value | None) -> float | int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(field, "number")
    # beyond these no store keeps it as it is
    if not (math.isfinite(value) if isinstance(value, float) else -(2**63) <= value < 2**63):
        raise _wrong(field, "number")
    return value


def _truth(field: CustomFieldState, value: Any, _: Value | None) -> bool:
    if not isinstance(value, bool):
        raise _wrong(field, "boolean")
    return value


def _day(field: CustomFieldState, value: Any, _: Value | None) -> str | None:
    if value == "":
        return None
    if not isinstance(value, str) or not _DATE.match(value):
        raise _wrong(field, "date string (yyyy-MM-dd)")
    try:
        date.fromisoformat(value)
    except ValueError:
        raise _wrong(field, "date string (yyyy-MM-dd)") from None
    return value


def _account(field: CustomFieldState, value: Any, _: Value | None) -> Account | None:
    if value == "":
        return None
    if not isinstance(value, str):
        raise _wrong(field, "string")
    if not _ACCOUNT.match(value):
        raise CustomFieldFault(f"Custom field '{field.name}' must be the id of an account.")
    return Account(value)


def _choice(field: CustomFieldState, value: Any, kept: Value | None) -> int | None:
    if value == "":
        return None
    if not isinstance(value, str):
        raise _wrong(field, "string")
    return _option(field, value, [kept])


def _choices(field: CustomFieldState, value: Any, kept: Value | None) -> list[int] | None:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _wrong(field, "list")
    had = kept if isinstance(kept, list) else []
    # an option named twice is chosen once
    return list(dict.fromkeys(_option(field, item, had) for item in value)) or None


def _option(field: CustomFieldState, name: str, kept: Sequence[Value | None]) -> int:
    wanted = option_key(name)
    for option in field.options:
        if option_key(option.name) == wanted and (not option.archived or option.id in kept):
            return option.id
    raise CustomFieldFault(f"Custom field '{field.name}' has no option with the name '{name}'.")


_PARSERS: Mapping[CustomFieldType, _Parser] = {
    CustomFieldType.SINGLE_LINE_TEXT: _text,
    CustomFieldType.MULTI_LINE_TEXT: _text,
    CustomFieldType.NUMBER: _number,
    CustomFieldType.DECIMAL: _number,
    CustomFieldType.CHECKBOX: _truth,
    CustomFieldType.SINGLE_CHOICE_SELECT_LIST: _choice,
    CustomFieldType.MULTI_CHOICE_SELECT_LIST: _choices,
    CustomFieldType.DATE: _day,
    CustomFieldType.USER_LIST: _account,
}
