"""Query parameters that several lists share."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Query

from contracts.ids import PROJECT_KEY_PATTERN
from kit.errors import InvalidInput

ProjectKey = Annotated[str | None, Query(alias="projectKey", pattern=f"^{PROJECT_KEY_PATTERN}$")]
JiraVersion = Annotated[int | None, Query(alias="jiraProjectVersionId", ge=1)]


def moment(text: str | None, name: str) -> datetime | None:
    """Parse a date-time; the vendor's form and other ISO 8601 offsets."""
    if text is None:
        return None
    try:
        # a plus sign that a client forgot to encode arrives as a space
        found = datetime.fromisoformat(text.strip().replace(" ", "+"))
    except ValueError:
        raise InvalidInput(f"{name} must be a date-time like 2026-11-24T12:00:00Z") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _updated_after(
    updated_after: Annotated[str | None, Query(alias="updatedAfter")] = None,
) -> datetime | None:
    return moment(updated_after, "updatedAfter")


UpdatedAfter = Annotated[datetime | None, Depends(_updated_after)]
