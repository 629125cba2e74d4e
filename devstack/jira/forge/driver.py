"""What happens to a Forge app on a site: actions beside those of Connect."""

from typing import Any

from devstack.jira import demo
from devstack.jira.forge import events
from devstack.jira.forge.app import EndpointName, ForgeApp
from devstack.jira.forge.caller import ForgeCaller, Page
from devstack.jira.model import ForgeInstallation, Installation, Site
from devstack.jira.orders import Action, Impossible, Order, Outcome
from devstack.jira.records import Delivery
from devstack.jira.world import World

FIRST_VERSION = "1.0.0"


class ForgeDriver:
    def __init__(self, world: World, caller: ForgeCaller) -> None:
        self._world = world
        self._caller = caller

    @property
    def actions(self) -> dict[str, Action]:
        return {
            "forge_install": self._install,
            "forge_upgrade": self._upgrade,
            "forge_uninstall": self._uninstall,
            "forge_scheduled": self._scheduled,
            "forge_ui": self._ui,
            "forge_new_installation_id": self._new_id,
        }

    def _app(self) -> ForgeApp:
        app = self._world.state.forge_app
        if app is None:
            raise Impossible("no Forge app is known: POST /control/forge first")
        return app

    def _present(self, site: Site) -> ForgeInstallation:
        if site.forge is None or site.forge.installation.state != "installed":
            raise Impossible(f"no Forge app is installed on site {site.name}")
        return site.forge

    async def _install(self, site: Site, order: Order, outcome: Outcome) -> None:
        """A new installation; the app's answer to the event does not undo it."""
        app = self._app()
        site.forge = ForgeInstallation(
            installation=Installation(
                app_key=app.connect_key or app.app_id,
                app_name=app.name,
                app_base_url=app.base_url,
                account_id=f"557058:{self._world.chance.uuid()}",
                shared_secret="",
                scopes=app.scopes,
                lifecycle={},
                descriptor_url="",
                installation_id=self._world.installation_id(site),
            ),
            version=FIRST_VERSION,
        )
        await self._lifecycle(site, "installed", events.INSTALLED, order, outcome)

    async def _upgrade(self, site: Site, order: Order, outcome: Outcome) -> None:
        """The next version; calls get 403 for `denied_seconds`, as permissions come late."""
        installed = self._present(site)
        major, minor, patch = (int(part) for part in installed.version.split("."))
        installed.version = f"{major + 1}.0.0" if order.major else f"{major}.{minor + 1}.{patch}"
        installed.installation.scopes = self._app().scopes
        installed.denied_until = self._world.clock.now() + order.denied_seconds
        await self._lifecycle(site, "upgraded", events.UPGRADED, order, outcome)

    async def _uninstall(self, site: Site, _order: Order, outcome: Outcome) -> None:
        """`preUninstall` while the tokens still work, then nothing works any more."""
        installed, path = self._present(site), self._app().endpoints.get("preUninstall")
        if path is not None:
            body = {"installationId": installed.id, "cloudId": site.cloud_id}
            self._note(outcome, await self._caller.uninstalling(site, path, body))
        installed.installation.state = "uninstalled"
        installed.tokens = []
        outcome.state = "uninstalled"

    async def _scheduled(self, site: Site, _order: Order, outcome: Outcome) -> None:
        """The hourly trigger: it brings a fresh system token."""
        self._present(site)
        body = {"context": {"cloudId": site.cloud_id, "moduleKey": "scheduled"}}
        await self._event(site, "scheduled", "scheduled", body, outcome)

    async def _ui(self, site: Site, order: Order, outcome: Outcome) -> None:
        self._present(site)
        account_id = order.account or demo.TESTER
        if order.path is None:
            raise Impossible("forge_ui needs a path")
        if account_id not in site.users:
            raise Impossible(f"no user {account_id}")
        page = Page(account_id, order.method, order.path, order.body, order.tokens)
        sent = await self._caller.page(site, page)
        self._note(outcome, sent)
        outcome.state = "installed"

    async def _new_id(self, site: Site, _order: Order, outcome: Outcome) -> None:
        """The installation id changes silently (facts.md 9)."""
        installed = self._present(site)
        changed = f"ari:cloud:ecosystem::installation/{self._world.chance.uuid()}"
        installed.installation.installation_id = changed
        outcome.state = "installed"

    async def _lifecycle(
        self, site: Site, endpoint: EndpointName, name: str, order: Order, outcome: Outcome
    ) -> None:
        installed = self._present(site)
        account_id = order.account or demo.ADMIN
        body = events.lifecycle_body(name, site, self._app(), installed, account_id)
        await self._event(site, endpoint, name, body, outcome)

    async def _event(
        self,
        site: Site,
        endpoint: EndpointName,
        name: str,
        body: dict[str, Any],
        outcome: Outcome,
    ) -> None:
        """Tried at once; a retry waits for its time. An endpoint the app lacks is left out."""
        outcome.state = "installed"
        path = self._app().endpoints.get(endpoint)
        if path is None:
            return
        pending = self._caller.queue(site, name, path, endpoint, body)
        _, sent = await self._caller.attempt(pending)
        self._note(outcome, sent)

    @staticmethod
    def _note(outcome: Outcome, sent: Delivery | None) -> None:
        if sent is None:
            return
        outcome.ok = sent.status is not None and 200 <= sent.status < 300
        outcome.deliveries.append(sent.shown())
        if not outcome.ok:
            outcome.problems.append(f"{sent.hook} was answered {sent.status or sent.error}")
