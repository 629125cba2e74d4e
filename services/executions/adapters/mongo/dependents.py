"""What belongs to cases and folders of the library; the tenant comes first."""

from collections.abc import Collection, Sequence

from contracts.ids import project_of, project_range
from kit.dependents import SHOWN, Held
from kit.mongo import Database, Document
from kit.shelves import everywhere
from services.executions.adapters.mongo import uploads
from services.executions.adapters.mongo.shelving import COLLECTIONS, thing_of
from services.executions.domain.links import Holder
from services.executions.domain.removals import Thing

_MANY = 1_000


class DependentRows:
    """Implements ``LibraryDependents``."""

    def __init__(self, database: Database) -> None:
        self._rows = {holder: database[name] for holder, name in COLLECTIONS.items()}
        self._uploads = database[uploads.COLLECTION]

    async def runs(self, tenant: str, cases: Collection[int]) -> Held:
        """Return the executions of cases, archived ones too."""
        of_cases = {"case": {"$in": list(cases)}}
        return await self._held(everywhere(tenant), Holder.TEST_EXECUTION, of_cases)

    async def in_folder(self, tenant: str, holder: Holder, folders: Collection[int]) -> Held:
        """Return the cycles or plans in folders."""
        if not folders:
            return Held(0, ())
        return await self._held((tenant,), holder, _in_folders(folders))

    async def runs_in_folders(self, tenant: str, folders: Collection[int]) -> Held:
        """Return the executions in the cycles in folders."""
        found = Held(0, ())
        if not folders:
            return found
        cycles = self._rows[Holder.TEST_CYCLE].find(_inside(tenant, folders), {"_id": 0, "id": 1})
        ids = [row["id"] for row in await cycles.to_list(None)]
        for start in range(0, len(ids), _MANY):
            inside = {"cycle": {"$in": ids[start : start + _MANY]}}
            found += await self._held(everywhere(tenant), Holder.TEST_EXECUTION, inside)
        return found

    async def some_of_folder(
        self, tenant: str, holder: Holder, folder: int, most: int
    ) -> Sequence[Thing]:
        """Return some cycles or plans of a folder; of uploads, accepted ones alone."""
        query = _inside(tenant, (folder,))
        hidden = self._uploads.find({"tenant": tenant, "hidden": True}, {"_id": 0, "cycle": 1})
        query["id"]["$nin"] = [r["cycle"] for r in await hidden.to_list(None) if "cycle" in r]
        rows = self._rows[holder].find(query).limit(most)
        return [thing_of(holder, row) for row in await rows.to_list(most)]

    async def _held(self, names: Sequence[str], holder: Holder, having: Document) -> Held:
        """Count what stands under some of the names of one tenant."""
        rows = self._rows[holder]
        query = {"tenant": {"$in": list(names)}, **having}
        first = await rows.find(query, {"_id": 0, "id": 1}).limit(SHOWN).to_list(SHOWN)
        count = len(first) if len(first) < SHOWN else await rows.count_documents(query)
        return Held(count, [row["id"] for row in first])


def _inside(tenant: str, folders: Collection[int]) -> Document:
    """Say what is in folders of one project."""
    return {"tenant": tenant, **_in_folders(folders)}


def _in_folders(folders: Collection[int]) -> Document:
    first, end = project_range(project_of(min(folders)))
    return {"id": {"$gte": first, "$lt": end}, "folder": {"$in": list(folders)}}
