"""All four services behind the edge, and a tenant that has one of everything."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from contracts.routes import EXECUTIONS, TELEMETRY, TENANCY, TESTCASES
from devstack.embedded.caddy import CaddySite, start_caddy
from devstack.embedded.guard import guarded_folder
from devstack.embedded.ports import free_ports
from kit.mongo import connect
from tests.faults.belongings import ISSUE, ISSUE_KEY, Belongings, make
from tests.harness.backends import Backends
from tests.harness.installation import Installation
from tests.harness.jira_issues import jira_beside_tenancy
from tests.harness.namespace import prepared
from tests.harness.operator import operator
from tests.harness.polling import eventually
from tests.harness.system import client, service

MANY = 100_000
"""Requests a minute: the limit is tried elsewhere."""


@dataclass(frozen=True)
class House:
    """Where the public API is, who calls it, and what the caller has."""

    url: str
    headers: dict[str, str]
    http: httpx.AsyncClient
    """Past the edge."""
    owned: Belongings


async def upload_of(installation: Installation) -> str:
    """Return the id of the only upload."""
    name = installation.database(EXECUTIONS)
    async with connect(installation.backends.mongodb, name) as database:
        row = await database["uploads"].find_one({})
    assert row is not None
    return str(row["_id"])


@pytest.fixture(scope="session")
async def house(
    servers: Backends, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """Run everything."""
    async with AsyncExitStack() as stack:
        folder = tmp_path_factory.mktemp("hostile")
        own = await stack.enter_async_context(prepared(servers, folder))
        jira = await stack.enter_async_context(jira_beside_tenancy(own))
        world = await stack.enter_async_context(operator(own))
        of_each: dict[str, dict[str, Any]] = {
            TENANCY: {"master_key_file": own.secret("master")},
            TESTCASES: {"tenancy_url": jira.url},
            EXECUTIONS: {"tenancy_url": jira.url},
            TELEMETRY: {"pseudonym_key_file": own.secret("pseudonyms")},
        }
        for name, values in of_each.items():
            values["token_requests_per_minute"] = MANY
            await stack.enter_async_context(service(own, name, **values))
        tenant = await world.tenant()
        project = await world.project(tenant)
        jira.of[tenant] = {ISSUE: ISSUE_KEY}
        headers = await world.headers(tenant)
        http = await stack.enter_async_context(client(own, headers))

        async def there() -> bool:
            page = await http.get("/statuses", params={"projectKey": "DEMO"})
            return page.status_code == 200 and bool(page.json()["values"])

        await eventually(there)
        owned = await make(http)
        owned.add("projects", project)
        owned.add("projects by key", "DEMO")
        owned.add("uploads", await upload_of(own))
        guard = stack.enter_context(guarded_folder(folder / "caddy"))
        upstreams = {name: f"127.0.0.1:{port}" for name, port in own.http_ports.items()}
        site = CaddySite(folder / "caddy", free_ports(1)[0], upstreams)
        await asyncio.to_thread(start_caddy, site, started=guard.watch)
        yield House(site.url, headers, http, owned)
