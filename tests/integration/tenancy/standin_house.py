"""Tenancy for real with the Jira stand-in beside it, both over loopback, the site installed."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from devstack.jira.app import Setup, StandIn, build
from devstack.jira.model import Site
from devstack.standin.clock import Clock
from devstack.standin.serving import Listeners, bind, port_of
from kit.http.client import InternalClient
from kit.ids import SystemIds
from services.tenancy.main import Core, compose
from tests.harness.installation import Installation
from tests.integration.tenancy.forge_site import APP_ID
from tests.integration.tenancy.internal import internal_client
from tests.integration.tenancy.world import World, running_world


@dataclass
class House:
    """Tenancy, a Jira site of its own that has the app, and a service that asks."""

    world: World
    standin: StandIn
    jira: httpx.AsyncClient
    client: InternalClient
    tenant: str

    @property
    def site(self) -> Site:
        """The site as the stand-in keeps it."""
        return self.standin.world.state.sites["demo"]

    async def act(self, action: str, **order: Any) -> None:
        """Do something at the site; the app must take every call."""
        answer = await self.jira.post(f"/control/sites/demo/actions/{action}", json=order)
        assert answer.json()["problems"] == [], answer.text

    async def control(self, lever: str, **order: Any) -> None:
        """Pull a lever."""
        answer = await self.jira.post(f"/control/{lever}", json=order)
        assert answer.is_success, answer.text

    def calls(self, part: str = "") -> list[tuple[str, int]]:
        """Method with target, and status, of the app's calls so far."""
        found = (entry.value for entry in self.standin.world.records.calls.after(0))
        return [
            (f"{call.method} {call.target}", call.status) for call in found if part in call.target
        ]

    def forget_calls(self) -> None:
        """Begin to count anew."""
        self.standin.world.records.calls.clear()

    def pass_time(self, seconds: float) -> None:
        """Let time pass for Jira and for tenancy."""
        self.world.clock.advance(seconds=seconds)
        self.standin.world.clock.advance(seconds)

    async def replica(self) -> Core:
        """Another process of tenancy on the same database."""
        world = self.world
        return await compose(world.database, world.settings, world.clock, SystemIds())


async def _polling_by_nobody(world: World) -> None:
    """Hold the leases of facts and webhooks, so that a test's own rounds find what they expect."""
    held = {"holder": "a test", "until": datetime(2100, 1, 1, tzinfo=UTC)}
    for name in ("jira-facts", "site-webhooks"):
        await world.database["leases"].update_one({"_id": name}, {"$set": held}, upsert=True)


async def forge_app(house: House) -> None:
    """Tell the stand-in of the Forge app, as its manifest does."""
    paths = {
        "installed": "installed",
        "upgraded": "upgraded",
        "scheduled": "refresh",
        "preUninstall": "uninstalled",
    }
    await house.control(
        "forge",
        app_id=APP_ID,
        environment="PRODUCTION",
        base_url=house.world.base,
        endpoints={name: f"/forge/{path}" for name, path in paths.items()},
    )


async def _install(house: House, *, forge: bool) -> None:
    if forge:
        await forge_app(house)
    await house.act("forge_install" if forge else "install")
    rows = await house.world.database["tenants"].find({}).to_list(None)
    house.tenant = rows[-1]["_id"]


@contextlib.asynccontextmanager
async def standin_house(
    installation: Installation, *, forge: bool = False, forge_app_id: str = APP_ID
) -> AsyncIterator[House]:
    """Start both and install the app, with Connect or with Forge."""
    listeners, sock = Listeners(), bind("127.0.0.1", 0)
    url = f"http://127.0.0.1:{port_of(sock)}"
    async with contextlib.AsyncExitStack() as stack:
        world = await stack.enter_async_context(
            running_world(
                installation,
                jira_key_servers=f"{url}/install-keys,{url}/install-keys-backup",
                forge_app_id=forge_app_id,
                forge_jwks_url=f"{url}/forge/.well-known/jwks.json",
                forge_api_hosts="127.0.0.1",
            )
        )
        clock = Clock(world.clock.now().timestamp())
        standin = build(Setup(base_url=url, app_url=world.base, clock=clock))
        await listeners.serve(standin.app, sock)
        stack.push_async_callback(listeners.stop)
        stack.push_async_callback(standin.sender.close)
        jira = await stack.enter_async_context(
            httpx.AsyncClient(base_url=url, trust_env=False, timeout=30)
        )
        client = await stack.enter_async_context(internal_client(world, "executions"))
        house = House(world, standin, jira, client, "")
        await _polling_by_nobody(world)
        await _install(house, forge=forge)
        yield house
