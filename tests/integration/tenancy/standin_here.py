"""The Jira stand-in in the test's process; its requests travel over loopback."""

from dataclasses import dataclass

from devstack.jira.app import Setup, StandIn, build
from devstack.jira.forge.app import ForgeApp
from devstack.jira.lifecycle import Order
from devstack.jira.model import ForgeInstallation, Installation, Site
from devstack.standin.clock import Clock
from tests.integration.tenancy.forge_site import APP_ID, ForgeSite, join
from tests.integration.tenancy.jira_site import jwk
from tests.integration.tenancy.world import World

ENVIRONMENT = "99999999-2222-4333-8444-555555555555"


@dataclass(frozen=True)
class Here:
    """The stand-in beside a running tenancy service."""

    running: World
    standin: StandIn

    @property
    def site(self) -> Site:
        return self.standin.world.state.sites["demo"]

    def follow(self) -> None:
        """Same time, and the service's key servers publish the stand-in's keys."""
        world = self.standin.world
        world.clock.advance(self.running.clock.now().timestamp() - world.clock.now())
        kid, _ = world.keys.signing
        published = world.keys.published(kid)
        assert published is not None
        self.running.servers.published[kid] = published
        kids = {key["kid"] for key in self.running.servers.jwks}
        for forge_kid, key in world.forge_keys.all_published():
            if forge_kid not in kids:
                self.running.servers.jwks.append(jwk(forge_kid, key))

    async def installed(self) -> Installation:
        """Return the Connect app on the site, installed when it is not yet."""
        self.follow()
        found = self.standin.driver.find(self.site, None)
        if found is None:
            await self._act("install")
            found = self.standin.driver.find(self.site, None)
        assert found is not None
        return found

    async def forge_installed(self) -> tuple[ForgeApp, ForgeInstallation]:
        """Install the Forge app, too. No event tells of it: the tenant is made to know it."""
        await self.installed()
        app = ForgeApp(app_id=APP_ID, environment_id=ENVIRONMENT, base_url=self.running.base)
        self.standin.world.state.forge_app = app
        await self._act("forge_install")
        held = self.site.forge
        assert held is not None
        known = ForgeSite(
            self.running.keys,
            self.running.clock,
            self.running.servers_url,
            held.id.rpartition("/")[2],
            self.site.cloud_id,
            ENVIRONMENT,
        )
        await join(self.running.database, await self.tenant(), known)
        return app, held

    async def tenant(self) -> str:
        """Return the id of the tenant that the site became."""
        digest = self.running.core.index.hash(self.site.client_key)
        row = await self.running.database["tenants"].find_one({"install.client_key_hash": digest})
        assert row is not None
        return str(row["_id"])

    async def _act(self, action: str) -> None:
        outcome = await self.standin.driver.act(action, self.site, Order())
        assert outcome.ok, outcome


def beside(running: World) -> Here:
    """Start it; close ``standin.sender`` afterwards."""
    setup = Setup(
        base_url=running.servers_url,
        app_url=running.base,
        seed=7,
        clock=Clock(running.clock.now().timestamp()),
    )
    return Here(running, build(setup))
