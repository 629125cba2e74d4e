"""What searches in MongoDB have in common: an order, a place in it, ranges and custom fields.

Conditions, for a filter that begins with the tenant; what clients write stands where values stand.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from pymongo import ASCENDING, DESCENDING

from contracts.customfields import Account
from contracts.fieldmatches import FieldMatch
from kit.http.search import Between, Position, SearchPage
from kit.mongo import Document


def sort_by(page: SearchPage, field: str | None) -> list[tuple[str, int]]:
    """Return the order by a field and then by id; None: by id."""
    way = DESCENDING if page.order.descending else ASCENDING
    return [("id", way)] if field is None else [(field, way), ("id", way)]


def behind(page: SearchPage, field: str | None, after: Position) -> list[Document]:
    """Say what comes behind a place in that order."""
    beyond, from_on = ("$lt", "$lte") if page.order.descending else ("$gt", "$gte")
    if field is None:
        return [{"id": {beyond: after.id}}]
    return [
        {field: {from_on: after.value}},
        {"$or": [{field: {beyond: after.value}}, {"id": {beyond: after.id}}]},
    ]


def between(name: str, range_: Between) -> list[Document]:
    """Say that a moment is in a range; nothing for one that is open at both ends."""
    bounds = {"$gt": range_.after, "$lt": range_.before}
    given = {operator: moment for operator, moment in bounds.items() if moment is not None}
    return [{name: given}] if given else []


def having_fields(fields: Iterable[Sequence[FieldMatch]]) -> list[Document]:
    """Say that of each group one match of a custom field holds."""
    return [{"$or": [_match(match) for match in matches]} for matches in fields]


def _match(match: FieldMatch) -> Document:
    held = "user" if isinstance(match.value, Account) else "value"
    value: Any = str(match.value) if held == "user" else match.value
    having: Document = {"$elemMatch": {"field": match.field, held: {"$eq": value}}}
    if match.or_unset:
        unset = {"$not": {"$elemMatch": {"field": match.field, "value": True}}}
        return {"project": match.project, "custom_fields": unset}
    return {"project": match.project, "custom_fields": having}
