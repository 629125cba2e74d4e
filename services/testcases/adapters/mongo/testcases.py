"""Visible test cases in MongoDB.

``visible`` stands in every index before the sort key: MongoDB fetches each document to check the
condition of a partial index, so lists and totals of a partial one would read all documents.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from contracts.ids import number_of, project_of
from kit.errors import Conflict
from kit.grouping import Grouped, settled
from kit.http.pages import CursorPage, OffsetPage
from kit.ids import stable_uuid
from kit.mongo import Database, Document, insert_new, is_transient
from kit.outbox.entries import INDEX as OUTBOX_INDEX
from services.testcases.adapters.mongo.customvalues import value_documents, values_of
from services.testcases.adapters.mongo.documents import TestCaseDocument
from services.testcases.adapters.mongo.pending import Pending
from services.testcases.adapters.mongo.scriptforms import script_document, script_of
from services.testcases.adapters.mongo.totals import Totals
from services.testcases.adapters.mongo.totalsummaries import Counted
from services.testcases.domain.links import IssueLink, Link, LinkType, WebLink
from services.testcases.domain.scripts import Script, ScriptType, StepsScript
from services.testcases.domain.searchwords import case_words, script_words
from services.testcases.domain.testcases import TestCase
from services.testcases.usecases.testcases import CaseFilter

TEST_CASES, VERSIONS = "testcases", "testcase_versions"
ARCHIVED, DELETED = "archived", "deleted"
"""Values of ``removed``: why a case is not visible that was."""
CALLS = "calls"
"""Name of the index of cases that call others."""


def _calls_index() -> IndexModel:
    """Hold nothing of cases that call no other."""
    called = "script.steps.call.case"
    return _index(CALLS, called, partialFilterExpression={called: {"$exists": True}})


def _index(name: str, *fields: str, **options: Any) -> IndexModel:
    return IndexModel([(f, ASCENDING) for f in ("tenant", *fields)], name=name, **options)


INDEXES = {
    TEST_CASES: [
        # updated_on behind the sort key: updatedAfter is decided in the index
        _index("list", "project", "visible", "id", "updated_on"),
        _index("folder", "project", "visible", "folder", "id"),
        _index("name", "project", "name", "visible", "id"),
        # holds nothing once uploads are accepted
        _index("provisional", "provisional_for", partialFilterExpression={"visible": False}),
        # these two hold nothing of cases without links
        _index("link", "links.id", partialFilterExpression={"links.id": {"$exists": True}}),
        _index("issue", "links.issue", partialFilterExpression={"links.issue": {"$exists": True}}),
        # and this one nothing but what an export of features reads
        _index("bdd", "project", "visible", "id", partialFilterExpression={"script.type": "bdd"}),
        # the search: any of a case's words leads to it, in the order of ids
        _index("words", "search.words", "visible", "id"),
        _index("updated", "project", "visible", "updated_on", "id"),
        _calls_index(),
        OUTBOX_INDEX,
    ],
    VERSIONS: [_index("version", "project", "id", "version"), _calls_index()],
}

COUNTED = Counted(TEST_CASES, "segment_blocks", "testcase_summaries", {"visible": True})
_BY_ID = [("project", ASCENDING), ("id", ASCENDING)]
"""Order by id: ids of one project are one range, and the indexes have the project first."""
# scripts can be long, and the public shapes of a case do not show them
WITHOUT_STEPS = {"script.steps": 0, "script.text": 0, "search": 0, "outbox": 0}


class TestCaseRepository:
    """Implements ``TestCaseStore``; the tenant comes first."""

    __test__ = False

    def __init__(self, database: Database, pending: Pending, totals: Totals) -> None:
        self._cases = database[TEST_CASES]
        self._versions = database[VERSIONS]
        self._pending = pending
        self._totals = totals
        self._got = Grouped[tuple[str, int], int, TestCase | None](self._get)

    async def page(
        self, tenant: str, wanted: CaseFilter, page: OffsetPage
    ) -> tuple[int, Sequence[TestCase]]:
        """Return the total and one page, by id."""
        if wanted == CaseFilter(wanted.projects):
            total, found = await self._totals.page(tenant, wanted.projects, page, WITHOUT_STEPS)
            return total, [test_case(row) for row in found]
        query = case_query(tenant, wanted)
        total, rows = await asyncio.gather(
            self._cases.count_documents(query),
            self._cases.find(query, WITHOUT_STEPS)
            .sort(_BY_ID)
            .skip(page.start_at)
            .limit(page.max_results)
            .to_list(page.max_results),
        )
        return total, [test_case(row) for row in rows]

    async def walk(self, tenant: str, wanted: CaseFilter, page: CursorPage) -> Sequence[TestCase]:
        """Return up to ``limit + 1`` cases from an id on."""
        query = case_query(tenant, wanted) | {"id": {"$gte": page.start_at_id}}
        rows = (
            await self._cases.find(query, WITHOUT_STEPS)
            .sort(_BY_ID)
            .limit(page.limit + 1)
            .to_list(page.limit + 1)
        )
        return [test_case(row) for row in rows]

    async def get(self, tenant: str, case: int) -> TestCase | None:
        """Return one case."""
        return await self._got.get((tenant, project_of(case)), case)

    async def _get(
        self, of: tuple[str, int], cases: Sequence[int]
    ) -> Sequence[TestCase | Exception | None]:
        found = {case.id: case for case in await self.find(*of, set(cases), ())}
        return [found.get(case) for case in cases]

    async def find(
        self, tenant: str, project: int, ids: Collection[int], names: Collection[str]
    ) -> Sequence[TestCase]:
        """Return the cases with one of these ids or names, by id."""
        alike = {"tenant": tenant, "project": project, "visible": True}
        queries = [
            alike | {name: {"$in": list(values)}}
            for name, values in (("id", ids), ("name", names))
            if values
        ]
        # two queries: an $or of both would leave the choice of indexes to chance
        found = await asyncio.gather(
            *(self._cases.find(q, WITHOUT_STEPS).to_list(None) for q in queries)
        )
        cases = {row["id"]: test_case(row) for rows in found for row in rows}
        return [cases[i] for i in sorted(cases)]

    async def with_scripts(
        self, tenant: str, project: int, ids: Collection[int]
    ) -> Sequence[tuple[TestCase, Script]]:
        """Return the cases with these ids, by id; in one read, so of one version each."""
        query = {"tenant": tenant, "project": project, "visible": True, "id": {"$in": list(ids)}}
        found = self._cases.find(query, {"search": 0, "outbox": 0}).sort(_BY_ID)
        return [(test_case(row), script_of(row["script"])) for row in await found.to_list(None)]

    async def find_archived(
        self, tenant: str, project: int, ids: Collection[int]
    ) -> Sequence[TestCase]:
        """Return the archived cases with these ids, by id."""
        query = {
            "tenant": tenant,
            "project": project,
            "visible": False,
            "id": {"$in": list(ids)},
            "removed": ARCHIVED,
        }
        rows = await self._cases.find(query, WITHOUT_STEPS).sort(_BY_ID).to_list(None)
        return [test_case(row) for row in rows]

    async def insert(
        self, tenant: str, made: Sequence[tuple[TestCase, StepsScript, str | None]]
    ) -> Sequence[int | Exception]:
        """Store new visible cases, each with its script and the client's id of it.

        Return their ids; where a client's id was taken, the id of the case that has it.
        """
        rows: list[Document] = []
        for case, script, client_id in made:
            row_id = (
                f"{tenant}/{case.project}/{number_of(case.id)}"
                if client_id is None
                else _named(tenant, case.project, client_id)
            )
            row = document(row_id, tenant, case, script)
            row |= {"visible": True, "rev": 1, "outbox": [self._pending.entry()]}
            rows.append(dict(row))
        try:
            async with self._totals.writing(tenant, [case.id for case, _, _ in made]):
                taken = await insert_new(self._cases, rows)
        except Exception as error:
            if len(made) == 1 or is_transient(error):
                raise
            # one that cannot be stored must not take the others down; what is there stays
            alone = await settled(self.insert(tenant, [one]) for one in made)
            return [one if isinstance(one, Exception) else one[0] for one in alone]
        self._pending.nudge()
        there = await self._ids(tenant, [rows[at]["_id"] for at in taken]) if taken else {}
        # what was taken and is not there was erased meanwhile: nothing of this one is stored
        return [
            there.get(row["_id"], _being_erased()) if at in taken else row["id"]
            for at, row in enumerate(rows)
        ]

    async def named(
        self, tenant: str, project: int, client_ids: Iterable[str]
    ) -> Mapping[str, int | Exception]:
        """Return the ids of cases by the client's; ``Conflict`` for one that is being erased."""
        names = {_named(tenant, project, client_id): client_id for client_id in client_ids}
        found = await self._ids(tenant, list(names))
        return {names[row_id]: ident for row_id, ident in found.items()}

    async def _ids(self, tenant: str, row_ids: Sequence[str]) -> Mapping[str, int | Exception]:
        query = {"tenant": tenant, "_id": {"$in": list(row_ids)}}
        rows = await self._cases.find(query, {"id": 1, "removed": 1}).to_list(None)
        return {
            row["_id"]: _being_erased() if row.get("removed") == DELETED else row["id"]
            for row in rows
        }

    async def older(self, tenant: str, case: TestCase, version: int) -> TestCase | None:
        """Return a case as an older version says."""
        query = _older(tenant, case) | {"version": version}
        row = await self._versions.find_one(query, WITHOUT_STEPS)
        return None if row is None else test_case(row)

    async def older_versions(
        self, tenant: str, case: TestCase, skip: int, limit: int
    ) -> tuple[int, Sequence[tuple[int, int]]]:
        """Return how many older versions there are, and some with their ids, the newest first."""
        # what became older after the case was read is still the newest in that answer
        query = _older(tenant, case) | {"version": {"$lt": case.version}}
        total = await self._versions.count_documents(query)
        if not limit:  # to MongoDB that is no limit
            return total, []
        found = self._versions.find(query, {"version": 1, "version_id": 1})
        order = [(name, DESCENDING) for name in ("project", "id", "version")]
        rows = await found.sort(order).skip(skip).limit(limit).to_list(limit)
        return total, [(row["version"], row["version_id"]) for row in rows]

    async def replace(self, tenant: str, case: TestCase) -> bool:
        """Store what a client may set of a case; False when it is gone."""
        result = await self._cases.update_one(
            {"tenant": tenant, "project": case.project, "visible": True, "id": case.id},
            {
                "$set": {**_settable(case), "updated_on": case.updated_on},
                "$inc": {"rev": 1},
                "$push": {"outbox": self._pending.entry()},
            },
        )
        if result.matched_count:
            self._pending.nudge()
        return bool(result.matched_count)


def _being_erased() -> Conflict:
    return Conflict("The test case with this clientId is being deleted; try again later.")


def _named(tenant: str, project: int, client_id: str) -> str:
    # a digest: what clients write has no place in an id
    return f"{tenant}/client/{project}/{stable_uuid(client_id)}"


def _older(tenant: str, case: TestCase) -> Document:
    return {"tenant": tenant, "project": case.project, "id": case.id}


def case_query(tenant: str, wanted: CaseFilter) -> Document:
    """Return the filter of what lists show."""
    query: Document = {
        "tenant": tenant,
        "project": {"$in": list(wanted.projects)},
        "visible": True,
    }
    if wanted.folder is not None:
        query["folder"] = wanted.folder
    if wanted.updated_after is not None:
        query["updated_on"] = {"$gt": wanted.updated_after}
    return query


def document(row_id: str, tenant: str, case: TestCase, script: Script) -> TestCaseDocument:
    """Build a document that is not visible and has nothing to publish."""
    return {
        "_id": row_id,
        "tenant": tenant,
        "id": case.id,
        "project": case.project,
        "visible": False,
        "name": case.name,
        "version": case.version,
        "version_id": case.version_id,
        "priority": case.priority,
        "status": case.status,
        "created_on": case.created_on,
        "updated_on": case.updated_on,
        "objective": case.objective,
        "precondition": case.precondition,
        "estimated_time": case.estimated_time,
        "labels": list(case.labels),
        "component": case.component,
        "folder": case.folder,
        "owner": case.owner,
        "script": script_document(script),
        "custom_fields": value_documents(case.custom_fields),
        "search": [{"words": case_words(case)}, {"words": script_words(script)}],
        "rev": 0,
        "outbox": [],
    }


def _settable(case: TestCase) -> Document:
    """Return the fields that a client replaces."""
    return {
        "name": case.name,
        "priority": case.priority,
        "status": case.status,
        "objective": case.objective,
        "precondition": case.precondition,
        "estimated_time": case.estimated_time,
        "labels": list(case.labels),
        "component": case.component,
        "folder": case.folder,
        "owner": case.owner,
        "custom_fields": [dict(value) for value in value_documents(case.custom_fields)],
        "search.0.words": case_words(case),
    }


def test_case(row: Document) -> TestCase:
    """Read a document."""
    return TestCase(
        id=row["id"],
        project=row["project"],
        name=row["name"],
        version=row["version"],
        version_id=row["version_id"],
        priority=row["priority"],
        status=row["status"],
        created_on=row["created_on"],
        updated_on=row["updated_on"],
        objective=row["objective"],
        precondition=row["precondition"],
        estimated_time=row["estimated_time"],
        labels=tuple(row["labels"]),
        component=row["component"],
        folder=row["folder"],
        owner=row["owner"],
        script=ScriptType(row["script"]["type"]),
        custom_fields=values_of(row.get("custom_fields", ())),
        links=tuple(_link(link) for link in row.get("links", ())),
    )


def _link(row: Document) -> Link:
    kind = LinkType(row["type"])
    if row["kind"] == "issue":
        return IssueLink(row["id"], row["issue"], kind)
    return WebLink(row["id"], row["url"], row["description"], kind)
