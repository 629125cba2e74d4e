"""Custom fields in MongoDB: their definitions."""

from collections.abc import Callable, Collection, Sequence

from pymongo import ASCENDING, IndexModel

from contracts.customfields import (
    CustomFieldEntity,
    CustomFieldOption,
    CustomFieldType,
    option_key,
)
from kit.grouping import Grouped
from kit.mongo import Database, Document, Session
from kit.outbox.entries import INDEX as OUTBOX_INDEX
from services.testcases.adapters.mongo.documents import (
    CustomFieldDocument,
    CustomFieldOptionDocument,
)
from services.testcases.adapters.mongo.pending import Pending
from services.testcases.adapters.mongo.projectwrites import ProjectWrites
from services.testcases.domain.customfields import CustomField
from services.testcases.usecases.customfields import FieldChange

CUSTOM_FIELDS = "custom_fields"
INDEXES = {
    CUSTOM_FIELDS: [
        IndexModel(
            [
                ("tenant", ASCENDING),
                ("project", ASCENDING),
                ("entity", ASCENDING),
                ("name_key", ASCENDING),
            ],
            name="name",
            unique=True,
            # what is removed has no name any more
            partialFilterExpression={"name_key": {"$exists": True}},
        ),
        OUTBOX_INDEX,
    ],
}

_IN_ORDER = [("entity", ASCENDING), ("index", ASCENDING), ("id", ASCENDING)]
_LIVING = {"name_key": {"$exists": True}}


_Group = tuple[str, tuple[int, ...], CustomFieldEntity | None]
"""Tenant, projects, entity: whoever asks for the same at once shares the answer."""


class CustomFieldRepository:
    """Implements ``CustomFieldStore``; the tenant comes first."""

    def __init__(self, database: Database, pending: Pending) -> None:
        self._fields = database[CUSTOM_FIELDS]
        self._pending = pending
        self._writes = ProjectWrites(database, pending)
        self._shared = Grouped[_Group, None, Sequence[CustomField]](self._of_projects)

    async def of_projects(
        self, tenant: str, projects: Collection[int], entity: CustomFieldEntity | None
    ) -> Sequence[CustomField]:
        """Return the fields of projects, of one entity or all; by entity, index and id."""
        return await self._shared.get((tenant, tuple(projects), entity), None)

    async def _of_projects(
        self, of: "_Group", waiters: Sequence[None]
    ) -> Sequence[Sequence[CustomField] | Exception]:
        tenant, projects, entity = of
        query: Document = {"tenant": tenant, "project": {"$in": list(projects)}} | _LIVING
        if entity is not None:
            query["entity"] = entity.value
        rows = await self._fields.find(query).sort(_IN_ORDER).to_list(None)
        return [[custom_field(row) for row in rows]] * len(waiters)

    async def get(self, tenant: str, field: int) -> CustomField | None:
        """Return one field."""
        row = await self._fields.find_one({"_id": f"{tenant}/{field}", "tenant": tenant} | _LIVING)
        return custom_field(row) if row is not None else None

    async def change(
        self,
        tenant: str,
        project: int,
        entity: CustomFieldEntity,
        changed: Callable[[Sequence[CustomField]], FieldChange],
    ) -> None:
        """Store what is decided in sight of all siblings; nobody changes them meanwhile."""

        async def work(session: Session) -> None:
            query: Document = {"tenant": tenant, "project": project, "entity": entity.value}
            rows = await self._fields.find(query | _LIVING, session=session).to_list(None)
            known = {row["id"] for row in rows}
            change = changed([custom_field(row) for row in rows])
            for field in change.fields:
                if field.id in known:
                    await self._update(tenant, field, session)
                else:
                    row = dict(self.document(tenant, field))
                    await self._fields.insert_one(row, session=session)
            if change.removed is not None:
                await self._remove(tenant, change.removed, session)

        await self._writes.run(tenant, project, work)

    async def _update(self, tenant: str, field: CustomField, session: Session) -> None:
        await self._fields.update_one(
            {"_id": f"{tenant}/{field.id}", "tenant": tenant},
            {
                "$set": {
                    "name": field.name,
                    "name_key": option_key(field.name),
                    "index": field.index,
                    "required": field.required,
                    "options": [dict(_option(o)) for o in field.options],
                    "updated_on": self._pending.clock.now(),
                },
                "$inc": {"rev": 1},
                "$push": {"outbox": self._pending.entry()},
            },
            session=session,
        )

    async def _remove(self, tenant: str, field: int, session: Session) -> None:
        """Leave what the relay makes a tombstone of; it removes the rest."""
        await self._fields.update_one(
            {"_id": f"{tenant}/{field}", "tenant": tenant},
            {
                "$set": {"deleted": True},
                "$unset": {"name": "", "name_key": "", "options": ""},
                "$inc": {"rev": 1},
                "$push": {"outbox": self._pending.entry()},
            },
            session=session,
        )

    def document(self, tenant: str, field: CustomField) -> CustomFieldDocument:
        """Build the document of a new field."""
        return {
            "_id": f"{tenant}/{field.id}",
            "tenant": tenant,
            "id": field.id,
            "project": field.project,
            "entity": field.entity.value,
            "type": field.type.value,
            "name": field.name,
            "name_key": option_key(field.name),
            "index": field.index,
            "required": field.required,
            "options": [_option(o) for o in field.options],
            "updated_on": self._pending.clock.now(),
            "rev": 1,
            "outbox": [self._pending.entry()],
        }


def custom_field(row: Document) -> CustomField:
    """Read a definition."""
    return CustomField(
        id=row["id"],
        project=row["project"],
        entity=CustomFieldEntity(row["entity"]),
        type=CustomFieldType(row["type"]),
        name=row["name"],
        index=row["index"],
        required=row["required"],
        options=tuple(CustomFieldOption.model_validate(o) for o in row["options"]),
    )


def _option(option: CustomFieldOption) -> CustomFieldOptionDocument:
    return {
        "id": option.id,
        "name": option.name,
        "default": option.default,
        "archived": option.archived,
    }
