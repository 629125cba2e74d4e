"""Folders in MongoDB."""

from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractAsyncContextManager

from pymongo import ASCENDING, DESCENDING, IndexModel

from kit.grouping import Grouped
from kit.http.pages import OffsetPage
from kit.mongo import Database, Document
from kit.outbox.entries import INDEX as OUTBOX_INDEX
from services.testcases.adapters.mongo.documents import FolderDocument
from services.testcases.adapters.mongo.pending import Pending
from services.testcases.adapters.mongo.totals import Totals
from services.testcases.adapters.mongo.totalsummaries import Counted
from services.testcases.domain.folders import Folder, FolderType

FOLDERS = "folders"
COUNTED = Counted(
    FOLDERS, "folder_blocks", "folder_summaries", by="type", values=[t.value for t in FolderType]
)
INDEXES = {
    FOLDERS: [
        # the type behind the sort key lets lists of one type be filtered in the index
        IndexModel(
            [
                ("tenant", ASCENDING),
                ("project", ASCENDING),
                ("id", ASCENDING),
                ("type", ASCENDING),
            ],
            name="list",
        ),
        IndexModel(
            [
                ("tenant", ASCENDING),
                ("project", ASCENDING),
                ("type", ASCENDING),
                ("parent", ASCENDING),
                ("index", ASCENDING),
            ],
            name="siblings",
        ),
        OUTBOX_INDEX,
    ],
}


class FolderRepository:
    """Implements ``FolderStore``; the tenant comes first."""

    def __init__(self, database: Database, pending: Pending, totals: Totals) -> None:
        self._folders = database[FOLDERS]
        self._pending = pending
        self._totals = totals
        self._got = Grouped[str, int, Folder | None](self._get)

    async def page(
        self, tenant: str, projects: Collection[int], kind: FolderType | None, page: OffsetPage
    ) -> tuple[int, Sequence[Folder]]:
        """Return the total and one page, by id."""
        value = None if kind is None else kind.value
        total, rows = await self._totals.page(tenant, projects, page, value=value)
        return total, [folder_of(row) for row in rows]

    async def get(self, tenant: str, folder: int) -> Folder | None:
        """Return one folder."""
        return await self._got.get(tenant, folder)

    async def _get(
        self, tenant: str, folders: Sequence[int]
    ) -> Sequence[Folder | Exception | None]:
        query = {"_id": {"$in": [f"{tenant}/{folder}" for folder in folders]}, "tenant": tenant}
        rows = await self._folders.find(query).to_list(None)
        found = {row["id"]: folder_of(row) for row in rows}
        return [found.get(folder) for folder in folders]

    async def children(
        self, tenant: str, project: int, parents: Collection[int]
    ) -> Collection[int]:
        """Return the ids of the folders of test cases right below these."""
        query = {
            "tenant": tenant,
            "project": project,
            "type": FolderType.TEST_CASE.value,
            "parent": {"$in": list(parents)},
        }
        return [row["id"] for row in await self._folders.find(query, {"id": 1}).to_list(None)]

    async def next_index(
        self, tenant: str, project: int, kind: FolderType, parent: int | None
    ) -> int:
        """Return the position behind the folders of one parent."""
        last = await self._folders.find_one(
            {"tenant": tenant, "project": project, "type": kind.value, "parent": parent},
            {"index": 1},
            sort=[("index", DESCENDING)],
        )
        return int(last["index"]) + 1 if last is not None else 0

    async def insert(self, tenant: str, folder: Folder) -> None:
        """Store a new folder."""
        async with self.writing(tenant, [folder.id]):
            await self._folders.insert_one(dict(self.document(tenant, folder)))
        self._pending.nudge()

    def writing(self, tenant: str, ids: Iterable[int]) -> AbstractAsyncContextManager[None]:
        """Say that these folders come to show within the block."""
        return self._totals.writing(tenant, ids)

    def document(self, tenant: str, folder: Folder) -> FolderDocument:
        """Build the document of a new folder."""
        return {
            "_id": f"{tenant}/{folder.id}",
            "tenant": tenant,
            "id": folder.id,
            "project": folder.project,
            "type": folder.type.value,
            "name": folder.name,
            "index": folder.index,
            "parent": folder.parent,
            "updated_on": self._pending.clock.now(),
            "rev": 1,
            "outbox": [self._pending.entry()],
        }


def folder_of(row: Document) -> Folder:
    """Read a folder."""
    return Folder(
        id=row["id"],
        project=row["project"],
        type=FolderType(row["type"]),
        name=row["name"],
        index=row["index"],
        parent=row["parent"],
    )
