"""Pages of the public API: offset lists and cursor lists, exactly as clients walk them.

Source: behaviour.md section 3. ``next`` is absolute and carries the same filters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import quote, urlencode

import orjson
from fastapi import Depends, Query, Request, Response
from typing_extensions import TypedDict

T = TypeVar("T")
Answers = dict[int | str, dict[str, Any]]
"""Documented answers of a route, by status."""

_VENDOR_TIMES = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS
MAX_RESULTS_CAP = 1000
MAX_START_AT = 1_000_000
MAX_INT64 = (1 << 63) - 1
"""MongoDB stores no larger integer; the schema says int64."""


class OffsetList(TypedDict, Generic[T]):
    """An offset page."""

    next: str | None
    startAt: int
    maxResults: int
    total: int
    isLast: bool
    values: list[T]


class CursorList(TypedDict, Generic[T]):
    """A cursor page."""

    next: str | None
    nextStartAtId: int | None
    limit: int
    values: list[T]


@dataclass(frozen=True)
class OffsetPage:
    """Which page: ``start_at`` from 0, ``max_results`` 1..1000."""

    start_at: int
    max_results: int


@dataclass(frozen=True)
class CursorPage:
    """Which page: ids from ``start_at_id`` on (inclusive), at most ``limit``."""

    start_at_id: int
    limit: int


# async: what is not, FastAPI sends to a thread
async def _offset_page(
    start_at: Annotated[int, Query(alias="startAt", ge=0, le=MAX_START_AT)] = 0,
    # clients ask for 0 on empty sets; above the cap the page is shrunk, not refused
    max_results: Annotated[int, Query(alias="maxResults", ge=0, le=MAX_INT64)] = 10,
) -> OffsetPage:
    return OffsetPage(start_at, min(max(max_results, 1), MAX_RESULTS_CAP))


async def _cursor_page(
    start_at_id: Annotated[int, Query(alias="startAtId", ge=0, le=MAX_INT64)] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_RESULTS_CAP)] = 10,
) -> CursorPage:
    return CursorPage(start_at_id, limit)


Offset = Annotated[OffsetPage, Depends(_offset_page)]
Cursor = Annotated[CursorPage, Depends(_cursor_page)]


def offset_response(
    request: Request, base: str, page: OffsetPage, total: int, values: Sequence[Any]
) -> Response:
    """Render an offset list. ``base`` is the public API's base, ending in ``/v2``."""
    following = page.start_at + page.max_results
    last = following >= total
    return json_response(
        {
            "next": None
            if last
            else _link(request, base, startAt=following, maxResults=page.max_results),
            "startAt": page.start_at,
            "maxResults": page.max_results,
            "total": total,
            "isLast": last,
            "values": values,
        }
    )


def cursor_response(
    request: Request, base: str, page: CursorPage, next_id: int | None, values: Sequence[Any]
) -> Response:
    """Render a cursor list; ``next_id`` is the id the following page starts at."""
    return json_response(
        {
            "next": None
            if next_id is None
            else _link(request, base, startAtId=next_id, limit=page.limit),
            "nextStartAtId": next_id,
            "limit": page.limit,
            "values": values,
        }
    )


def json_response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Serialise straight to bytes; no model is needed for what we built ourselves.

    Aware UTC times are written as ``vendor_time`` does, for a fraction of what that costs.
    """
    content = orjson.dumps(body, option=_VENDOR_TIMES)
    return Response(content, status, headers, media_type="application/json")


def _link(request: Request, base: str, **changed: int) -> str:
    query = [(k, v) for k, v in request.query_params.multi_items() if k not in changed]
    query += [(k, str(v)) for k, v in changed.items()]
    path = quote(str(request.scope["path"]).removeprefix("/v2"))
    return f"{base}{path}?{urlencode(query)}"
