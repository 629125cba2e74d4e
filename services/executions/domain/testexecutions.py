"""The test execution."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, NotRequired

from typing_extensions import TypedDict

from contracts.classes import DataClass
from contracts.executions import ResultChunk
from services.executions.domain.customfields import CustomValue
from services.executions.domain.executionsteps import ExecutionStep
from services.executions.domain.links import Link


class TestExecution(TypedDict):
    """One test execution as stored. ``_id`` is tenant/upload/position for uploaded ones."""

    _id: Annotated[str, DataClass.OPERATIONAL]
    tenant: Annotated[str, DataClass.OPERATIONAL]
    id: Annotated[int, DataClass.OPERATIONAL]
    """Public id; the newest run of a case in a cycle is the one with the highest."""
    project: Annotated[int, DataClass.OPERATIONAL]
    cycle: Annotated[int | None, DataClass.OPERATIONAL]
    case: Annotated[int, DataClass.OPERATIONAL]
    version: Annotated[int, DataClass.OPERATIONAL]
    version_id: Annotated[int, DataClass.OPERATIONAL]
    status: Annotated[int, DataClass.OPERATIONAL]
    environment: Annotated[int | None, DataClass.OPERATIONAL]
    jira_version: Annotated[int | None, DataClass.JIRA_ID]
    time: Annotated[int | None, DataClass.OPERATIONAL]
    """Milliseconds."""
    end: Annotated[datetime, DataClass.OPERATIONAL]
    executed_by: Annotated[str | None, DataClass.JIRA_ID]
    assigned_to: Annotated[str | None, DataClass.JIRA_ID]
    comment: Annotated[str | None, DataClass.CUSTOMER_CONTENT]
    automated: Annotated[bool, DataClass.OPERATIONAL]
    upload: Annotated[str | None, DataClass.OPERATIONAL]
    imported: NotRequired[Annotated[str, DataClass.OPERATIONAL]]
    """The import that it came with."""
    updated_on: Annotated[datetime, DataClass.OPERATIONAL]
    """When it was stored or changed, so that pollers with updatedAfter miss none."""
    links: NotRequired[list[Link]]
    """At most 1,000, the oldest first; absent until the first one, which few ever get."""
    archived_on: NotRequired[Annotated[datetime, DataClass.OPERATIONAL]]
    """Of one that was put on a shelf by itself."""
    custom_fields: NotRequired[list[CustomValue]]
    estimated_time: NotRequired[Annotated[int, DataClass.CUSTOMER_CONTENT]]
    """Milliseconds; the case's, when the execution was recorded."""
    steps: NotRequired[list[ExecutionStep]]
    """As they were when it ran; uploaded ones have none. Only the routes of steps read them."""
    steps_rev: NotRequired[Annotated[int, DataClass.OPERATIONAL]]
    """How often the steps were changed; absent before the first time."""


class ExecutionContent(TypedDict, total=False):
    """What a change sets."""

    status: Annotated[int, DataClass.OPERATIONAL]
    environment: Annotated[int, DataClass.OPERATIONAL]
    end: Annotated[datetime, DataClass.OPERATIONAL]
    time: Annotated[int, DataClass.OPERATIONAL]
    executed_by: Annotated[str, DataClass.JIRA_ID]
    assigned_to: Annotated[str, DataClass.JIRA_ID]
    comment: Annotated[str, DataClass.CUSTOMER_CONTENT]


class ExecutionSteps(TypedDict):
    """What a change of steps sets; the version where the script was pulled in anew."""

    steps: list[ExecutionStep]
    version: NotRequired[Annotated[int, DataClass.OPERATIONAL]]
    version_id: NotRequired[Annotated[int, DataClass.OPERATIONAL]]


class LedgerRow(TypedDict):
    """One stored chunk. ``_id`` is upload/chunk; with it the chunk is done."""

    _id: Annotated[str, DataClass.OPERATIONAL]
    tenant: Annotated[str, DataClass.OPERATIONAL]
    upload: Annotated[str, DataClass.OPERATIONAL]
    chunk: Annotated[int, DataClass.OPERATIONAL]
    project: Annotated[int, DataClass.OPERATIONAL]
    cycle: Annotated[int, DataClass.OPERATIONAL]
    first_id: Annotated[int, DataClass.OPERATIONAL]
    last_id: Annotated[int, DataClass.OPERATIONAL]
    count: Annotated[int, DataClass.OPERATIONAL]
    by_status: Annotated[dict[str, int], DataClass.OPERATIONAL]
    stored_at: Annotated[datetime, DataClass.OPERATIONAL]


def ledger_id(upload: str, chunk: int) -> str:
    """Return the id of a chunk's ledger row; fixed width, so that one upload is one range."""
    return f"{upload}/{chunk:06d}"


def documents_of(
    chunk: ResultChunk, tenant: str, stored_at: datetime
) -> tuple[list[dict[str, Any]], Mapping[str, int]]:
    """Turn the rows of a chunk into documents, in place, and count them by status."""
    by_status: dict[str, int] = {}
    documents: list[dict[str, Any]] = []
    prefix = f"{tenant}/{chunk.upload}/"
    for row in chunk.rows:
        document: dict[str, Any] = row  # type: ignore[assignment]  # becomes the document
        position = document.pop("pos")
        end = document.pop("end", None)
        document.setdefault("environment", None)
        document.setdefault("executed_by", None)
        document["_id"] = f"{prefix}{position}"
        document["tenant"] = tenant
        document["id"] = chunk.first_id + position
        document["project"] = chunk.project
        document["cycle"] = chunk.cycle
        document["jira_version"] = chunk.jira_version
        document["end"] = end or chunk.executed_at
        document["assigned_to"] = None
        document["automated"] = chunk.automated
        document["upload"] = chunk.upload
        document["updated_on"] = stored_at
        status = str(document["status"])
        by_status[status] = by_status.get(status, 0) + 1
        documents.append(document)
    return documents, by_status
