"""Offering an app its installation and telling it what became of it."""

from devstack.jira.descriptor import Descriptor
from devstack.jira.lifecycle_call import App, LifecycleCall, app_of, encoded, payload
from devstack.jira.model import Installation, RetiredSecret, Site
from devstack.jira.orders import Order, Outcome
from devstack.jira.records import Delivery
from devstack.jira.sender import Sender
from devstack.jira.world import World


class Installer:
    def __init__(self, world: World, sender: Sender) -> None:
        self._world = world
        self._sender = sender

    async def installed(
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
            on_forge=known.on_forge if known else False,
            webhooks=app.webhooks,
            dynamic_webhooks=alive.dynamic_webhooks if alive else [],
            failed_webhooks=alive.failed_webhooks if alive else [],
        )
        return await self.send_installed(site, candidate, order, outcome)

    def _oauth_client(self, app: Descriptor, known: Installation | None) -> str | None:
        if "ACT_AS_USER" not in app.scopes:
            return None
        return (known.oauth_client_id if known else None) or self._world.chance.hex(32)

    async def send_installed(
        self,
        site: Site,
        candidate: Installation,
        order: Order,
        outcome: Outcome,
        *,
        rotate: bool = False,
        bare: bool = False,
    ) -> bool:
        """The installation takes the secret only if the app does; `bare`: no installation id."""
        secret = order.secret or self._next_secret(candidate, rotate=rotate)
        self._world.issued(site, "sharedSecret", secret)
        shown = candidate.model_copy(update={"installation_id": None}) if bare else candidate
        sent = await self._post(
            site,
            app_of(candidate),
            "installed",
            encoded(payload(site, candidate.app_key, "installed", shown, secret)),
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

    async def notify(
        self,
        site: Site,
        installation: Installation,
        hook: str,
        outcome: Outcome,
        *,
        signed: bool = True,
    ) -> None:
        """A notification: sent once, whatever the answer; a hook the app lacks is left out.

        An app that is registered on Forge is no longer enabled or disabled (facts.md 2.1).
        """
        if hook not in installation.lifecycle:
            return
        if installation.on_forge and hook in ("enabled", "disabled"):
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
