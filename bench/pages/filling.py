"""Executions as the service stores them, written straight into MongoDB, and their summaries."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.alone import Tenant
from contracts.executions import ResultChunk
from contracts.ids import public_id
from contracts.testcases import DEFAULT_OPTIONS, OptionType
from kit.mongo import Database, Document
from services.executions.adapters.mongo import testcycles, testexecutions, testplans
from services.executions.domain.testexecutions import documents_of

PER_CYCLE = 500
PER_CASE = 200
LEAST = 200
"""Cycles and plans of every project: as many as fill a page, whatever the project has of runs."""
VERSIONS = 20
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
BETWEEN_CYCLES = timedelta(minutes=5)
_COMMENT = "AssertionError: expected 200 but got 500<br>  at checkout.spec:42<br>  at runner:7"
_STATUSES = [o.number for o in DEFAULT_OPTIONS if o.type is OptionType.TEST_EXECUTION]


async def fill(database: Database, tenant: Tenant, count: int) -> None:
    """Store so many executions, 500 in a cycle and about 200 of a case, some of them again."""
    chance = random.Random(7)
    rows = database[testexecutions.COLLECTION]
    cycles = range(1, count // PER_CYCLE + 1)
    planned = range(1, max(len(cycles), LEAST) + 1)
    await database[testcycles.COLLECTION].insert_many([_cycle(tenant, n) for n in planned])
    await database[testplans.COLLECTION].insert_many([_plan(tenant, n) for n in planned])
    batch: list[Document] = []
    for cycle in cycles:
        batch += _runs(tenant, cycle, count // PER_CASE, chance)
        if len(batch) >= 2_000 or cycle == cycles[-1]:
            await rows.insert_many(batch, ordered=False)
            batch = []
            await asyncio.sleep(0)


def ended(cycle: int) -> datetime:
    """Return when the runs of a cycle began to end."""
    return BEGAN + cycle * BETWEEN_CYCLES


def version(cycle: int) -> int | None:
    """Return the Jira version of a cycle; every third has none."""
    return 10_000 + cycle % VERSIONS if cycle % 3 else None


def _runs(tenant: Tenant, cycle: int, cases: int, chance: random.Random) -> list[dict[str, Any]]:
    project = tenant.project
    rows: Any = [
        {
            "pos": position,
            "case": public_id(project, case),
            "version": 1,
            "version_id": public_id(project, case),
            "status": public_id(project, chance.choice(_STATUSES)),
            "time": 120 + position % 900,
            "comment": _COMMENT if position % 10 == 0 else None,
            "end": ended(cycle) + timedelta(milliseconds=chance.randrange(250_000)),
        }
        for position, case in enumerate(chance.choices(range(1, cases + 1), k=PER_CYCLE))
    ]
    chunk = ResultChunk.model_construct(
        upload=f"bench{project}.{cycle}",
        chunk=0,
        project=project,
        cycle=public_id(project, cycle),
        first_id=public_id(project, 1 + (cycle - 1) * PER_CYCLE),
        jira_version=version(cycle),
        automated=True,
        executed_at=ended(cycle),
        rows=rows,
    )
    return documents_of(chunk, tenant.name, ended(cycle) + BETWEEN_CYCLES)[0]


def _cycle(tenant: Tenant, number: int) -> Document:
    return _planned(tenant, number) | {
        "description": None,
        "jira_version": version(number),
        "planned_start": None,
        "planned_end": None,
        "upload": None,
    }


def _plan(tenant: Tenant, number: int) -> Document:
    return _planned(tenant, number) | {"objective": None, "labels": [], "links": []}


def _planned(tenant: Tenant, number: int) -> Document:
    ident = public_id(tenant.project, number)
    return {
        "_id": f"{tenant.name}/{ident}",
        "tenant": tenant.name,
        "id": ident,
        "project": tenant.project,
        "name": f"Nightly {number}",
        "status": public_id(tenant.project, 1),
        "folder": None,
        "owner": None,
        "custom_fields": [],
        "created_on": ended(number),
        "updated_on": ended(number),
        "rev": 1,
    }
