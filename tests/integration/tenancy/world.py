"""Tenancy for real on its own databases and topics, with the independent Jira around it."""

import contextlib
import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from contracts.envelope import Event
from contracts.topics import USAGE, Topic
from devstack.standin.serving import Listeners, bind, port_of
from kit.auth.principal import Scope
from kit.clock import to_millis
from kit.ids import SystemIds
from kit.mongo import Database, Document, connect
from kit.service import Role, running
from services.tenancy.domain.audit import OPERATOR
from services.tenancy.main import INDEXES, SERVICE, Core, build, compose
from services.tenancy.settings import TenancySettings
from services.tenancy.usecases.ports import By
from services.tenancy.usecases.projects import Wanted
from services.tenancy.usecases.tokens import TokenRequest
from tests.harness.fakes import ManualClock
from tests.harness.installation import Installation
from tests.harness.topics import events_of
from tests.integration.tenancy.forge_site import APP_ID, ForgeSite
from tests.integration.tenancy.jira_site import FakeServers, JiraSite, Keys

OPERATOR_BY = By(OPERATOR)
_ADDRESSES = 64


@dataclass
class World:
    """A running tenancy service and what a test does with it."""

    installation: Installation
    settings: TenancySettings
    clock: ManualClock
    database: Database
    core: Core
    http: httpx.AsyncClient
    keys: Keys
    servers: FakeServers
    servers_url: str
    addresses: Iterator[str]
    """Base URLs of sites; the first come again after many."""

    @property
    def base(self) -> str:
        return str(self.http.base_url).rstrip("/")

    def site(self) -> JiraSite:
        """A Jira site that nobody knows yet, at an address of its own."""
        return JiraSite(self.keys, self.clock, self.base, next(self.addresses))

    def forge_site(self) -> ForgeSite:
        """A Forge installation that nobody knows yet."""
        return ForgeSite(self.keys, self.clock, self.servers_url)

    async def call(
        self, site: JiraSite, hook: str, authorization: str | None = None, body: bytes | None = None
    ) -> httpx.Response:
        """Send a lifecycle call, a correct one unless told otherwise."""
        return await self.http.post(
            f"/connect/{hook}",
            content=site.body(hook) if body is None else body,
            headers={"authorization": authorization or site.authorization(hook)},
        )

    async def installed(self, site: JiraSite | None = None) -> tuple[JiraSite, str]:
        """Install a site; return it and its tenant."""
        found = site or self.site()
        assert (await self.call(found, "installed")).status_code == 204
        return found, (await self.tenant_of(found))["_id"]

    async def in_use(self, tenant: str, key: str = "DEMO") -> None:
        """Enable a project of the site's."""
        await self.core.projects.enable(tenant, Wanted(key=key), OPERATOR_BY)

    async def tenant_of(self, site: JiraSite) -> Document:
        """Return the stored tenant of a site, but for what relay and polling do by the way."""
        digest = self.core.index.hash(site.client_key)
        row = await self.database["tenants"].find_one(
            {"install.client_key_hash": digest}, {"outbox": 0, "facts.read_at": 0}
        )
        assert row is not None
        return row

    async def token(
        self,
        tenant: str,
        *scopes: Scope,
        projects: Sequence[str] | None = None,
        life: timedelta = timedelta(days=1),
    ) -> dict[str, str]:
        """Mint a token as the admin command does; return the header."""
        request = TokenRequest("test", scopes or tuple(Scope), life, projects, "557058:acc")
        minted = await self.core.tokens.mint(tenant, request, OPERATOR_BY)
        return {"authorization": f"Bearer {minted.text}"}

    async def plain_tenant(self) -> str:
        """A tenant without Jira."""
        return (await self.core.tenants.create("plain", None, OPERATOR_BY)).id

    async def stored(self) -> dict[str, list[Document]]:
        """Everything that a request may change, but what relay, polling and use do by the way."""
        names = ("tenants", "projects", "tokens", "signing_keys", "audit")
        return {
            name: await self.database[name]
            .find({}, {"outbox": 0, "facts.read_at": 0, "last_used_at": 0})
            .sort("_id", 1)
            .to_list(None)
            for name in names
        }

    async def records(self, topic: Topic) -> list[tuple[str, Event[Any] | None]]:
        """Everything in a topic, in order of each partition: key and event, None for tombstones."""
        return await events_of(self.settings, topic)

    async def newest(self, topic: Topic) -> dict[str, Event[Any] | None]:
        """Latest state of each key."""
        return dict(await self.records(topic))

    async def usage(self, tenant: str) -> list[Event[Any]]:
        """Product events of a tenant, oldest first."""
        return [e for key, e in await self.records(USAGE) if key == tenant and e is not None]


@contextlib.asynccontextmanager
async def running_world(
    installation: Installation, role: Role = Role.ALL, **changes: Any
) -> AsyncIterator[World]:
    """Start everything; the clock begins now and moves when told."""
    keys = Keys()
    servers, listeners = FakeServers(keys), Listeners()
    sock = bind("127.0.0.1", 0)
    others = [bind("127.0.0.1", 0) for _ in range(_ADDRESSES)]
    addresses = itertools.cycle(f"http://127.0.0.1:{port_of(other)}" for other in others)
    servers_url = f"http://127.0.0.1:{port_of(sock)}"
    base = f"http://127.0.0.1:{installation.http_ports[SERVICE]}"
    settings = installation.settings(
        TenancySettings,
        SERVICE,
        **{
            "master_key_file": installation.secret("master"),
            "public_url": base,
            "jira_key_servers": f"{servers_url}/keys,{servers_url}/backup",
            "jira_hosts": "127.0.0.1",
            "jira_allow_http": True,
            "forge_app_id": APP_ID,
            "forge_jwks_url": f"{servers_url}/forge/jwks.json",
            "forge_api_hosts": "127.0.0.1",
            **changes,
        },
    )
    clock = ManualClock(to_millis(datetime.now(UTC)))
    async with contextlib.AsyncExitStack() as stack:
        await listeners.serve(servers.app, sock, *others)
        stack.push_async_callback(listeners.stop)
        await stack.enter_async_context(
            running(SERVICE, settings, build, INDEXES, role, clock=clock)
        )
        database = await stack.enter_async_context(
            connect(settings.mongodb_uri, settings.mongodb_database)
        )
        http = await stack.enter_async_context(
            httpx.AsyncClient(base_url=base, trust_env=False, timeout=30)
        )
        core = await compose(database, settings, clock, SystemIds())
        stack.push_async_callback(core.jira.close)
        yield World(
            installation,
            settings,
            clock,
            database,
            core,
            http,
            keys,
            servers,
            servers_url,
            addresses,
        )
