"""Searching test executions in MongoDB, by the indexes that there are: one more would cost every
result that is taken in (docs/adr/0026-search.md).

An index leads to what is looked at: the runs of cases or cycles, those changed since a moment, or
all by id. What clients write becomes values; the one regular expression, for words of comments, is
made here of escaped text.
"""

import html
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

from kit.http.search import SearchPage
from kit.mongo import Database, Document, in_time
from kit.searching import behind, between, having_fields, sort_by
from services.executions.adapters.mongo.runqueries import SHOWN, query_of
from services.executions.adapters.mongo.testexecutions import COLLECTION
from services.executions.domain.testexecutions import TestExecution
from services.executions.usecases.search import Lack, RunSearch
from services.executions.usecases.testexecutions import ExecutionFilter

SORTED_BY: Mapping[str, str | None] = {
    "key": None,
    "actualEndDate": "end",
    "updatedOn": "updated_on",
}
"""Fields by sort key; None: the id."""
AHEAD = timedelta(days=1)
"""So wrong may clocks be: nothing is taken to have ended later than this after it was stored."""
_LACKS = {
    Lack.ENVIRONMENT: ("environment", [None]),
    Lack.TEST_CYCLE: ("cycle", [None]),
    Lack.EXECUTED_BY: ("executed_by", [None]),
    Lack.ASSIGNED_TO: ("assigned_to", [None]),
    Lack.COMMENT: ("comment", [None, ""]),
    Lack.VERSION: ("jira_version", [None]),
}


class ExecutionSearch:
    """Implements ``SearchReader``; the tenant comes first."""

    def __init__(self, database: Database, seconds: float) -> None:
        self._executions = database[COLLECTION]
        self._seconds = seconds

    async def search(
        self, tenant: str, wanted: RunSearch, hidden: Collection[int], page: SearchPage
    ) -> Sequence[TestExecution]:
        """Return up to ``limit + 1`` executions."""
        query = search_query(tenant, wanted, hidden, page)
        with in_time(self._seconds):
            rows: Any = (
                await self._executions.find(query, SHOWN)
                .sort(sort_by(page, SORTED_BY[page.order.key]))
                .limit(page.limit + 1)
                .hint(index_of(wanted))
                .max_time_ms(round(self._seconds * 1000))
                .to_list(page.limit + 1)
            )
        return cast("Sequence[TestExecution]", rows)


def search_query(
    tenant: str, wanted: RunSearch, hidden: Collection[int], page: SearchPage
) -> Document:
    """Return the filter; each client's value stands where a value stands."""
    query: Document = query_of(tenant, ExecutionFilter(projects=wanted.projects), hidden)
    conditions = [*_choices(wanted), *_moments(wanted), *having_fields(wanted.fields)]
    conditions += [{"comment": {"$regex": _literal(w), "$options": "i"}} for w in wanted.words]
    conditions += [
        {name: {"$in": values}} for name, values in (_LACKS[lack] for lack in wanted.without)
    ]
    if page.after is not None:
        conditions += behind(page, SORTED_BY[page.order.key], page.after)
    if conditions:
        query["$and"] = conditions
    return query


def index_of(wanted: RunSearch) -> str:
    """Return the index that leads to the fewest."""
    if wanted.cases is not None:
        return "case"
    if wanted.cycles is not None:
        return "cycle"
    return "id" if wanted.updated.after is None and wanted.ended.after is None else "updated"


def _choices(wanted: RunSearch) -> list[Document]:
    found: list[Document] = [
        {name: {"$in": list(values)}}
        for name, values in (
            ("status", wanted.statuses),
            ("environment", wanted.environments),
            ("executed_by", wanted.executed_by),
            ("assigned_to", wanted.assigned_to),
            ("jira_version", wanted.versions),
        )
        if values
    ]
    # of these none at all may be meant
    for name, ids in (("case", wanted.cases), ("cycle", wanted.cycles)):
        if ids is not None:
            found.append({name: {"$in": list(ids)}})
    if wanted.automated is not None:
        found.append({"automated": wanted.automated})
    return found


def _moments(wanted: RunSearch) -> list[Document]:
    found = [*between("end", wanted.ended), *between("updated_on", wanted.updated)]
    if wanted.ended.after is not None and index_of(wanted) == "updated":
        found.append({"updated_on": {"$gt": wanted.ended.after - AHEAD}})
    return found


def _literal(word: str) -> str:
    """Return a pattern of nothing but this text, as it is or as it stands in HTML."""
    forms = {word, html.escape(word, quote=False), html.escape(word)}
    return "|".join(sorted(map(re.escape, forms)))
