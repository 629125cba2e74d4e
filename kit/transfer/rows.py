"""What became of the import of a project. Collection ``imports``; one row per project.

writing ──▶ done        whoever holds the lease writes; a writing one without a lease was broken
                        off, and goes on when the same archive is sent again
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from contracts.classes import DataClass
from kit.clock import Clock
from kit.mongo import Database, Document, DuplicateKey

COLLECTION = "imports"
LEASE = timedelta(seconds=30)


class ImportState(StrEnum):
    """How far an import is."""

    WRITING = "writing"
    DONE = "done"


class ImportDocument(TypedDict):
    """An import. ``_id``: tenant/project."""

    _id: Annotated[str, DataClass.OPERATIONAL]
    tenant: Annotated[str, DataClass.OPERATIONAL]
    project: Annotated[int, DataClass.OPERATIONAL]
    id: Annotated[str, DataClass.OPERATIONAL]
    """Stands in everything that it wrote."""
    archive: Annotated[str, DataClass.OPERATIONAL]
    """SHA-256 of the archive and of how it was to be read."""
    state: Annotated[str, DataClass.OPERATIONAL]
    started_on: Annotated[datetime, DataClass.OPERATIONAL]
    ended_on: NotRequired[Annotated[datetime, DataClass.OPERATIONAL]]
    lease_until: NotRequired[Annotated[datetime, DataClass.OPERATIONAL]]
    holder: NotRequired[Annotated[str, DataClass.OPERATIONAL]]
    written: Annotated[dict[str, int], DataClass.OPERATIONAL]
    """Rows and files by member."""
    left_out: Annotated[dict[str, int], DataClass.OPERATIONAL]
    """What means nothing on this Jira site."""


@dataclass(frozen=True, slots=True)
class Import:
    """An import as it stands."""

    id: str
    archive: str
    state: ImportState
    started_on: datetime
    ended_on: datetime | None
    leased: bool
    written: Mapping[str, int]
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Claim:
    """An import that somebody writes at this moment."""

    tenant: str
    project: int
    id: str
    holder: str
    """Random: of this run."""

    @property
    def key(self) -> str:
        """The id of the row."""
        return f"{self.tenant}/{self.project}"


class ImportRows:
    """The rows; the tenant comes first."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._rows = database[COLLECTION]
        self._clock = clock

    async def get(self, tenant: str, project: int) -> Import | None:
        """Return the last import into a project."""
        row = await self._rows.find_one({"_id": f"{tenant}/{project}", "tenant": tenant})
        return None if row is None else self._import(row)

    async def begin(
        self, claim: Claim, archive: str, left_out: Mapping[str, int], former: str | None
    ) -> bool:
        """Store a new import in place of the former one, None where there was none.

        False where somebody holds that, or has begun another one meanwhile.
        """
        now = self._clock.now()
        row: ImportDocument = {
            "_id": claim.key,
            "tenant": claim.tenant,
            "project": claim.project,
            "id": claim.id,
            "archive": archive,
            "state": ImportState.WRITING,
            "started_on": now,
            "lease_until": now + LEASE,
            "holder": claim.holder,
            "written": {},
            "left_out": dict(left_out),
        }
        # null finds none: every row has an id
        query = {"_id": claim.key, "tenant": claim.tenant, "id": former, **_free(now)}
        try:
            result = await self._rows.replace_one(query, dict(row), upsert=True)
        except DuplicateKey:
            return False
        return bool(result.matched_count or result.upserted_id)

    async def take_up(self, claim: Claim) -> bool:
        """Go on with an import that nobody holds; False where somebody does."""
        now = self._clock.now()
        query = {"_id": claim.key, "tenant": claim.tenant, "id": claim.id, **_free(now)}
        query["state"] = ImportState.WRITING
        change = {"lease_until": now + LEASE, "holder": claim.holder, "written": {}}
        return bool((await self._rows.update_one(query, {"$set": change})).matched_count)

    async def advance(self, claim: Claim, written: Mapping[str, int]) -> bool:
        """Renew the lease and say how much is written; False when it is not ours any more."""
        change = {"lease_until": self._clock.now() + LEASE, "written": dict(written)}
        return await self._change(claim, {"$set": change})

    async def end(self, claim: Claim, written: Mapping[str, int]) -> bool:
        """Say that all is written."""
        facts = {"state": ImportState.DONE, "ended_on": self._clock.now()}
        gone = {"lease_until": "", "holder": ""}
        return await self._change(
            claim, {"$set": {**facts, "written": dict(written)}, "$unset": gone}
        )

    async def let_go(self, claim: Claim) -> None:
        """Give up the lease of an import that broke off."""
        await self._change(claim, {"$unset": {"lease_until": "", "holder": ""}})

    async def forget(self, claim: Claim) -> None:
        """Remove an import that has written nothing."""
        await self._rows.delete_one(_mine(claim))

    async def _change(self, claim: Claim, change: Document) -> bool:
        return bool((await self._rows.update_one(_mine(claim), change)).matched_count)

    def _import(self, row: Document) -> Import:
        until = row.get("lease_until")
        return Import(
            id=row["id"],
            archive=row["archive"],
            state=ImportState(row["state"]),
            started_on=row["started_on"],
            ended_on=row.get("ended_on"),
            leased=until is not None and until >= self._clock.now(),
            written=row["written"],
            left_out=row["left_out"],
        )


def _free(now: datetime) -> Document:
    return {"$or": [{"lease_until": {"$lt": now}}, {"lease_until": {"$exists": False}}]}


def _mine(claim: Claim) -> Document:
    return {
        "_id": claim.key,
        "tenant": claim.tenant,
        "id": claim.id,
        "holder": claim.holder,
        "state": ImportState.WRITING,
    }
