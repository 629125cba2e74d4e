"""Stores an imported library: what is there by the same import stays, and nothing is changed."""

from collections.abc import Mapping, Sequence

from pymongo import ASCENDING

from contracts.ids import number_of, project_range
from kit.jobs.rows import JobRows
from kit.mongo import Database, Document, Session
from kit.shelves import Shelf, everywhere, shelved
from kit.transfer.marking import insert_marked
from services.testcases.adapters.mongo.customfields import CUSTOM_FIELDS, CustomFieldRepository
from services.testcases.adapters.mongo.folders import FOLDERS, FolderRepository
from services.testcases.adapters.mongo.libraryreads import name_of
from services.testcases.adapters.mongo.links import link_document
from services.testcases.adapters.mongo.options import OPTIONS, OptionRepository, option_of
from services.testcases.adapters.mongo.pending import Pending
from services.testcases.adapters.mongo.projectwrites import ProjectWrites
from services.testcases.adapters.mongo.testcases import ARCHIVED, TEST_CASES, VERSIONS, document
from services.testcases.adapters.mongo.totals import Totals
from services.testcases.domain.customfields import CustomField
from services.testcases.domain.options import Option
from services.testcases.usecases.removaljobs import DELETE
from services.testcases.usecases.transfer import ports
from services.testcases.usecases.transfer.ports import WholeCase, WholeFolder

_LIVING = {ports.TEST_CASES: TEST_CASES, "folders": FOLDERS, "custom fields": CUSTOM_FIELDS}


class LibraryWrites:
    """Implements ``LibrarySink``; the tenant comes first."""

    def __init__(
        self,
        database: Database,
        pending: Pending,
        options: OptionRepository,
        fields: CustomFieldRepository,
        folders: FolderRepository,
        cases: Totals,
    ) -> None:
        self._database = database
        self._pending = pending
        self._options = options
        self._fields = fields
        self._folders = folders
        self._cases = cases
        self._jobs = JobRows(database)
        self._writes = ProjectWrites(database, pending)

    async def present(
        self, tenant: str, project: int, most: int
    ) -> Mapping[str, Sequence[tuple[int, str]]]:
        """Return what a project has beside options; cases of undecided uploads, too."""
        found: dict[str, Sequence[tuple[int, str]]] = {}
        for what, collection in _LIVING.items():
            query: Document = {
                "tenant": {"$in": everywhere(tenant)},
                "project": project,
                "deleted": {"$exists": False},
            }
            rows = self._database[collection].find(query, {"id": 1, "name": 1})
            rows = rows.sort("id", ASCENDING).limit(most)
            found[what] = [(row["id"], str(row.get("name"))) for row in await rows.to_list(most)]
        return found

    async def leaving(self, tenant: str, project: int) -> bool:
        """Whether something of a project that was deleted is still being erased."""
        if await self._jobs.under_way(tenant, *project_range(project), DELETE):
            return True
        names = [tenant, shelved(tenant, Shelf.REMOVED)]
        for collection in _LIVING.values():
            # their tombstones are still to be sent
            query: Document = {"tenant": {"$in": names}, "project": project, "deleted": True}
            if await self._database[collection].find_one(query, {"_id": 1}) is not None:
                return True
        return False

    async def options(self, tenant: str, project: int, options: Sequence[Option]) -> None:
        """Make the options of a project these and no others, in one step."""
        wanted = {option.id: option for option in options}

        async def change(session: Session) -> None:
            query = {"tenant": tenant, "project": project, "type": {"$exists": True}}
            rows = await self._database[OPTIONS].find(query, session=session).to_list(None)
            there = {row["id"]: option_of(row) for row in rows}
            changed = [o for o in options if o.id in there and there[o.id] != o]
            gone = [i for i in there if i not in wanted]
            # names may go round in a circle: first nobody has one
            for ident in [*(o.id for o in changed), *gone]:
                await self._set(tenant, ident, {"$set": {"name_key": str(ident)}}, session)
            for ident in gone:
                await self._set(tenant, ident, self._options.removal(ident), session)
            for option in changed:
                await self._set(tenant, option.id, self._options.update(option), session)
            new = [dict(self._options.document(tenant, o)) for o in options if o.id not in there]
            if new:
                await self._database[OPTIONS].insert_many(new, session=session)

        await self._writes.run(tenant, project, change)

    async def fields(self, tenant: str, fields: Sequence[CustomField], ident: str) -> None:
        """Store custom fields."""
        rows = [dict(self._fields.document(tenant, found)) for found in fields]
        for row in rows:
            row["rev"] = self._first()
        await insert_marked(self._database[CUSTOM_FIELDS], rows, ident)
        self._pending.nudge()

    async def folders(self, tenant: str, folders: Sequence[WholeFolder], ident: str) -> None:
        """Store folders."""
        rows = []
        for whole in folders:
            row = dict(self._folders.document(tenant, whole.folder))
            if whole.aside is not None:
                row["archived_on"] = row["updated_on"]
            row["rev"] = self._first()
            rows.append(row | {"tenant": name_of(tenant, whole.aside)})
        async with self._folders.writing(tenant, [whole.folder.id for whole in folders]):
            await insert_marked(self._database[FOLDERS], rows, ident)
        self._pending.nudge()

    async def cases(self, tenant: str, cases: Sequence[WholeCase], ident: str) -> None:
        """Store test cases: they show, or are archived."""
        rows = []
        for whole in cases:
            row = self._case(tenant, whole)
            row |= {
                "visible": whole.aside is None,
                "rev": self._first(),
                "outbox": [self._pending.entry()],
            }
            if whole.aside is not None:
                row |= {"removed": ARCHIVED, "archived_on": row["updated_on"]}
            rows.append(row)
        async with self._cases.writing(tenant, [whole.case.id for whole in cases]):
            await insert_marked(self._database[TEST_CASES], rows, ident)
        self._pending.nudge()

    async def versions(self, tenant: str, cases: Sequence[WholeCase], ident: str) -> None:
        """Store older versions."""
        rows = [self._case(tenant, whole, f"/{whole.case.version}") for whole in cases]
        await insert_marked(self._database[VERSIONS], rows, ident)

    def _case(self, tenant: str, whole: WholeCase, suffix: str = "") -> Document:
        case = whole.case
        row_id = f"{tenant}/{case.project}/{number_of(case.id)}{suffix}"
        row = dict(document(row_id, tenant, case, whole.script))
        row["updated_on"] = self._pending.clock.now()
        if case.links:
            row["links"] = [dict(link_document(link)) for link in case.links]
        return row

    def _first(self) -> int:
        """Return a revision above that of whatever had the id before: others know its tombstone."""
        return int(self._pending.clock.now().timestamp() * 1000)

    async def _set(self, tenant: str, ident: int, change: Document, session: Session) -> None:
        query = {"_id": f"{tenant}/{ident}", "tenant": tenant}
        await self._database[OPTIONS].update_one(query, change, session=session)
