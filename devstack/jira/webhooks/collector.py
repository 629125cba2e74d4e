"""Turns what happened into webhooks that wait, one for each address that wants to know."""

import json
from collections.abc import Mapping
from typing import Any

from devstack.jira.changes.happening import Happening
from devstack.jira.model import Installation, Site
from devstack.jira.webhooks.outbox import Outbound
from devstack.jira.webhooks.targets import Target, targets
from devstack.jira.world import World

MAIL_SCOPE = "ACCESS_EMAIL_ADDRESSES"


def without_mail(value: Any) -> Any:
    """The same content without any e-mail address of a user."""
    if isinstance(value, dict):
        return {key: without_mail(item) for key, item in value.items() if key != "emailAddress"}
    if isinstance(value, list):
        return [without_mail(item) for item in value]
    return value


class Collector:
    """A listener of the world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __call__(self, site: Site, happening: Happening) -> None:
        """Disabled and uninstalled apps hear nothing."""
        now = self._world.clock.now()
        for app in site.installations.values():
            if app.state == "installed":
                for target in targets(site, app, happening, now):
                    self.enqueue(site, app, happening, target)

    def enqueue(
        self, site: Site, app: Installation, happening: Happening, target: Target
    ) -> Outbound:
        """Due at once; the body is fixed now, its token is made when it is sent."""
        faults = self._world.outbox.faults
        huge = faults.take("huge", site.name)
        made = Outbound(
            identifier=str(site.next_number("webhook-identifier")),
            site=site.name,
            app_key=app.app_key,
            event=happening.event,
            url=target.url,
            body=self._body(app, happening, target, huge.bytes if huge else 0),
            actor=happening.actor,
            flow="Secondary" if happening.bulk else "Primary",
            trace=self._world.chance.hex(32),
            due=self._world.clock.now(),
        )
        self._world.outbox.add(made)
        return made

    def _body(self, app: Installation, happening: Happening, target: Target, filler: int) -> bytes:
        if not target.with_body:
            return b""
        content: dict[str, Any] = {
            "timestamp": int(self._world.clock.now() * 1000),
            "webhookEvent": happening.event,
            **self._granted(app, happening.body),
        }
        if target.matched:
            content["matchedWebhookIds"] = list(target.matched)
        if filler:
            content["filler"] = "x" * filler
        return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()

    @staticmethod
    def _granted(app: Installation, body: Mapping[str, Any]) -> dict[str, Any]:
        content: dict[str, Any] = dict(body) if MAIL_SCOPE in app.scopes else without_mail(body)
        return content
