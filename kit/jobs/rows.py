"""Rows of jobs in MongoDB, one for each thing that something is left to do for.

A row is written in the transaction of the change that it belongs to, and goes when all is done. A
newer wish for the same thing takes the place of the older one (``rev``): whoever works on the
older one finds out when it wants to write down how far it came.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from pymongo import ASCENDING, IndexModel, ReturnDocument
from typing_extensions import TypedDict

from contracts.classes import DataClass
from kit.mongo import Database, Document, Session

COLLECTION = "jobs"
INDEXES = {
    COLLECTION: [
        # of all tenants, for the worker: exempt from the tenant-first rule
        IndexModel([("due_at", ASCENDING)], name="due"),
        IndexModel([("tenant", ASCENDING), ("kind", ASCENDING)], name="kind"),
    ]
}


class JobDocument(TypedDict):
    """A job. ``_id``: tenant/kind/entity."""

    _id: Annotated[str, DataClass.OPERATIONAL]
    tenant: Annotated[str, DataClass.OPERATIONAL]
    kind: Annotated[str, DataClass.OPERATIONAL]
    entity: Annotated[int, DataClass.OPERATIONAL]
    action: Annotated[str, DataClass.OPERATIONAL]
    data: Annotated[dict[str, Any], DataClass.OPERATIONAL]
    """Ids, and words of the program."""
    rev: Annotated[int, DataClass.OPERATIONAL]
    begun_at: Annotated[datetime, DataClass.OPERATIONAL]
    due_at: Annotated[datetime, DataClass.OPERATIONAL]


@dataclass(frozen=True, slots=True)
class Job:
    """One job as it was read; ``rev`` says whether it is still the wish."""

    tenant: str
    kind: str
    entity: int
    action: str
    rev: int
    begun_at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Return the id of the row."""
        return _key(self.tenant, self.kind, self.entity)


class JobRows:
    """Where jobs are kept."""

    def __init__(self, database: Database) -> None:
        self._rows = database[COLLECTION]

    async def put(
        self,
        tenant: str,
        kind: str,
        entity: int,
        action: str,
        now: datetime,
        due: datetime,
        data: Mapping[str, Any] | None = None,
        session: Session | None = None,
    ) -> Job:
        """Write a wish down; it takes the place of an older one for the same thing."""
        row = await self._rows.find_one_and_update(
            # the id alone: only then the server itself repeats an upsert that met another
            {"_id": _key(tenant, kind, entity)},
            {
                "$set": {
                    "tenant": tenant,
                    "kind": kind,
                    "entity": entity,
                    "action": action,
                    "data": dict(data or {}),
                    "begun_at": now,
                    "due_at": due,
                },
                "$inc": {"rev": 1},
            },
            upsert=True,
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return _job(row)

    async def begin(self, tenant: str, kind: str, entity: int, action: str, now: datetime) -> None:
        """Write a wish down unless there is one: for events, which come more than once."""
        await self._rows.update_one(
            {"_id": _key(tenant, kind, entity)},
            {
                "$setOnInsert": {
                    "tenant": tenant,
                    "kind": kind,
                    "entity": entity,
                    "action": action,
                    "data": {},
                    "rev": 1,
                    "begun_at": now,
                    "due_at": now,
                }
            },
            upsert=True,
        )

    async def count(self, tenant: str, kind: str) -> int:
        """Count the jobs of a kind."""
        return int(await self._rows.count_documents({"tenant": tenant, "kind": kind}))

    async def under_way(self, tenant: str, first: int, end: int, *actions: str) -> bool:
        """Whether one of these is left to do for anything of a range of ids."""
        ids = {"$gte": first, "$lt": end}
        query = {"tenant": tenant, "entity": ids, "action": {"$in": list(actions)}}
        return await self._rows.find_one(query, {"_id": 1}) is not None

    async def due(self, now: datetime, most: int) -> Sequence[Job]:
        """Return jobs of all tenants whose time has come, the oldest first."""
        rows = self._rows.find({"due_at": {"$lte": now}}).sort("due_at", ASCENDING).limit(most)
        return [_job(row) for row in await rows.to_list(most)]

    async def wanted(self, job: Job) -> bool:
        """Whether a job is still the wish."""
        return await self._rows.find_one(_this(job), {"_id": 1}) is not None

    async def again(self, job: Job, due: datetime) -> None:
        """Say when to go on with a job, if it is still the wish."""
        await self._rows.update_one(_this(job), {"$set": {"due_at": due}})

    async def done(self, job: Job, session: Session | None = None) -> bool:
        """Remove a job; False when it is no longer the wish."""
        return bool((await self._rows.delete_one(_this(job), session=session)).deleted_count)


def _key(tenant: str, kind: str, entity: int) -> str:
    return f"{tenant}/{kind}/{entity}"


def _this(job: Job) -> Document:
    # a wish that comes when the former one is done begins to count anew
    begun = {"rev": job.rev, "action": job.action, "begun_at": job.begun_at}
    return {"tenant": job.tenant, "_id": job.key, **begun}


def _job(row: Document) -> Job:
    return Job(
        row["tenant"],
        row["kind"],
        row["entity"],
        row["action"],
        row["rev"],
        row["begun_at"],
        row["data"],
    )
