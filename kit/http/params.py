"""Query parameters that several lists share. Patterns are the vendor's, unanchored."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Query

from contracts.ids import PROJECT_KEY_PATTERN
from kit.errors import InvalidInput
from kit.http.pages import MAX_INT64

ProjectKeyFilter = Annotated[
    str | None, Query(alias="projectKey", pattern=f"({PROJECT_KEY_PATTERN})")
]
FolderFilter = Annotated[int | None, Query(alias="folderId", ge=1, le=MAX_INT64)]
VersionFilter = Annotated[int | None, Query(alias="jiraProjectVersionId", ge=1, le=MAX_INT64)]

_READS = frozenset({"GET", "HEAD"})


def moment(text: str | None, name: str) -> datetime | None:
    """Parse a date-time: the vendor's form, and other ISO 8601; without an offset it is UTC."""
    if not text:
        return None
    try:
        # a plus sign that a client forgot to encode arrives as a space
        found = datetime.fromisoformat(text.strip().replace(" ", "+"))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(f"{name} must be a date-time like 2026-11-24T12:00:00Z") from None


async def _updated_after(
    updated_after: Annotated[
        str | None, Query(alias="updatedAfter", json_schema_extra={"format": "date-time"})
    ] = None,
) -> datetime | None:
    return moment(updated_after, "updatedAfter")


UpdatedAfter = Annotated[datetime | None, Depends(_updated_after)]


def given(method: str, path: str, query: bytes) -> bytes:
    """Return the query string without parameters that say nothing, ``name=`` or ``name``.

    The one rule of the whole API, applied before anything reads the query. Requests that Ostro
    adds and that change something keep them (400): an empty ``dryRun`` must not delete.
    Atlassian's own routes keep them, too: their signatures cover the query as it is.
    """
    if path.startswith("/v2") or (method in _READS and path.startswith("/ostro/")):
        return b"&".join([part for part in query.split(b"&") if part.partition(b"=")[2]])
    return query
