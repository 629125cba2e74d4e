"""Lists: cursor walks where the source has them, pages by offset elsewhere."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from tools.zephyr.api import Api, ApiError, Refused
from tools.zephyr.workdir import Row

PAGE = 100
_LAST_START = 1_000_000
"""The API takes no larger startAt."""


async def offset_pages(
    api: Api, path: str, query: Mapping[str, Any], start: int = 0
) -> AsyncIterator[tuple[list[Row], int, bool]]:
    """Yield (rows, where the next page starts, whether this was the last)."""
    while True:
        if start > _LAST_START:
            raise ApiError(f"{path} holds more than pages by offset can reach ({_LAST_START})")
        page = await api.get(path, **query, startAt=start, maxResults=PAGE)
        rows: list[Row] = page.get("values") or []
        start += len(rows)
        last = not rows or page.get("isLast") is True or start >= page.get("total", start + 1)
        yield rows, start, last
        if last:
            return


async def cursor_pages(
    api: Api, path: str, query: Mapping[str, Any], start: int = 0
) -> AsyncIterator[tuple[list[Row], int, bool]]:
    """Yield (rows, id that the next page starts at, whether this was the last), ids ascending."""
    while True:
        page = await api.get(f"{path}/nextgen", **query, startAtId=start, limit=PAGE)
        rows: list[Row] = page.get("values") or []
        following = page.get("nextStartAtId")
        if following is not None and following <= start:
            raise ApiError(f"{path}/nextgen goes in a circle at {start}")
        start = start if following is None else int(following)
        yield rows, start, following is None
        if following is None:
            return


async def every(api: Api, path: str, **query: Any) -> list[Row]:
    """Return all rows of a short list."""
    found: list[Row] = []
    async for rows, _, _ in offset_pages(api, path, query):
        found += rows
    return found


async def has_cursor_walk(api: Api, path: str, project: str) -> bool:
    """Whether the source answers at ``/nextgen``; older deployments refuse the path."""
    try:
        page = await api.get(f"{path}/nextgen", projectKey=project, limit=1)
    except Refused:
        return False
    return isinstance(page, dict) and "nextStartAtId" in page


async def total(api: Api, path: str, project: str) -> int:
    """How many things the source says that it has; 0 where it does not say."""
    page = await api.get(path, projectKey=project, maxResults=1)
    return int(page.get("total") or 0)
