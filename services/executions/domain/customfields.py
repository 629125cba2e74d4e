"""Values of custom fields as they lie in documents; what they mean is in contracts."""

from collections.abc import Iterable, Mapping
from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from contracts.classes import DataClass
from contracts.customfields import Account, Value


class CustomValue(TypedDict):
    """The value of a custom field: an account in ``user``, anything else in ``value``."""

    field: Annotated[int, DataClass.OPERATIONAL]
    value: NotRequired[Annotated[str | int | float | bool | list[int], DataClass.CUSTOMER_CONTENT]]
    user: NotRequired[Annotated[str, DataClass.JIRA_ID]]


def values_of(rows: Iterable[CustomValue]) -> dict[int, Value]:
    """Read the values of a thing."""
    return {row["field"]: Account(row["user"]) if "user" in row else row["value"] for row in rows}


def value_rows(values: Mapping[int, Value]) -> list[CustomValue]:
    """Build what is stored of values."""
    return [_row(field, value) for field, value in values.items()]


def _row(field: int, value: Value) -> CustomValue:
    if isinstance(value, Account):
        return {"field": field, "user": str(value)}
    return {"field": field, "value": value}
