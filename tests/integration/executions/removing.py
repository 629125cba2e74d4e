"""What the tests of delete and archive share."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from contracts.routes import EXECUTIONS, TESTCASES
from kit.mongo import Database
from tests.harness.polling import eventually
from tests.integration.executions.linking import Linked

OSTRO = "http://ostro.test/ostro/v1"
_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def rows_of(linked: Linked, service: str) -> Database:
    """Return the database of a service."""
    if service == EXECUTIONS:
        return linked.house.database
    name = linked.house.installation.database(service)
    return linked.house.database.client[name]


async def hurry(linked: Linked, *services: str) -> None:
    """Let the time come for everything that is left to do for a tenant, and wait for it."""
    mine = {"tenant": linked.tenant}
    for service in services or (TESTCASES, EXECUTIONS):
        jobs = rows_of(linked, service)["jobs"]

        async def done(jobs: Any = jobs) -> bool:
            ages = {"due_at": _LONG_AGO, "begun_at": _LONG_AGO}
            await jobs.update_many(mine, {"$set": ages})
            return bool(await jobs.count_documents(mine) == 0)

        await eventually(done)


async def stored(linked: Linked, service: str, *collections: str) -> dict[str, int]:
    """Count what a tenant has in collections, wherever it stands; none is left out."""
    names, rows = {"$regex": f"^{linked.tenant}"}, rows_of(linked, service)
    counts = {n: await rows[n].count_documents({"tenant": names}) for n in collections}
    return {name: count for name, count in counts.items() if count}


async def delete(linked: Linked, path: str, **params: Any) -> httpx.Response:
    """DELETE a thing; the path begins with the service."""
    return await linked.http.delete(f"{OSTRO}/{path}", params=params)


async def send(linked: Linked, path: str, **params: Any) -> httpx.Response:
    """POST …/archive or …/restore."""
    return await linked.http.post(f"{OSTRO}/{path}", params=params)


def counts(answer: httpx.Response) -> Mapping[str, int]:
    """Return what hangs on it, by kind; what there is none of is left out."""
    assert answer.status_code == 200, answer.text
    found = answer.json()["dependents"]
    for held in found.values():
        assert len(held["ids"]) == min(held["count"], 100)
    return {kind: held["count"] for kind, held in found.items() if held["count"]}


async def attach(linked: Linked, path: str) -> int:
    """Attach a file; return its id."""
    answer = await linked.http.put(f"/{path}/attachments/a.txt", content=b"bytes")
    assert answer.status_code == 200, answer.text
    return int(answer.json()["id"])


async def archived(linked: Linked, path: str) -> list[Any]:
    """Return what is archived; the path begins with the service."""
    service, _, kind = path.partition("/")
    answer = await linked.http.get(f"{OSTRO}/{service}/archive/{kind}")
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert page["total"] == len(page["values"])
    return list(page["values"])
