"""Reads the library of a whole project; what is put aside has another name of the tenant."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TypeVar

from pymongo import ASCENDING

from contracts.transfer import Aside
from kit.mongo import Database, Document
from kit.shelves import Shelf, everywhere, shelved
from services.testcases.adapters.mongo.customfields import CUSTOM_FIELDS, custom_field
from services.testcases.adapters.mongo.folders import FOLDERS, folder_of
from services.testcases.adapters.mongo.options import OPTIONS, option_of
from services.testcases.adapters.mongo.scriptforms import script_of
from services.testcases.adapters.mongo.testcases import ARCHIVED, TEST_CASES, VERSIONS, test_case
from services.testcases.domain.customfields import CustomField
from services.testcases.domain.options import Option
from services.testcases.usecases.numbering import Numbered
from services.testcases.usecases.transfer.ports import WholeCase, WholeFolder

_BATCH = 200
_SHELVES = {Aside.ITSELF: Shelf.ARCHIVED, Aside.ALONG: Shelf.ALONG}

T = TypeVar("T")


def name_of(tenant: str, aside: Aside | None) -> str:
    """Return the name under which a thing of a tenant stands."""
    return shelved(tenant, None if aside is None else _SHELVES[aside])


class LibraryReads:
    """Implements ``LibrarySource``; the tenant comes first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def options(self, tenant: str, project: int) -> Sequence[Option]:
        """Return all options, by id."""
        query = {"tenant": tenant, "project": project, "type": {"$exists": True}}
        rows = await self._database[OPTIONS].find(query).sort("id", ASCENDING).to_list(None)
        return [option_of(row) for row in rows]

    async def fields(self, tenant: str, project: int) -> Sequence[CustomField]:
        """Return all custom fields, by id."""
        query = {"tenant": tenant, "project": project, "name_key": {"$exists": True}}
        rows = await self._database[CUSTOM_FIELDS].find(query).sort("id", ASCENDING).to_list(None)
        return [custom_field(row) for row in rows]

    def folders(self, tenant: str, project: int) -> AsyncIterator[Sequence[WholeFolder]]:
        """Yield the folders, by id."""

        def read(row: Document) -> WholeFolder:
            return WholeFolder(folder_of(row), _aside(tenant, row))

        return self._walk(FOLDERS, tenant, {"project": project}, read)

    def cases(self, tenant: str, project: int) -> AsyncIterator[Sequence[WholeCase]]:
        """Yield the newest version of each test case that shows or is archived, by id."""
        wanted = {
            "project": project,
            "$or": [{"visible": True}, {"visible": False, "removed": ARCHIVED}],
        }
        return self._walk(TEST_CASES, tenant, wanted, _whole)

    async def versions(self, tenant: str, project: int) -> AsyncIterator[Sequence[WholeCase]]:
        """Yield older versions, by id and version."""
        after: Document = {}
        order = [("project", ASCENDING), ("id", ASCENDING), ("version", ASCENDING)]
        while True:
            query: Document = {"tenant": tenant, "project": project, **after}
            found = self._database[VERSIONS].find(query).sort(order).limit(_BATCH)
            rows = await found.to_list(_BATCH)
            if not rows:
                return
            yield [_whole(row) for row in rows]
            ident, version = rows[-1]["id"], rows[-1]["version"]
            # ids first, so that the index finds the place
            after = {
                "id": {"$gte": ident},
                "$or": [{"id": {"$gt": ident}}, {"version": {"$gt": version}}],
            }

    async def last_number(self, tenant: str, project: int, kind: Numbered) -> int:
        """Return the highest number that was handed out."""
        row = await self._database["counters"].find_one({"_id": f"{tenant}/{project}/{kind}"})
        return int(row["last"]) if row is not None else 0

    async def _walk(
        self,
        collection: str,
        tenant: str,
        wanted: Mapping[str, object],
        read: Callable[[Document], T],
    ) -> AsyncIterator[Sequence[T]]:
        """Read by short queries: no cursor waits in the server for a slow client."""
        last = 0
        while True:
            query: Document = {
                "tenant": {"$in": everywhere(tenant)},
                **wanted,
                "id": {"$gt": last},
            }
            found = self._database[collection].find(query, {"outbox": 0, "search": 0})
            rows = await found.sort("id", ASCENDING).limit(_BATCH).to_list(_BATCH)
            if not rows:
                return
            yield [read(row) for row in rows]
            last = rows[-1]["id"]


def _whole(row: Document) -> WholeCase:
    aside = Aside.ITSELF if row.get("removed") == ARCHIVED else None
    return WholeCase(test_case(row), script_of(row["script"]), aside)


def _aside(tenant: str, row: Document) -> Aside | None:
    return next((aside for aside in Aside if name_of(tenant, aside) == row["tenant"]), None)
