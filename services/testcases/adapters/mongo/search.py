"""Searching visible test cases in MongoDB.

What clients write becomes values, never operators, and no regular expression: words are compared
with the terms that every case keeps (``domain.searchwords``), in one index that leads from a term
to cases in the order of ids. All other filters are decided on the cases that are met, in the
order of an index, until the page is full or time is up.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from contracts.ids import project_range
from kit.http.search import SearchPage
from kit.mongo import Database, Document, in_time
from kit.searching import behind, between, having_fields, sort_by
from services.testcases.adapters.mongo.testcases import (
    TEST_CASES,
    WITHOUT_STEPS,
    case_query,
    test_case,
)
from services.testcases.domain.searchwords import Part, Term, label_term, stored
from services.testcases.domain.testcases import TestCase
from services.testcases.usecases.search import CaseSearch, Lack, Mention
from services.testcases.usecases.testcases import CaseFilter

SORTED_BY: Mapping[str, str | None] = {"key": None, "name": "name", "updatedOn": "updated_on"}
"""Fields by sort key; None: the id. An index has each, with the id behind it."""
_WORDS = "search.words"
_COUNTED = (100, 5_000)
"""So many entries of each word are counted to see which is the rarest; if need be, once more."""
_FEW_FOLDERS = 500
_LAST = "\U0010ffff"
_LACKS = {
    Lack.OWNER: ("owner", [None]),
    Lack.FOLDER: ("folder", [None]),
    Lack.COMPONENT: ("component", [None]),
    Lack.LABELS: ("labels", [[]]),
    Lack.OBJECTIVE: ("objective", [None, ""]),
    Lack.PRECONDITION: ("precondition", [None, ""]),
    Lack.ESTIMATED_TIME: ("estimated_time", [None]),
}
_Keys: TypeAlias = list[tuple[str, int]]


class SearchRepository:
    """Implements ``SearchStore``; the tenant comes first."""

    def __init__(self, database: Database, seconds: float) -> None:
        self._cases = database[TEST_CASES]
        self._seconds = seconds

    async def search(self, tenant: str, wanted: CaseSearch, page: SearchPage) -> Sequence[TestCase]:
        """Return up to ``limit + 1`` cases."""
        with in_time(self._seconds):
            words = await self._rarest_first(tenant, wanted)
            query = search_query(tenant, wanted, words, page)
            cursor = (
                self._cases.find(query, WITHOUT_STEPS)
                .sort(_sort(wanted, page))
                .limit(page.limit + 1)
                .max_time_ms(round(self._seconds * 1000))
            )
            if _in_few_folders(wanted):
                # a plan that was cached for a small library would walk all of a large one
                cursor = cursor.hint("folder")
            rows = await cursor.to_list(page.limit + 1)
        return [test_case(row) for row in rows]

    async def _rarest_first(self, tenant: str, wanted: CaseSearch) -> list[Document]:
        """Order what is asked of words: MongoDB looks the first one up, and asks cases the rest."""
        asked = [{_WORDS: label_term(label)} for label in wanted.labels]
        asked += [_term(term) for term in wanted.terms]
        if len(asked) > 1:
            counts = [0] * len(asked)
            for most in _COUNTED:
                counts = await asyncio.gather(
                    *(self._count(tenant, one | _visible(wanted), most) for one in asked)
                )
                if min(counts) < most:
                    break
            ranked = sorted(zip(counts, range(len(asked)), strict=True))
            asked = [asked[place] for _, place in ranked]
        return asked + [_mention(mention) for mention in wanted.mentions]

    async def _count(self, tenant: str, query: Document, most: int) -> int:
        wanted = {"tenant": tenant, **query}
        milliseconds = round(self._seconds * 1000)
        return await self._cases.count_documents(
            wanted, limit=most, hint="words", maxTimeMS=milliseconds
        )


def search_query(
    tenant: str, wanted: CaseSearch, words: Sequence[Document], page: SearchPage
) -> Document:
    """Return the filter; each client's value stands where a value stands."""
    query = case_query(tenant, CaseFilter(wanted.projects)) | _visible(wanted)
    conditions = [*words, *_choices(wanted), *_moments(wanted), *having_fields(wanted.fields)]
    conditions += [{name: {"$in": values}} for name, values in map(_LACKS.get, wanted.without)]  # type: ignore[misc]
    if page.after is not None:
        conditions += behind(page, SORTED_BY[page.order.key], page.after)
    if conditions:
        query["$and"] = conditions
    return query


def _sort(wanted: CaseSearch, page: SearchPage) -> _Keys:
    field = SORTED_BY[page.order.key]
    by_words = wanted.terms or wanted.labels or wanted.mentions
    # ids of a project are one range, so both are the order of ids, each that of an index
    return sort_by(page, "project" if field is None and not by_words else field)


def _in_few_folders(wanted: CaseSearch) -> bool:
    by_words = wanted.terms or wanted.labels or wanted.mentions
    folders = wanted.folders or ()
    return 0 < len(folders) <= _FEW_FOLDERS and not by_words and wanted.ids is None


def _visible(wanted: CaseSearch) -> Document:
    if len(wanted.projects) != 1:
        return {"visible": True}
    # the index of words has no project, but ids of one are one range
    (project,) = wanted.projects
    first, end = project_range(project)
    return {"visible": True, "id": {"$gte": first, "$lt": end}}


def _term(term: Term) -> Document:
    if not term.prefix:
        return {_WORDS: {"$in": stored(term)}}
    begins: Document = {"$gte": term.word, "$lt": term.word + _LAST}
    if term.part is not None:
        begins["$regex"] = f":{Part(term.part).value}$"
    return {_WORDS: {"$elemMatch": begins}}


def _mention(mention: Mention) -> Document:
    return {"$or": [{"id": mention.case}, {"$and": [_term(term) for term in mention.terms]}]}


def _choices(wanted: CaseSearch) -> list[Document]:
    found = [
        {name: {"$in": list(values)}}
        for name, values in (
            ("status", wanted.statuses),
            ("priority", wanted.priorities),
            ("owner", wanted.owners),
            ("component", wanted.components),
        )
        if values
    ]
    # of these none at all may be meant
    for name, ids in (("folder", wanted.folders), ("id", wanted.ids)):
        if ids is not None:
            found.append({name: {"$in": list(ids)}})
    return found


def _moments(wanted: CaseSearch) -> list[Document]:
    return [*between("created_on", wanted.created), *between("updated_on", wanted.updated)]
