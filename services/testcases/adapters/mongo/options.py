"""Options in MongoDB, and which projects have their defaults."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from pymongo import ASCENDING, IndexModel

from contracts.testcases import OptionType
from kit.grouping import Grouped
from kit.http.pages import OffsetPage
from kit.mongo import Database, Document, Session, insert_new
from kit.outbox.entries import INDEX as OUTBOX_INDEX
from services.testcases.adapters.mongo.documents import OptionDocument
from services.testcases.adapters.mongo.pending import Pending
from services.testcases.adapters.mongo.projectwrites import PROJECTS, ProjectWrites
from services.testcases.adapters.mongo.testcases import TEST_CASES, VERSIONS
from services.testcases.domain.options import Option, defaults_of, name_key

OPTIONS = "options"
INDEXES = {
    OPTIONS: [
        # the type behind the sort key lets lists of one kind be filtered in the index
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
                ("name_key", ASCENDING),
            ],
            name="name",
            unique=True,
        ),
        OUTBOX_INDEX,
    ],
}

_BY_ID = [("project", ASCENDING), ("id", ASCENDING)]
"""Order by id: ids of one project are one range, and the index has the project first."""


_Group = tuple[str, int, tuple[OptionType, ...]]
"""Tenant, project, types: whoever asks for the same at once shares the answer."""


class OptionRepository:
    """Implements ``OptionStore`` and ``DefaultsStore``; the tenant comes first."""

    def __init__(self, database: Database, pending: Pending) -> None:
        self._options = database[OPTIONS]
        self._projects = database[PROJECTS]
        self._cases = database[TEST_CASES]
        self._versions = database[VERSIONS]
        self._pending = pending
        self._writes = ProjectWrites(database, pending)
        self._shared = Grouped[_Group, None, Sequence[Option]](self._of_project)

    async def page(
        self,
        tenant: str,
        projects: Collection[int],
        types: Sequence[OptionType],
        page: OffsetPage,
    ) -> tuple[int, Sequence[Option]]:
        """Return the total and one page, by id."""
        query = {
            "tenant": tenant,
            "project": {"$in": list(projects)},
            "type": {"$in": list(types)},
        }
        total, rows = await asyncio.gather(
            self._options.count_documents(query),
            self._options.find(query)
            .sort(_BY_ID)
            .skip(page.start_at)
            .limit(page.max_results)
            .to_list(page.max_results),
        )
        return total, [option_of(row) for row in rows]

    async def get(self, tenant: str, option: int) -> Option | None:
        """Return one option."""
        row = await self._options.find_one({"_id": f"{tenant}/{option}", "tenant": tenant})
        return option_of(row) if row is not None and "deleted" not in row else None

    async def of_project(
        self, tenant: str, project: int, types: Sequence[OptionType]
    ) -> Sequence[Option]:
        """Return all options of some types of a project, by id."""
        return await self._shared.get((tenant, project, tuple(types)), None)

    async def _of_project(
        self, of: "_Group", waiters: Sequence[None]
    ) -> Sequence[Sequence[Option] | Exception]:
        tenant, project, types = of
        query = {"tenant": tenant, "project": project, "type": {"$in": list(types)}}
        rows = await self._options.find(query).sort(_BY_ID).to_list(None)
        return [[option_of(row) for row in rows]] * len(waiters)

    async def named(
        self, tenant: str, projects: Collection[int], kind: OptionType, names: Collection[str]
    ) -> Mapping[str, Collection[int]]:
        """Return the ids of options by their ``name_key``, which ``names`` are."""
        query = {
            "tenant": tenant,
            "project": {"$in": list(projects)},
            "type": kind,
            "name_key": {"$in": list(names)},
        }
        found: dict[str, list[int]] = {}
        for row in await self._options.find(query, {"id": 1, "name_key": 1}).to_list(None):
            found.setdefault(row["name_key"], []).append(row["id"])
        return found

    async def add(
        self,
        tenant: str,
        project: int,
        kind: OptionType,
        made: Callable[[Sequence[Option]], Option],
    ) -> Option:
        """Store the option that is made in sight of its siblings; nobody changes them meanwhile."""

        async def change(session: Session) -> Option:
            option = made(await self._group(tenant, project, kind, session))
            row = dict(self.document(tenant, option))
            await self._options.insert_one(row, session=session)
            return option

        return await self._writes.run(tenant, project, change)

    async def change(
        self,
        tenant: str,
        project: int,
        kind: OptionType,
        changed: Callable[[Sequence[Option]], Sequence[Option]],
    ) -> None:
        """Store the options that change in sight of their group: all of them or none."""

        async def change(session: Session) -> None:
            group = await self._group(tenant, project, kind, session)
            for option in changed(group):
                await self._options.update_one(
                    {"_id": f"{tenant}/{option.id}", "tenant": tenant},
                    self.update(option),
                    session=session,
                )

        await self._writes.run(tenant, project, change)

    async def remove(
        self,
        tenant: str,
        option: Option,
        check: Callable[[Sequence[Option]], None],
    ) -> None:
        """Remove an option that passes the check in sight of its group."""

        async def change(session: Session) -> None:
            check(await self._group(tenant, option.project, option.type, session))
            # without a type no query finds it; the relay sends the tombstone and removes the rest
            await self._options.update_one(
                {"_id": f"{tenant}/{option.id}", "tenant": tenant},
                self.removal(option.id),
                session=session,
            )

        await self._writes.run(tenant, option.project, change)

    async def unchanged_since(self, tenant: str, option: int, moment: datetime) -> bool:
        """Whether an option was not changed after a moment."""
        row = await self._options.find_one(
            {"_id": f"{tenant}/{option}", "tenant": tenant, "updated_on": {"$lte": moment}},
            {"_id": 1},
        )
        return row is not None

    async def cases_having(self, tenant: str, option: Option) -> int:
        """Count what has a status or priority: cases, provisional ones too, and older versions."""
        field = {OptionType.PRIORITY: "priority", OptionType.TEST_CASE: "status"}.get(option.type)
        if field is None:
            return 0
        query = {"tenant": tenant, "project": option.project, field: option.id}
        counts = [await rows.count_documents(query) for rows in (self._cases, self._versions)]
        return sum(counts)

    async def _group(
        self, tenant: str, project: int, kind: OptionType, session: Session
    ) -> Sequence[Option]:
        query = {"tenant": tenant, "project": project, "type": kind.value}
        rows = await self._options.find(query, session=session).sort(_BY_ID).to_list(None)
        return [option_of(row) for row in rows]

    async def complete(self, tenant: str, projects: Collection[int]) -> set[int]:
        """Return the projects whose defaults are all there."""
        query = {
            "_id": {"$in": [f"{tenant}/{p}" for p in projects]},
            "tenant": tenant,
            "defaults": {"$gte": len(defaults_of(1))},
        }
        rows = await self._projects.find(query, {"project": 1}).to_list(None)
        return {row["project"] for row in rows}

    async def create(self, tenant: str, project: int, options: Sequence[Option]) -> None:
        """Store what is missing of them, then that the project is complete."""
        await insert_new(self._options, [dict(self.document(tenant, o)) for o in options])
        self._pending.nudge()
        await self._projects.update_one(
            # the id alone: only then the server itself repeats an upsert that met another
            {"_id": f"{tenant}/{project}"},
            {
                "$set": {"tenant": tenant, "project": project},
                "$max": {"defaults": len(options)},
            },
            upsert=True,
        )

    def removal(self, option: int) -> Document:
        """Return the update that leaves what the relay makes a tombstone of."""
        return {
            "$set": {"deleted": True, "name_key": str(option)},
            "$unset": {"type": "", "name": "", "description": "", "color": ""},
            "$inc": {"rev": 1},
            "$push": {"outbox": self._pending.entry()},
        }

    def update(self, option: Option) -> Document:
        """Return the update that makes a stored option this one."""
        now = self._pending.clock.now()
        changed = {
            "name": option.name,
            "name_key": name_key(option.name),
            "description": option.description,
            "color": option.color,
            "index": option.index,
            "default": option.default,
            "archived": option.archived,
            "updated_on": now,
        }
        return {
            "$set": changed,
            "$inc": {"rev": 1},
            "$push": {"outbox": self._pending.entry()},
        }

    def document(self, tenant: str, option: Option) -> OptionDocument:
        """Build the document of a new option."""
        return {
            "_id": f"{tenant}/{option.id}",
            "tenant": tenant,
            "id": option.id,
            "project": option.project,
            "type": option.type.value,
            "name": option.name,
            "name_key": name_key(option.name),
            "description": option.description,
            "color": option.color,
            "index": option.index,
            "default": option.default,
            "archived": option.archived,
            "updated_on": self._pending.clock.now(),
            "rev": 1,
            "outbox": [self._pending.entry()],
        }


def option_of(row: Document) -> Option:
    """Read an option."""
    return Option(
        id=row["id"],
        project=row["project"],
        type=OptionType(row["type"]),
        name=row["name"],
        index=row["index"],
        description=row["description"],
        color=row["color"],
        default=row["default"],
        archived=row["archived"],
    )
