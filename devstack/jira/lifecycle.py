"""The lifecycle driver: what an administrator, Atlassian or time does to an installed app."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from devstack.jira import descriptor as descriptors
from devstack.jira.descriptor import Descriptor, DescriptorError
from devstack.jira.lifecycle_call import App, LifecycleCall, app_of, encoded, payload
from devstack.jira.model import Installation, RetiredSecret, Site
from devstack.jira.records import Delivery
from devstack.jira.sender import Sender
from devstack.jira.world import World

DEFAULT_DESCRIPTOR_PATH = "/connect/atlassian-connect.json"


class Order(BaseModel):
    """Arguments of an action; each action reads the ones it knows."""

    model_config = ConfigDict(extra="forbid")

    app_key: str | None = None
    descriptor_url: str | None = None
    base_url: str | None = None
    delivery: int | None = None
    secret: str | None = Field(default=None, description="instead of a random one")


class Outcome(BaseModel):
    """`ok` is false when the app or its descriptor made the action fail; nothing changed then."""

    action: str
    site: str
    ok: bool = True
    state: str | None = None
    problems: list[str] = Field(default_factory=list)
    deliveries: list[dict[str, Any]] = Field(default_factory=list)


class Impossible(Exception):
    """The action makes no sense in this state (409)."""


Action = Callable[[Site, Order, Outcome], Awaitable[None]]


class Driver:
    """One action at a time; REST calls of the app are served meanwhile."""

    def __init__(self, world: World, sender: Sender, app_url: str | None) -> None:
        self._world = world
        self._sender = sender
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
            "replay": self._replay,
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
        outcome.state = installation.state if installation else None
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
        if await self._installed(site, url, app, order, outcome):
            await self._notify(site, site.installations[app.key], "enabled", outcome)

    async def _update(self, site: Site, order: Order, outcome: Outcome) -> None:
        known = self._present(site, order)
        url, app = await self.read_descriptor(order.descriptor_url or known.descriptor_url)
        await self._installed(site, url, app, order, outcome)

    async def _rotate(self, site: Site, order: Order, outcome: Outcome) -> None:
        known = self._present(site, order)
        await self._send_installed(site, known, order, outcome, rotate=True)

    async def _rename(self, site: Site, order: Order, outcome: Outcome) -> None:
        known = self._present(site, order)
        if not order.base_url:
            raise Impossible("rename needs base_url")
        self._world.relocate(site, order.base_url)
        known.installation_id = None  # facts.md 9: a rename's payload comes without it
        await self._send_installed(site, known, order, outcome)

    async def _disable(self, site: Site, order: Order, outcome: Outcome) -> None:
        known = self._present(site, order)
        known.state = "disabled"
        await self._notify(site, known, "disabled", outcome)

    async def _enable(self, site: Site, order: Order, outcome: Outcome) -> None:
        known = self._present(site, order)
        known.state = "installed"
        await self._notify(site, known, "enabled", outcome)

    async def _uninstall(self, site: Site, order: Order, outcome: Outcome) -> None:
        known = self._present(site, order)
        known.state = "uninstalled"
        if self._world.state.policy.uninstall_order == "ac2561":
            await self._notify(site, known, "uninstalled", outcome)
            await self._notify(site, known, "disabled", outcome, signed=False)
            return
        await self._notify(site, known, "disabled", outcome)
        await self._notify(site, known, "uninstalled", outcome)

    async def _lost_uninstall(self, site: Site, order: Order, _outcome: Outcome) -> None:
        self._present(site, order).state = "uninstalled"

    async def _replay(self, _site: Site, order: Order, outcome: Outcome) -> None:
        original = self._world.records.deliveries.get(order.delivery or 0)
        if original is None:
            raise Impossible(f"there is no delivery {order.delivery}")
        sent = await self._sender.replay(original)
        outcome.ok = sent.succeeded
        outcome.deliveries.append(sent.shown())

    async def _installed(
        self, site: Site, url: str, app: Descriptor, order: Order, outcome: Outcome
    ) -> bool:
        """Offer the app as it would be; it takes the place of the known one only on success."""
        known = site.installations.get(app.key)
        alive = known if known and known.state != "uninstalled" else None
        candidate = Installation(
            app_key=app.key,
            app_name=app.name,
            app_base_url=app.base_url,
            account_id=known.account_id if known else f"557058:{self._world.chance.uuid()}",
            shared_secret=known.shared_secret if known else "",
            retired_secrets=known.retired_secrets if known else [],
            scopes=app.scopes,
            lifecycle=app.lifecycle,
            descriptor_url=url,
            oauth_client_id=self._oauth_client(app, known),
            installation_id=known.installation_id if known else None,
            licence=known.licence if known else "unlicensed_free",
            webhooks=app.webhooks,
            dynamic_webhooks=alive.dynamic_webhooks if alive else [],
            failed_webhooks=alive.failed_webhooks if alive else [],
        )
        return await self._send_installed(site, candidate, order, outcome)

    def _oauth_client(self, app: Descriptor, known: Installation | None) -> str | None:
        if "ACT_AS_USER" not in app.scopes:
            return None
        return (known.oauth_client_id if known else None) or self._world.chance.hex(32)

    async def _send_installed(
        self,
        site: Site,
        candidate: Installation,
        order: Order,
        outcome: Outcome,
        *,
        rotate: bool = False,
    ) -> bool:
        secret = order.secret or self._next_secret(candidate, rotate=rotate)
        self._world.issued(site, "sharedSecret", secret)
        sent = await self._post(
            site,
            app_of(candidate),
            "installed",
            encoded(payload(site, candidate.app_key, "installed", candidate, secret)),
            secret,
        )
        outcome.deliveries.append(sent.shown())
        outcome.ok = sent.succeeded
        if not sent.succeeded:
            outcome.problems.append(f"installed was answered {sent.status or sent.error}")
            return False
        self._accept(candidate, secret)
        site.installations[candidate.app_key] = candidate
        return True

    def _next_secret(self, known: Installation, *, rotate: bool) -> str:
        per_app = self._world.state.policy.rotation == "per_app"
        if per_app and known.shared_secret and not rotate:
            return known.shared_secret
        return self._world.chance.secret()

    def _accept(self, installation: Installation, secret: str) -> None:
        now = self._world.clock.now()
        overlap = self._world.state.policy.rotation_overlap_seconds
        if installation.shared_secret and installation.shared_secret != secret:
            installation.retired_secrets = [
                *(old for old in installation.retired_secrets if old.expires_at > now),
                RetiredSecret(value=installation.shared_secret, expires_at=now + overlap),
            ]
        installation.shared_secret = secret
        installation.state = "installed"

    async def _notify(
        self,
        site: Site,
        installation: Installation,
        hook: str,
        outcome: Outcome,
        *,
        signed: bool = True,
    ) -> None:
        """A notification: sent once, whatever the answer; a hook the app lacks is left out."""
        if hook not in installation.lifecycle:
            return
        body = encoded(payload(site, installation.app_key, hook, installation, None))
        secret = installation.shared_secret if signed else None
        sent = await self._post(site, app_of(installation), hook, body, secret)
        outcome.deliveries.append(sent.shown())

    async def _post(
        self, site: Site, app: App, hook: str, body: bytes, secret: str | None
    ) -> Delivery:
        """`secret` None sends it without any token (the quirk AC-2561)."""
        call = LifecycleCall(self._world, site, app, hook)
        authorization = None if secret is None else f"JWT {call.token(secret)}"
        return await self._sender.send(call.delivery(body, authorization))
