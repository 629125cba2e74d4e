"""Searches that Ostro adds: cursor pages in any of several orders, and the choice of fields.

A cursor is the position of the last item in the order: what is written behind it meanwhile is met,
what is written before it is not, and nothing is shown twice that did not move.
"""

import base64
import binascii
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import quote, urlencode

import orjson
from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from contracts.customfields import CustomFieldFault, CustomFieldState
from contracts.fieldmatches import FieldMatch, field_matches
from contracts.flags import SEARCH
from contracts.ids import PROJECT_KEY_PATTERN
from kit.errors import InvalidInput, Unavailable
from kit.flags import Flags
from kit.http.pages import MAX_INT64, MAX_RESULTS_CAP, json_response

T = TypeVar("T")

SWITCHED_OFF_SECONDS = 60
"""When to ask again."""
MAX_TEXT_LENGTH = 500
"""Characters of one text to search for."""
MAX_CHOICES = 100
"""Values of one parameter."""

_MAX_ID_DIGITS = 17

SearchText = Annotated[str, Field(min_length=1, max_length=MAX_TEXT_LENGTH)]
Ids = Annotated[
    tuple[Annotated[int, Field(ge=1, le=MAX_INT64)], ...], Field(max_length=MAX_CHOICES)
]
Choices = Annotated[tuple[SearchText, ...], Field(max_length=MAX_CHOICES)]


class SearchQuery(BaseModel):
    """What every search takes. A parameter that is not known is an error, not another search."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    project_key: Annotated[
        str | None, Field(alias="projectKey", pattern=f"^{PROJECT_KEY_PATTERN}$")
    ] = None
    sort: Annotated[
        str | None, Field(max_length=50, description="a sort key; with - in front from the end")
    ] = None
    fields: Annotated[
        Choices, Field(description="fields of each item to show, comma-separated; all by default")
    ] = ()
    limit: Annotated[int, Field(ge=1, le=MAX_RESULTS_CAP)] = 50
    cursor: Annotated[
        str | None, Field(max_length=2_000, description="nextCursor of the page before")
    ] = None


class SearchList(TypedDict, Generic[T]):
    """A page; ``nextCursor`` is null on the last one."""

    next: str | None
    nextCursor: str | None
    limit: int
    values: list[T]


@dataclass(frozen=True)
class Order:
    """In which order: by a sort key and then by id."""

    key: str
    descending: bool = False

    def __str__(self) -> str:
        return f"-{self.key}" if self.descending else self.key


@dataclass(frozen=True)
class Position:
    """The place of an item in the order; ``value`` is None where the order is that of ids."""

    value: str | datetime | None
    id: int


@dataclass(frozen=True)
class SearchPage:
    """Which page: at most ``limit`` items behind a position, of which ``fields`` are shown."""

    order: Order
    after: Position | None
    limit: int
    fields: Collection[str]
    """Empty: all."""


@dataclass(frozen=True)
class Between:
    """After a moment and before another one, neither included; None is open."""

    after: datetime | None = None
    before: datetime | None = None


ALWAYS = Between()

SortKeys = Mapping[str, type[str] | type[datetime] | None]
"""What an item is sorted by; None: by its id alone. The first one is the default."""


def check_search(flags: Flags, tenant: str) -> None:
    """Raise ``Unavailable`` where the flag ``search`` is off."""
    if not flags.value(tenant, SEARCH):
        raise Unavailable("Searches are switched off at present.", retry_after=SWITCHED_OFF_SECONDS)


def search_page(query: SearchQuery, sorts: SortKeys, fields: Collection[str]) -> SearchPage:
    """Return the page that is wanted; raise ``InvalidInput``."""
    order = _order(query.sort, sorts)
    after = None if query.cursor is None else _position(query.cursor, order, sorts[order.key])
    chosen = [name for text in query.fields for name in text.split(",")]
    for name in chosen:
        if name not in fields:
            raise InvalidInput(f"fields must be some of {', '.join(fields)}")
    return SearchPage(order, after, query.limit, frozenset(chosen))


def search_response(
    request: Request,
    root: str,
    page: SearchPage,
    following: Position | None,
    values: Sequence[Mapping[str, Any]],
) -> Response:
    """Render a page; ``root`` is the public URL, ``following`` where the next page begins."""
    cursor = None if following is None else _cursor(following, page.order)
    shown = values
    if page.fields:
        shown = [{k: v for k, v in value.items() if k in page.fields} for value in values]
    return json_response(
        {
            "next": None if cursor is None else _link(request, root, cursor),
            "nextCursor": cursor,
            "limit": page.limit,
            "values": shown,
        }
    )


def is_id(text: str) -> bool:
    """Whether a choice is an id, and no name."""
    return text.isascii() and text.isdigit() and len(text) < _MAX_ID_DIGITS


def chosen_values(
    known: Mapping[int, Collection[CustomFieldState]], wanted: Sequence[str]
) -> Sequence[Sequence[FieldMatch]]:
    """Read ``name=value`` of custom fields, by the fields of each project; ``InvalidInput``."""
    fields = [one for of_project in known.values() for one in of_project]
    try:
        return [field_matches(fields, text) for text in wanted]
    except CustomFieldFault as fault:
        raise InvalidInput(str(fault)) from None


def _order(text: str | None, sorts: SortKeys) -> Order:
    if text is None:
        return Order(next(iter(sorts)))
    key = text.removeprefix("-")
    if key not in sorts:
        raise InvalidInput(f"sort must be one of {', '.join(sorts)}, or one with - in front")
    return Order(key, text.startswith("-"))


def _cursor(position: Position, order: Order) -> str:
    parts = [str(order), position.value, position.id]
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def _position(cursor: str, order: Order, kind: type[str] | type[datetime] | None) -> Position:
    """Read a cursor; anybody may have made one up, and whatever it says is but a place."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        made_for, value, ident = orjson.loads(base64.b64decode(padded, b"-_", validate=True))
        if kind is datetime:
            value = datetime.fromisoformat(value).astimezone(UTC)
    except (binascii.Error, ValueError, TypeError, OverflowError):
        raise InvalidInput("cursor is none that a search gave") from None
    if made_for != str(order):
        raise InvalidInput("cursor belongs to a search in another order")
    if (
        not isinstance(value, kind or type(None))
        or type(ident) is not int
        or abs(ident) > MAX_INT64
    ):
        raise InvalidInput("cursor is none that a search gave")
    return Position(value, ident)


def _link(request: Request, root: str, cursor: str) -> str:
    query = [(k, v) for k, v in request.query_params.multi_items() if k != "cursor"]
    return f"{root}{quote(request.scope['path'])}?{urlencode([*query, ('cursor', cursor)])}"
