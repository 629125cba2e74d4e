"""Reading a collection by id: what all of the two lists and their filters have in common."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING

from contracts.ids import project_of, project_range
from kit.http.pages import CursorPage, OffsetPage
from kit.mongo import Collection as MongoCollection
from kit.mongo import Document
from kit.shelves import everywhere


def within(projects: Collection[int], updated_after: datetime | None = None) -> Document:
    """Return the query of what stands in these projects; its ``id`` may be narrowed further."""
    ids: dict[str, Any] = {"$gte": 0}
    query: Document = {"id": ids}
    if len(projects) == 1:
        (project,) = projects
        first, end = project_range(project)
        ids |= {"$gte": first, "$lt": end}
    else:
        query["project"] = {"$in": sorted(projects)}
    if updated_after is not None:
        query["updated_on"] = {"$gt": updated_after}
    return query


async def offset_page(
    rows: MongoCollection, tenant: str, query: Document, page: OffsetPage
) -> tuple[int, Sequence[Any]]:
    """Return the total and one offset page, by id."""
    wanted = {"tenant": tenant, **query}
    total = await rows.count_documents(wanted)
    found = (
        await rows.find(wanted)
        .sort("id", ASCENDING)
        .skip(page.start_at)
        .limit(page.max_results)
        .to_list(page.max_results)
    )
    return total, found


async def cursor_page(
    rows: MongoCollection, tenant: str, query: Document, page: CursorPage
) -> Sequence[Any]:
    """Return up to ``limit + 1`` documents from an id on; one is the next page's."""
    ids = {**query["id"], "$gte": max(query["id"]["$gte"], page.start_at_id)}
    return (
        await rows.find({"tenant": tenant, **query, "id": ids})
        .sort("id", ASCENDING)
        .limit(page.limit + 1)
        .to_list(page.limit + 1)
    )


async def forget_field(rows: MongoCollection, tenant: str, field: int) -> None:
    """Remove every value of a custom field that is gone."""
    first, end = project_range(project_of(field))
    await rows.update_many(
        {
            # also of what is archived: it may come back
            "tenant": {"$in": everywhere(tenant)},
            "id": {"$gte": first, "$lt": end},
            "custom_fields.field": field,
        },
        {"$pull": {"custom_fields": {"field": field}}},
    )
