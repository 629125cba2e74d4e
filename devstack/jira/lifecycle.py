"""The lifecycle driver: what an administrator, Atlassian or time does to an installed app."""

import asyncio
from collections.abc import Mapping

from devstack.jira import descriptor as descriptors
from devstack.jira.descriptor import Descriptor, DescriptorError
from devstack.jira.installing import Installer
from devstack.jira.model import Installation, Site
from devstack.jira.orders import Action, Impossible, Order, Outcome
from devstack.jira.sender import Sender
from devstack.jira.world import World

__all__ = ["Driver", "Impossible", "Order", "Outcome"]

DEFAULT_DESCRIPTOR_PATH = "/connect/atlassian-connect.json"


class Driver:
    """One action at a time; REST calls of the app are served meanwhile."""

    def __init__(
        self,
        world: World,
        sender: Sender,
        app_url: str | None,
        more: Mapping[str, Action] | None = None,
    ) -> None:
        """`more` are actions of other kinds of apps, by name."""
        self._world = world
        self._sender = sender
        self._installer = Installer(world, sender)
        self._app_url = app_url
        self._lock = asyncio.Lock()
        self._actions: dict[str, Action] = {
            "install": self._install,
            "reinstall": self._install,
            "update": self._update,
            "rotate_secret": self._rotate,
            "rename": self._rename,
            "disable": self._disable,
            "enable": self._enable,
            "uninstall": self._uninstall,
            "lost_uninstall": self._lost_uninstall,
            "import_site": self._import_site,
            "restore": self._restore,
            "forge_register": self._forge_register,
            "replay": self._replay,
            **(more or {}),
        }

    @property
    def names(self) -> list[str]:
        return list(self._actions)

    async def act(self, action: str, site: Site, order: Order) -> Outcome:
        """Raises KeyError for an unknown action, Impossible for one that does not apply."""
        run = self._actions[action]
        outcome = Outcome(action=action, site=site.name)
        async with self._lock:
            try:
                await run(site, order, outcome)
            except DescriptorError as error:
                outcome.ok, outcome.problems = False, error.problems
            finally:
                self._world.save()
        installation = self.find(site, order.app_key)
        if outcome.state is None and installation is not None:
            outcome.state = installation.state
        return outcome

    def find(self, site: Site, app_key: str | None) -> Installation | None:
        """The named installation, or the only one of the site."""
        if app_key is not None:
            return site.installations.get(app_key)
        return next(iter(site.installations.values()), None)

    async def read_descriptor(self, url: str | None) -> tuple[str, Descriptor]:
        """Raises DescriptorError when it cannot be had or is refused."""
        if url is None and self._app_url is not None:
            url = self._app_url.rstrip("/") + DEFAULT_DESCRIPTOR_PATH
        if url is None:
            raise DescriptorError(["no descriptor_url given and the stand-in has no --app-url"])
        try:
            raw = await self._sender.get_json(url)
        except ValueError as error:
            raise DescriptorError([str(error)]) from error
        return url, descriptors.parse(raw)

    def _present(self, site: Site, order: Order) -> Installation:
        installation = self.find(site, order.app_key)
        if installation is None or installation.state == "uninstalled":
            raise Impossible(f"no app is installed on site {site.name}")
        return installation

    async def _install(self, site: Site, order: Order, outcome: Outcome) -> None:
        known = self.find(site, order.app_key)
        url, app = await self.read_descriptor(
            order.descriptor_url or (known.descriptor_url if known else None)
        )
        if await self._installer.installed(site, url, app, order, outcome):
            await self._installer.notify(site, site.installations[app.key], "enabled", outcome)

    async def _update(self, site: Site, order: Order, outcome: Outcome) -> None:
        known = self._present(site, order)
        url, app = await self.read_descriptor(order.descriptor_url or known.descriptor_url)
        if known.on_forge and not order.major:
            known.scopes, known.webhooks = app.scopes, app.webhooks  # facts.md 2.1: untold
            return
        await self._installer.installed(site, url, app, order, outcome)

    async def _rotate(self, site: Site, order: Order, outcome: Outcome) -> None:
        known = self._present(site, order)
        await self._installer.send_installed(site, known, order, outcome, rotate=True)

    async def _rename(self, site: Site, order: Order, outcome: Outcome) -> None:
        known = self._present(site, order)
        if not order.base_url:
            raise Impossible("rename needs base_url")
        self._world.relocate(site, order.base_url)
        # facts.md 9: a rename's payload comes without the installation id
        await self._installer.send_installed(site, known, order, outcome, bare=True)

    async def _disable(self, site: Site, order: Order, outcome: Outcome) -> None:
        known = self._present(site, order)
        known.state = "disabled"
        await self._installer.notify(site, known, "disabled", outcome)

    async def _enable(self, site: Site, order: Order, outcome: Outcome) -> None:
        known = self._present(site, order)
        known.state = "installed"
        await self._installer.notify(site, known, "enabled", outcome)

    async def _uninstall(self, site: Site, order: Order, outcome: Outcome) -> None:
        known = self._present(site, order)
        known.state = "uninstalled"
        if self._world.state.policy.uninstall_order == "ac2561":
            await self._installer.notify(site, known, "uninstalled", outcome)
            await self._installer.notify(site, known, "disabled", outcome, signed=False)
            return
        await self._installer.notify(site, known, "disabled", outcome)
        await self._installer.notify(site, known, "uninstalled", outcome)

    async def _lost_uninstall(self, site: Site, order: Order, _outcome: Outcome) -> None:
        self._present(site, order).state = "uninstalled"

    async def _import_site(self, site: Site, order: Order, outcome: Outcome) -> None:
        """Another site's backup: a new clientKey at the same address, and nothing uninstalled."""
        known = self._present(site, order)
        url, app = await self.read_descriptor(order.descriptor_url or known.descriptor_url)
        site.former_client_keys.append(site.client_key)
        site.client_key = self._world.chance.uuid()
        del site.installations[known.app_key]
        if await self._installer.installed(site, url, app, order, outcome):
            installed = site.installations[app.key]
            await self._installer.notify(site, installed, "enabled", outcome)

    async def _restore(self, site: Site, order: Order, outcome: Outcome) -> None:
        """The site's own backup: its clientKey, or one it had before an import (`client_key`)."""
        known = self._present(site, order)
        if order.client_key is not None:
            if order.client_key not in site.former_client_keys:
                raise Impossible(f"the site never had the client key {order.client_key}")
            site.former_client_keys.remove(order.client_key)
            site.former_client_keys.append(site.client_key)
            site.client_key = order.client_key
        await self._installer.send_installed(site, known, order, outcome)

    async def _forge_register(self, site: Site, order: Order, _outcome: Outcome) -> None:
        """Nothing is sent; `installed` carries an installation id from now on (facts.md 2.1)."""
        known = self._present(site, order)
        known.on_forge = True
        if known.installation_id is None:
            known.installation_id = self._world.installation_id(site)

    async def _replay(self, _site: Site, order: Order, outcome: Outcome) -> None:
        original = self._world.records.deliveries.get(order.delivery or 0)
        if original is None:
            raise Impossible(f"there is no delivery {order.delivery}")
        sent = await self._sender.replay(original)
        outcome.ok = sent.succeeded
        outcome.deliveries.append(sent.shown())
