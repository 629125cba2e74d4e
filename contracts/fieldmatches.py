"""Searching by custom fields: what ``name=value`` means, beside the rules of values."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from contracts.customfields import (
    CHOICES,
    Account,
    CustomFieldFault,
    CustomFieldState,
    CustomFieldType,
    Value,
    option_key,
)

_NUMBERS = frozenset({CustomFieldType.NUMBER, CustomFieldType.DECIMAL})
_TRUTHS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class FieldMatch:
    """A value that a thing of the field's project must have, among others where it is a list."""

    field: int
    project: int
    value: Value
    or_unset: bool = False
    """A checkbox that was never set shows as false."""


def field_matches(fields: Sequence[CustomFieldState], text: str) -> list[FieldMatch]:
    """Return what ``name=value`` matches, in each project that has such a field.

    Names are exact, options match in any case, and the rest is as it is shown. Raises
    ``CustomFieldFault`` when no project has the field, or none could hold such a value.
    """
    # names may hold the sign, too: the longest one counts
    for place in range(len(text) - 1, 0, -1):
        alike = [f for f in fields if text[place] == "=" and f.name == text[:place]]
        if alike:
            value = text[place + 1 :]
            found = [match for field in alike if (match := _match(field, value)) is not None]
            if not found:
                raise CustomFieldFault(f"Custom field '{alike[0].name}' has no such value.")
            return found
    raise CustomFieldFault("A custom field must be given as name=value, with a name that exists.")


def _match(field: CustomFieldState, text: str) -> FieldMatch | None:
    value: Value | None = text
    if field.type in CHOICES:
        wanted = option_key(text)
        value = next((o.id for o in field.options if option_key(o.name) == wanted), None)
    elif field.type in _NUMBERS:
        value = _number(text)
    elif field.type is CustomFieldType.CHECKBOX:
        value = _TRUTHS.get(text.lower())
    elif field.type is CustomFieldType.USER_LIST:
        value = Account(text)
    if value is None or value == "":
        return None
    return FieldMatch(field.id, field.project, value, or_unset=value is False)


def _number(text: str) -> float | int | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None
