"""Execution documents as executions stores them, made without its code.

A test compares their fields with a stored one.
"""

from datetime import UTC, datetime
from typing import Any

TENANT = "benchtenant00000"
COMMENT = "AssertionError: expected 200 but got 500<br>  at checkout.spec:42<br>  at runner:7"


def row(position: int, first_case: int, status: int) -> dict[str, Any]:
    """One result row of a chunk; every tenth failed and has a comment."""
    return {
        "pos": position,
        "case": first_case + position,
        "version": 1,
        "version_id": first_case + position,
        "status": status,
        "time": 120 + position % 900,
        "comment": COMMENT if position % 10 == 0 else None,
    }


def document(upload: str, position: int, first_id: int, *, now: datetime | None = None) -> Any:
    """One stored execution."""
    moment = now or datetime.now(UTC)
    return {
        "case": first_id + position,
        "version": 1,
        "version_id": first_id + position,
        "status": first_id + 3,
        "time": 120 + position % 900,
        "comment": COMMENT if position % 10 == 0 else None,
        "environment": None,
        "executed_by": None,
        "_id": f"{TENANT}/{upload}/{position}",
        "tenant": TENANT,
        "id": first_id + position,
        "project": first_id >> 33,
        "cycle": first_id,
        "jira_version": None,
        "end": moment,
        "assigned_to": None,
        "automated": True,
        "upload": upload,
        "updated_on": moment,
    }


INDEXES = (
    ("tenant", "id"),
    ("tenant", "cycle", "id"),
    ("tenant", "case", "id"),
    ("tenant", "updated_on"),
)
