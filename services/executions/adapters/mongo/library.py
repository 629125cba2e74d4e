"""The projection of the library: what testcases published of cases, options, fields, folders."""

from collections.abc import Collection, Mapping, Sequence

from pymongo import ASCENDING, IndexModel

from contracts.customfields import CustomFieldEntity, CustomFieldState
from contracts.ids import public_id
from contracts.testcases import OptionState, OptionType
from contracts.topics import CUSTOM_FIELD_STATE, FOLDER_STATE, OPTION_STATE, TEST_CASE_STATE
from kit.grouping import Grouped
from kit.mongo import Database, unavailable_when_down
from kit.projection import GONE_INDEX, Projection
from services.executions.adapters.mongo.recentfields import RecentFields
from services.executions.domain.uploads import Resolved

CASES, OPTIONS, FOLDERS = "library_testcases", "library_options", "library_folders"
CUSTOM_FIELDS = "library_custom_fields"

INDEXES = {
    CASES: [
        IndexModel([("tenant", ASCENDING), ("id", ASCENDING)]),
        IndexModel([("tenant", ASCENDING), ("project", ASCENDING), ("name", ASCENDING)]),
        GONE_INDEX,
    ],
    OPTIONS: [IndexModel([("tenant", ASCENDING), ("project", ASCENDING)]), GONE_INDEX],
    CUSTOM_FIELDS: [IndexModel([("tenant", ASCENDING), ("project", ASCENDING)]), GONE_INDEX],
    FOLDERS: [IndexModel([("tenant", ASCENDING), ("id", ASCENDING)]), GONE_INDEX],
}

_FIELDS = {"_id": 0, "id": 1, "name": 1, "version": 1, "version_id": 1, "project": 1}


def projection(database: Database) -> Projection:
    """Build the handler of the group ``executions.library``."""
    return Projection(
        database,
        {
            TEST_CASE_STATE: CASES,
            OPTION_STATE: OPTIONS,
            CUSTOM_FIELD_STATE: CUSTOM_FIELDS,
            FOLDER_STATE: FOLDERS,
        },
    )


class LibraryProjection:
    """Look-ups in bulk. What it does not know the owner may."""

    def __init__(self, database: Database) -> None:
        self._cases = database[CASES]
        self._options = database[OPTIONS]
        self._folders = database[FOLDERS]
        self._fields = database[CUSTOM_FIELDS]
        self._recent = RecentFields(self.custom_fields)
        self._shared_options = Grouped[tuple[str, int], None, list[OptionState]](self._read_options)

    async def by_number(
        self, tenant: str, project: int, numbers: Collection[int]
    ) -> Mapping[int, Resolved]:
        """Return the cases with these key numbers."""
        ids = {public_id(project, n): n for n in numbers}
        with unavailable_when_down():
            rows = await self._cases.find(
                {"tenant": tenant, "id": {"$in": list(ids)}, "archived": False}, _FIELDS
            ).to_list(None)
        return {ids[r["id"]]: Resolved(r["id"], r["version"], r["version_id"]) for r in rows}

    async def by_name(
        self, tenant: str, project: int, names: Collection[str]
    ) -> Mapping[str, Resolved]:
        """Return the oldest case of each name."""
        with unavailable_when_down():
            rows = await self._cases.find(
                {
                    "tenant": tenant,
                    "project": project,
                    "name": {"$in": list(names)},
                    "archived": False,
                },
                _FIELDS,
            ).to_list(None)
        found: dict[str, Resolved] = {}
        for row in rows:
            known = found.get(row["name"])
            if known is None or row["id"] < known.case:
                found[row["name"]] = Resolved(row["id"], row["version"], row["version_id"])
        return found

    async def options(self, tenant: str, project: int) -> list[OptionState]:
        """Return the options of a project that are known here."""
        return await self._shared_options.get((tenant, project), None)

    async def _read_options(
        self, key: tuple[str, int], waiters: Sequence[None]
    ) -> list[list[OptionState] | Exception]:
        tenant, project = key
        with unavailable_when_down():
            rows = await self._options.find({"tenant": tenant, "project": project}).to_list(None)
        return [[OptionState.model_validate(r) for r in rows]] * len(waiters)

    async def options_of(
        self, tenant: str, projects: Collection[int], kind: OptionType
    ) -> list[OptionState]:
        """Return the options of one type of several projects that are known here."""
        query = {"tenant": tenant, "project": {"$in": list(projects)}, "type": kind.value}
        with unavailable_when_down():
            rows = await self._options.find(query).to_list(None)
        return [OptionState.model_validate(r) for r in rows]

    async def custom_fields(
        self, tenant: str, projects: Collection[int], entity: CustomFieldEntity
    ) -> list[CustomFieldState]:
        """Return the custom fields of projects that are known here."""
        query = {"tenant": tenant, "project": {"$in": list(projects)}, "entity": entity.value}
        with unavailable_when_down():
            rows = await self._fields.find(query).to_list(None)
        return [CustomFieldState.model_validate(r) for r in rows]

    async def recent_custom_fields(
        self, tenant: str, projects: Collection[int], entity: CustomFieldEntity
    ) -> list[CustomFieldState]:
        """Return what was known here less than a second ago."""
        return await self._recent.of(tenant, projects, entity)

    async def folder_type(self, tenant: str, project: int, folder: int) -> str | None:
        """Return the type of a folder of the project, if it is known here."""
        with unavailable_when_down():
            row = await self._folders.find_one({"tenant": tenant, "id": folder, "project": project})
        return str(row["type"]) if row is not None else None
