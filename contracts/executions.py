"""What executions takes in and publishes: result chunks, recorded results, ended uploads."""

from datetime import datetime
from typing import (
    Annotated,
    NotRequired,  # Pydantic's, until Python 3.12
)

from typing_extensions import TypedDict

from contracts.base import Contract
from contracts.classes import DataClass

MAX_CHUNK_ROWS = 500
MAX_CHUNK_BYTES = 512 * 1024
MAX_COMMENT_BYTES = 32 * 1024


class ResultRow(TypedDict):
    """One result of a chunk. A TypedDict: it becomes the MongoDB document in place."""

    pos: Annotated[int, DataClass.OPERATIONAL]
    """Position in the upload, from 0; with the upload it is the idempotency key."""
    case: Annotated[int, DataClass.OPERATIONAL]
    """Public id of the test case."""
    version: Annotated[int, DataClass.OPERATIONAL]
    version_id: Annotated[int, DataClass.OPERATIONAL]
    status: Annotated[int, DataClass.OPERATIONAL]
    """Public id of the status option."""
    time: Annotated[int | None, DataClass.OPERATIONAL]
    """Duration in ms."""
    comment: Annotated[str | None, DataClass.CUSTOMER_CONTENT]
    environment: NotRequired[Annotated[int | None, DataClass.OPERATIONAL]]
    executed_by: NotRequired[Annotated[str | None, DataClass.JIRA_ID]]
    end: NotRequired[Annotated[datetime | None, DataClass.OPERATIONAL]]


class ResultChunk(Contract):
    """At most 500 results and 512 KiB; one Kafka record. Key: tenant/upload/chunk.

    The record headers carry ``upload`` and ``chunk`` too, so that a chunk with a ledger row is
    skipped before it is decoded. The public id of row r is ``first_id + r.pos``.
    """

    upload: Annotated[str, DataClass.OPERATIONAL]
    chunk: Annotated[int, DataClass.OPERATIONAL]
    project: Annotated[int, DataClass.OPERATIONAL]
    cycle: Annotated[int, DataClass.OPERATIONAL]
    first_id: Annotated[int, DataClass.OPERATIONAL]
    jira_version: Annotated[int | None, DataClass.JIRA_ID] = None
    automated: Annotated[bool, DataClass.OPERATIONAL] = True
    executed_at: Annotated[datetime, DataClass.OPERATIONAL]
    rows: list[ResultRow]


class ResultsRecorded(Contract):
    """A stored chunk, ids and counts only: the one event a ledger row carries.

    Sent when the chunk is stored, so its upload may be undecided still, or be aborted later: the
    results count for nobody before ``UploadEnded`` says that it was accepted.
    """

    upload: Annotated[str, DataClass.OPERATIONAL]
    chunk: Annotated[int, DataClass.OPERATIONAL]
    project: Annotated[int, DataClass.OPERATIONAL]
    cycle: Annotated[int, DataClass.OPERATIONAL]
    first_id: Annotated[int, DataClass.OPERATIONAL]
    last_id: Annotated[int, DataClass.OPERATIONAL]
    count: Annotated[int, DataClass.OPERATIONAL]
    by_status: Annotated[dict[str, int], DataClass.OPERATIONAL]
    """Status option id (as text, for JSON) to number of results."""


class UploadEnded(Contract):
    """An upload was accepted (it is visible from now on) or aborted. Key: tenant/upload."""

    upload: Annotated[str, DataClass.OPERATIONAL]
    project: Annotated[int, DataClass.OPERATIONAL]
    accepted: Annotated[bool, DataClass.OPERATIONAL]
    created_cases: Annotated[bool, DataClass.OPERATIONAL]
    """Whether testcases holds provisional cases for it."""
