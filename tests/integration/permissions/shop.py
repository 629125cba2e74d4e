"""A Jira site with people in groups and roles, and the services of an installation that it runs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from contracts.permissions import Grant
from devstack.jira.demo import MANAGER, TESTER
from kit.auth.principal import Scope
from kit.clock import to_millis
from kit.ids import SystemIds
from kit.mongo import Database, connect
from kit.service import Role, running
from services.executions import main as executions
from services.executions.settings import ExecutionsSettings
from services.tenancy import main as tenancy
from services.tenancy.domain.audit import OPERATOR
from services.tenancy.main import Core
from services.tenancy.settings import TenancySettings
from services.tenancy.usecases.ports import By
from services.tenancy.usecases.projects import Wanted
from services.tenancy.usecases.tokens import TokenRequest
from services.testcases import main as testcases
from services.testcases.settings import TestcasesSettings
from tests.devstack.standin_process import standin
from tests.harness.fakes import ManualClock
from tests.harness.installation import Installation
from tests.harness.polling import eventually
from tests.harness.system import client

CELL = By(OPERATOR)
GROUP = "6e87dc72-4f1f-421f-9382-2fee8b652487"
ROLE = 10_500
READS = {
    "testcases": "/testcases?projectKey=DEMO",
    "executions": "/testexecutions?projectKey=DEMO",
    "cycles": "/testcycles?projectKey=DEMO",
    "tenancy": "/projects/DEMO",
}
"""One request to each service that knows projects (telemetry knows none), and one more."""
Statuses = dict[str, int]


@dataclass
class Shop:
    """What a test does: it moves time, changes Jira and asks as somebody."""

    installation: Installation
    clock: ManualClock
    jira: httpx.AsyncClient
    core: Core
    database: Database
    tenant: str
    clients: dict[str, httpx.AsyncClient] = field(default_factory=dict)

    async def later(self, **span: float) -> None:
        """Let time pass, for the services and for Jira."""
        self.clock.advance(**span)
        await self._control("clock/advance", seconds=timedelta(**span).total_seconds())

    async def settle(self) -> None:
        """Let so much time pass that nothing that is known of anybody counts any more."""
        await self.later(minutes=10, seconds=1)

    async def group(self, *members: str, ident: str = GROUP) -> None:
        """Put exactly these accounts into a group."""
        await self._control("groups", group={"id": ident}, members=list(members))

    async def role(self, *actors: dict[str, str], project: str = "DEMO") -> None:
        """Give the role in a project to exactly these accounts and groups."""
        await self._control("roles", project=project, role={"id": ROLE}, actors=list(actors))

    async def jira_down(self) -> None:
        """Let every call to the site's REST API fail until ``jira_up``."""
        await self._control("faults", path="/rest/", status=503, times=None)

    async def jira_up(self) -> None:
        """Clear all faults."""
        answer = await self.jira.delete("/control/faults")
        assert answer.is_success, answer.text

    async def user(self, **user: Any) -> None:
        """Change an account."""
        await self._control("users", user=user)

    async def permit(self, *grants: Grant, enforced: bool = True) -> None:
        """Replace the scheme of DEMO."""
        await self.core.rights.permissions.put(
            self.tenant, "DEMO", grants, CELL, enforced=enforced, force=True
        )

    async def as_(self, account: str | None) -> httpx.AsyncClient:
        """Return a client that acts as an account."""
        name = account or ""
        if name not in self.clients:
            scopes = (Scope.READ, Scope.WRITE, Scope.RESULTS)
            request = TokenRequest("t", scopes, timedelta(days=365), None, account)
            minted = await self.core.tokens.mint(self.tenant, request, CELL)
            headers = {"authorization": f"Bearer {minted.text}"}
            self.clients[name] = client(self.installation, headers)
        return self.clients[name]

    async def reads(self, account: str = TESTER) -> Statuses:
        """Return how each service answers a read."""
        http = await self.as_(account)
        answers = await asyncio.gather(*(http.get(path) for path in READS.values()))
        return {name: a.status_code for name, a in zip(READS, answers, strict=True)}

    async def everywhere(self, status: int, account: str = TESTER, seconds: float = 20) -> None:
        """Wait until each service answers so."""
        await eventually(
            lambda: self.reads(account),
            lambda found: set(found.values()) == {status},
            seconds=seconds,
        )

    async def writes(self, account: str = TESTER) -> httpx.Response:
        """Create a test case."""
        http = await self.as_(account)
        return await http.post("/testcases", json={"projectKey": "DEMO", "name": "n"})

    async def membership(self, account: str = TESTER) -> dict[str, Any] | None:
        """Return what tenancy has stored of a user."""
        query = {"tenant": self.tenant, "account_id": account, "deleted": False}
        row: dict[str, Any] | None = await self.database["memberships"].find_one(query)
        return row

    async def _control(self, lever: str, **order: Any) -> None:
        answer = await self.jira.post(f"/control/{lever}", json=order)
        assert answer.is_success, answer.text


@contextlib.asynccontextmanager
async def open_shop(installation: Installation) -> AsyncIterator[Shop]:
    """Run Jira and the services, and install the app on the site; TESTER is in the group."""
    public_url = f"http://127.0.0.1:{installation.http_ports['tenancy']}"
    clock = ManualClock(to_millis(datetime.now(UTC)))
    async with contextlib.AsyncExitStack() as stack:
        site = await stack.enter_async_context(standin("devstack.jira", "--app-url", public_url))
        settings = installation.settings(
            TenancySettings,
            "tenancy",
            master_key_file=installation.secret("master"),
            public_url=public_url,
            jira_key_servers=f"{site.url}/install-keys,{site.url}/install-keys-backup",
            jira_hosts="127.0.0.1",
            jira_allow_http=True,
        )
        await _run(stack, "tenancy", settings, tenancy, clock)
        for name, module, settings_class in (
            ("testcases", testcases, TestcasesSettings),
            ("executions", executions, ExecutionsSettings),
        ):
            values = installation.settings(settings_class, name)
            await _run(stack, name, values, module, clock)
        jira = await stack.enter_async_context(
            httpx.AsyncClient(base_url=site.url, trust_env=False, timeout=30)
        )
        installed = await jira.post("/control/sites/demo/actions/install", json={})
        assert installed.status_code == 200, installed.text
        database = await stack.enter_async_context(
            connect(settings.mongodb_uri, settings.mongodb_database)
        )
        core = await tenancy.compose(database, settings, clock, SystemIds())
        stack.push_async_callback(core.jira.close)
        (tenant,) = await core.tenants.all()
        await core.projects.enable(tenant.id, Wanted("DEMO"), CELL)
        shop = Shop(installation, clock, jira, core, database, tenant.id)
        await shop.group(TESTER)
        await shop.role({"accountId": MANAGER})
        try:
            yield shop
        finally:
            for http in shop.clients.values():
                await http.aclose()


async def _run(
    stack: contextlib.AsyncExitStack, name: str, settings: Any, main: Any, clock: ManualClock
) -> None:
    service = running(name, settings, main.build, main.INDEXES, Role.ALL, clock=clock)
    await stack.enter_async_context(service)
