"""Documents as the service makes them, written straight into MongoDB."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from bench.alone import Tenant
from contracts.ids import public_id
from contracts.testcases import DEFAULT_OPTIONS, OptionType
from kit.mongo import Database, Document
from services.testcases.adapters.mongo.folders import FOLDERS
from services.testcases.adapters.mongo.testcases import TEST_CASES, document
from services.testcases.domain.scripts import InlineStep, Step, StepsScript
from services.testcases.domain.testcases import TestCase

CASES_PER_FOLDER = 20
PER_PARENT = 10
"""Folders in a folder; the rest lies at the root."""
RARE = 20
"""Cases of a library, however large, that have the rare word, the rare label and text."""
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_SYLLABLES = ("ka", "lo", "mi", "ren", "tu", "sa", "vor", "pe", "dan", "gil", "ho", "bra")
_BATCH = 1_000
_OPTIONS = {
    kind: [option.id for option in DEFAULT_OPTIONS if option.type is kind]
    for kind in (OptionType.TEST_CASE, OptionType.PRIORITY)
}


async def fill(database: Database, tenant: Tenant, cases: int) -> None:
    """Store a library of so many cases in a twentieth of as many folders."""
    chance = random.Random(7)
    folders = cases // CASES_PER_FOLDER
    rows = [_folder(tenant, number) for number in range(1, folders + 1)]
    await database[FOLDERS].insert_many(rows, ordered=False)
    batch: list[Document] = []
    for row in _rows(tenant, cases, folders, chance):
        batch.append(row)
        if len(batch) == _BATCH or row["id"] == public_id(tenant.project, cases):
            await database[TEST_CASES].insert_many(batch, ordered=False)
            batch = []


def last_update(cases: int) -> datetime:
    """Return when the newest case of a library was changed; each was a second after another."""
    return BEGAN + timedelta(seconds=cases)


def _rows(tenant: Tenant, cases: int, folders: int, chance: random.Random) -> Iterator[Document]:
    for number in range(1, cases + 1):
        ident = public_id(tenant.project, number)
        rare = number % (cases // RARE) == 0
        case = _case(tenant, number, folders, chance, rare=rare)
        texts = (_text(chance, 8), _text(chance, 4), _text(chance, 6))
        steps = tuple(Step(ident * 4 + n, InlineStep(*texts)) for n in range(3))
        row = document(
            f"{tenant.name}/{tenant.project}/{number}", tenant.name, case, StepsScript(steps)
        )
        yield {**row, "visible": True, "rev": 1}


def _case(
    tenant: Tenant, number: int, folders: int, chance: random.Random, *, rare: bool
) -> TestCase:
    at = BEGAN + timedelta(seconds=number)
    options = {kind: chance.choice(found)(tenant.project) for kind, found in _OPTIONS.items()}
    return TestCase(
        id=public_id(tenant.project, number),
        project=tenant.project,
        name=f"Checkout {_text(chance, 4)} {'needle 登录测试' if rare else 'hay'} {number}",
        version=1,
        version_id=public_id(tenant.project, number),
        priority=options[OptionType.PRIORITY],
        status=options[OptionType.TEST_CASE],
        created_on=at,
        updated_on=at,
        objective=_text(chance, 12),
        labels=("smoke", *(["nightly"] if rare else [])) if number % 5 == 0 else (),
        folder=public_id(tenant.project, 1 + number % folders),
        owner=None if number % 4 == 0 else f"acc-{number % 50}",
    )


def _folder(tenant: Tenant, number: int) -> Document:
    parent = number // PER_PARENT
    return {
        "_id": f"{tenant.name}/{public_id(tenant.project, number)}",
        "tenant": tenant.name,
        "id": public_id(tenant.project, number),
        "project": tenant.project,
        "type": "TEST_CASE",
        "name": f"folder {number}",
        "index": number % PER_PARENT,
        "parent": public_id(tenant.project, parent) if parent else None,
        "updated_on": BEGAN,
        "rev": 1,
        "outbox": [],
    }


def _text(chance: random.Random, words: int) -> str:
    return " ".join("".join(chance.choices(_SYLLABLES, k=3)) for _ in range(words))
