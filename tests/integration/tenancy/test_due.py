"""Upkeep of all sites asks the database for those that are due, by an index."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from kit.ids import SystemIds
from kit.mongo import Database, Document, ensure_indexes
from services.tenancy.adapters.mongo.changes import Changes
from services.tenancy.adapters.mongo.facts import MongoFacts
from services.tenancy.adapters.mongo.indexes import INDEXES
from services.tenancy.adapters.mongo.site_webhooks import MongoSiteWebhooks
from services.tenancy.domain.site_webhooks import SiteWebhook, SiteWebhooks
from tests.harness.fakes import START, ManualClock

NOW = START
HOUR = timedelta(hours=1)


def tenant(name: str, *, read_at: datetime | None, iat: timedelta = 1000 * HOUR) -> Document:
    """One whose facts were read then, installed so long ago."""
    installed = {"iat": int((NOW - iat).timestamp())}
    install = {"client_key_hash": name, "removed": False, "installed": installed}
    return {
        "_id": name,
        "status": "active",
        "site_url": f"https://{name}",
        "cloud_id": name,
        "install": install,
        "forge": None,
        "facts": {"read_at": read_at},
    }


@pytest.fixture
async def stored(database: Database) -> Database:
    await ensure_indexes(database, INDEXES)
    rows = [
        tenant("fresh", read_at=NOW - HOUR),
        tenant("old", read_at=NOW - 25 * HOUR),
        tenant("older", read_at=NOW - 50 * HOUR),
        tenant("unread", read_at=None),
        tenant("reinstalled", read_at=NOW - HOUR, iat=timedelta(minutes=1)),
        {**tenant("off", read_at=None), "status": "disabled"},
        {**tenant("plain", read_at=None), "install": None, "site_url": "https://p"},
    ]
    await database["tenants"].insert_many(rows)
    return database


async def stages(database: Database, collection: str, query: Document) -> set[str]:
    """Return how the database finds it."""
    explained = await database[collection].find(query).explain()
    found: set[str] = set()

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            found.update({part["stage"]} if "stage" in part else ())
            for value in part.values():
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)

    walk(explained["queryPlanner"]["winningPlan"])
    return found


async def test_facts_of_those_that_may_be_due(stored: Database) -> None:
    facts = MongoFacts(stored, Changes(stored, ManualClock(), SystemIds()))
    readings = await facts.readings(NOW, ())
    assert [r.tenant for r in readings] == ["unread", "older", "old", "reinstalled"]
    assert all(r.due(NOW) for r in readings)
    assert "old" not in {r.tenant for r in await facts.readings(NOW, ["old"])}
    for query in (
        {"status": "active", "facts.read_at": {"$not": {"$gt": NOW}}},
        {"status": "active", "install.installed.iat": {"$gte": 1}},
    ):
        assert "COLLSCAN" not in await stages(stored, "tenants", query)


async def test_webhooks_of_those_that_may_need_something(stored: Database) -> None:
    store = MongoSiteWebhooks(stored)
    webhook = SiteWebhook(1, (10000,), NOW + timedelta(days=30))
    seen = SiteWebhooks("fresh", 1, (webhook,), checked_at=NOW, swept_at=NOW)
    await store.save(seen)
    await store.save(SiteWebhooks("unread", 1))
    await store.save(SiteWebhooks("old", 1, failures=1, retry_at=NOW + HOUR))
    assert await store.due(NOW) == ["unread"]
    assert set(await store.due(NOW + HOUR)) == {"unread", "fresh", "old"}
    rows = await store.rows(["fresh", "nobody"])
    assert rows == {"fresh": seen}
    audit = [
        {"_id": n, "tenant": n, "at": NOW - timedelta(minutes=m)} for n, m in (("a", 1), ("b", 9))
    ]
    await stored["audit"].insert_many(audit)
    assert set(await store.changed(NOW - timedelta(minutes=5))) == {"a", "reinstalled"}
    assert [i.tenant for i in await store.installed(["fresh", "off", "plain"])] == ["fresh"]
    assert len(await store.installed(None)) == 5
    assert "COLLSCAN" not in await stages(stored, "site_webhooks", {"due_at": {"$lte": NOW}})
    assert "COLLSCAN" not in await stages(stored, "audit", {"at": {"$gte": NOW}})
