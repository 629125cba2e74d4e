"""Queries of test executions: what a filter means, in a range of ids or in all of its projects."""

from collections.abc import Collection
from typing import Any

from contracts.ids import project_range
from kit.segments.ranges import Range
from services.executions.usecases.testexecutions import ExecutionFilter

Query = dict[str, Any]
SHOWN = {"steps": 0}
"""Steps are read by their own routes alone (``executionwrites``): they may be 4 MiB."""


def query_of(
    tenant: str, wanted: ExecutionFilter, hidden: Collection[int], span: Range | None = None
) -> Query:
    """Return the query of all runs that a filter finds."""
    return scope_of(tenant, wanted, hidden, span) | of_run(wanted)


def scope_of(
    tenant: str, wanted: ExecutionFilter, hidden: Collection[int], span: Range | None = None
) -> Query:
    """Return the query of the runs among which the newest are."""
    query: Query = {"tenant": tenant}
    if span is None and len(wanted.projects) == 1:
        (project,) = wanted.projects
        span = project_range(project)
    if span is not None:
        query["id"] = {"$gte": span[0], "$lt": span[1]}
    else:
        query["id"] = {"$gte": 0}
        query["project"] = {"$in": sorted(wanted.projects)}
    if wanted.cycle in hidden:
        query["cycle"] = {"$in": []}
    elif wanted.cycle is not None:
        query["cycle"] = wanted.cycle
    elif hidden:
        query["cycle"] = {"$nin": list(hidden)}
    if wanted.case is not None:
        query["case"] = wanted.case
    return query


def of_run(wanted: ExecutionFilter) -> Query:
    """Return what is asked of a run itself."""
    query: Query = {}
    if wanted.jira_version is not None:
        query["jira_version"] = wanted.jira_version
    ended = {"$gt": wanted.ended_after, "$lt": wanted.ended_before}
    if any(ended.values()):
        query["end"] = {k: v for k, v in ended.items() if v is not None}
    if wanted.updated_after is not None:
        query["updated_on"] = {"$gt": wanted.updated_after}
    return query


def newest(tenant: str, wanted: ExecutionFilter, hidden: Collection[int]) -> list[Query]:
    """Return the stages that find the newest run of each case in each cycle, looking at all runs.

    It is the one with the highest id. Which one that is does not depend on when it ended or was
    stored, so those filters come after the grouping.
    """
    alone = {"$cond": [{"$eq": ["$cycle", None]}, "$id", None]}
    fields = {name: f"${name}" for name in ("id", "end", "jira_version", "updated_on")}
    return [
        {"$match": scope_of(tenant, wanted, hidden)},
        {
            "$group": {
                "_id": {"cycle": "$cycle", "case": "$case", "alone": alone},
                # documents compare by their first field first
                "newest": {"$max": fields},
            }
        },
        {"$replaceRoot": {"newRoot": "$newest"}},
        {"$match": of_run(wanted)},
        {"$sort": {"id": 1}},
    ]
