"""Requests for erasure, each with its parts in one document."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from contracts.telemetry import ProcessorName
from kit.mongo import Database
from services.telemetry.adapters.mongo.documents import ERASURES
from services.telemetry.domain.erasure import Erasure, Part, State, Subject

INDEXES = [
    IndexModel([("tenant", ASCENDING), ("requested_at", DESCENDING)]),
    IndexModel([("next_at", ASCENDING)], name="due", sparse=True),
]
_MOST_DUE = 100


class MongoErasures:
    """Implements ``usecases.erasing.Erasures``."""

    def __init__(self, database: Database) -> None:
        self._rows = database[ERASURES]

    async def add(self, erasure: Erasure) -> None:
        """Store a new one."""
        waiting = [part.next_at for part in erasure.parts if not part.state.final]
        await self._rows.insert_one(
            {
                "_id": _id(erasure.tenant, erasure.id),
                "tenant": erasure.tenant,
                "id": erasure.id,
                "subject": erasure.subject.value,
                "digest": erasure.digest,
                "parts": [_stored(part) for part in erasure.parts],
                "requested_at": erasure.requested_at,
                "requested_by": erasure.requested_by,
                # also with nothing to ask: the job closes it
                "next_at": min(waiting, default=erasure.requested_at),
            }
        )

    async def open_of(self, tenant: str, digest: str) -> Erasure | None:
        """Return the one that is still going on for the same subject."""
        row = await self._rows.find_one(
            {"tenant": tenant, "digest": digest, "next_at": {"$exists": True}}
        )
        return None if row is None else _read(row)

    async def one(self, tenant: str, erasure_id: str) -> Erasure | None:
        """Return one of a tenant."""
        row = await self._rows.find_one({"_id": _id(tenant, erasure_id), "tenant": tenant})
        return None if row is None else _read(row)

    async def newest(self, tenant: str, most: int) -> Sequence[Erasure]:
        """Return the newest of a tenant, newest first."""
        rows = self._rows.find({"tenant": tenant}).sort("requested_at", DESCENDING).limit(most)
        return [_read(row) async for row in rows]

    async def due(self, now: datetime) -> Sequence[Erasure]:
        """Return open ones of all tenants with something to do, those first that waited longest."""
        rows = self._rows.find({"next_at": {"$lte": now}}).sort("next_at").limit(_MOST_DUE)
        return [_read(row) async for row in rows]

    async def settle(self, erasure: Erasure, index: int, part: Part) -> None:
        """Write down what became of one part."""
        tenant = erasure.tenant
        await self._rows.update_one(
            {"tenant": tenant, "_id": _id(tenant, erasure.id)},
            {"$set": {f"parts.{index}": _stored(part)}},
        )

    async def reschedule(self, erasure: Erasure, at: datetime) -> None:
        """Say when the next part is due."""
        tenant = erasure.tenant
        await self._rows.update_one(
            {"tenant": tenant, "_id": _id(tenant, erasure.id), "next_at": {"$exists": True}},
            {"$set": {"next_at": at}},
        )

    async def end(self, erasure: Erasure, at: datetime, keys_destroyed: int | None) -> None:
        """Close it and forget whose it was: no hash of an account beside its pseudonyms."""
        tenant = erasure.tenant
        ended: dict[str, Any] = {"ended_at": at}
        if keys_destroyed is not None:
            ended["keys_destroyed"] = keys_destroyed
        await self._rows.update_one(
            {"tenant": tenant, "_id": _id(tenant, erasure.id)},
            {"$set": ended, "$unset": {"next_at": "", "digest": ""}},
        )


def _id(tenant: str, erasure_id: str) -> str:
    return f"{tenant}/{erasure_id}"


def _stored(part: Part) -> dict[str, Any]:
    return {
        **asdict(part),
        "ids": list(part.ids),
        "processor": part.processor.value,
        "state": part.state.value,
    }


def _read(row: Mapping[str, Any]) -> Erasure:
    return Erasure(
        row["tenant"],
        row["id"],
        Subject(row["subject"]),
        row.get("digest"),
        [_part(part) for part in row["parts"]],
        row["requested_at"],
        row["requested_by"],
        row.get("ended_at"),
        row.get("keys_destroyed"),
    )


def _part(row: Mapping[str, Any]) -> Part:
    return Part(
        ProcessorName(row["processor"]),
        tuple(row["ids"]),
        State(row["state"]),
        row["next_at"],
        row["reference"],
        row["reason"],
        row["attempts"],
    )
