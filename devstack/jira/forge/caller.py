"""Calls the app's endpoints: events with retries, pages and the uninstall without."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from devstack.jira.changes.happening import Happening
from devstack.jira.forge import events
from devstack.jira.forge.app import ForgeApp, TokenKind
from devstack.jira.forge.invocation import Invocation
from devstack.jira.model import ForgeInstallation, Site
from devstack.jira.records import Delivery
from devstack.jira.sender import Sender
from devstack.jira.webhooks.collector import without_mail
from devstack.jira.webhooks.outbox import Attempt, Outcome
from devstack.jira.world import World

EVENT_SECONDS = 5.0
PAGE_SECONDS = 25.0
UNINSTALL_SECONDS = 55.0
MAX_RETRIES = 4
FIRST_RETRY_SECONDS = 60.0  # assumed; each further one waits twice as long
RETRY_STATUSES = frozenset({408, 429})


@dataclass(slots=True)
class Pending:
    """An event for an endpoint; `due` in seconds since the epoch."""

    identifier: str
    site: str
    event: str
    path: str
    module: str
    body: dict[str, Any]
    due: float
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """A call of a page, by a person."""

    account_id: str
    method: str
    path: str
    body: Any
    kinds: Sequence[TokenKind]


class ForgeCaller:
    """A listener of the world: product events wait here for `deliver`."""

    def __init__(self, world: World, sender: Sender) -> None:
        self._world = world
        self._sender = sender

    def __call__(self, site: Site, happening: Happening) -> None:
        """Queue what a trigger of the manifest asks for."""
        app, name = self._world.state.forge_app, events.event_name(happening.event)
        if app is None or name is None or name not in app.triggers:
            return
        if site.forge is not None and site.forge.installation.state == "installed":
            body = without_mail(events.product_body(name, happening))
            self.queue(site, name, app.triggers[name], name, body)

    def queue(
        self, site: Site, event: str, path: str, module: str, body: dict[str, Any]
    ) -> Pending:
        number = site.next_number("forge-event")
        made = Pending(
            f"forge-{number}", site.name, event, path, module, body, self._world.clock.now()
        )
        self._world.outbox.forge.append(made)
        self._world.outbox.changed.set()
        return made

    async def deliver(self, site: str | None = None) -> list[Attempt]:
        """Send the events that are due, one after another."""
        now, waiting = self._world.clock.now(), self._world.outbox.forge
        due = [one for one in waiting if one.due <= now and site in (None, one.site)]
        return [(await self.attempt(one))[0] for one in due]

    async def attempt(self, one: Pending) -> tuple[Attempt, Delivery | None]:
        """One try; what may pass by waits again, with a new token each time."""
        if one in self._world.outbox.forge:
            self._world.outbox.forge.remove(one)
        one.tries += 1
        site = self._world.state.sites[one.site]
        target = self._target(site)
        if target is None:
            return self._done(one, "undeliverable", None), None
        app, installed = target
        invocation = Invocation(self._world, site, app, installed, one.module)
        sent = await self._post(invocation, one, EVENT_SECONDS)
        if sent.status is not None and sent.status < 500 and sent.status not in RETRY_STATUSES:
            outcome: Outcome = "delivered" if sent.status < 300 else "refused"
        elif one.tries > MAX_RETRIES:
            outcome = "given_up"
        else:
            outcome = "retry"
            one.due = self._world.clock.now() + FIRST_RETRY_SECONDS * 2 ** (one.tries - 1)
            self._world.outbox.forge.append(one)
        return self._done(one, outcome, sent), sent

    async def uninstalling(self, site: Site, path: str, body: dict[str, Any]) -> Delivery | None:
        """`preUninstall`: once, while the installation still works."""
        target = self._target(site)
        if target is None:
            return None
        invocation = Invocation(self._world, site, *target, "preUninstall")
        number = site.next_number("forge-event")
        one = Pending(f"forge-{number}", site.name, "preUninstall", path, "preUninstall", body, 0)
        return await self._post(invocation, one, UNINSTALL_SECONDS)

    async def page(self, site: Site, page: Page) -> Delivery | None:
        """What a page inside Jira asks of the app; no retry."""
        target = self._target(site)
        if target is None:
            return None
        invocation = Invocation(self._world, site, *target, "page", page.account_id)
        content = b"" if page.body is None else json.dumps(page.body).encode()
        return await self._send(
            invocation, page.method, page.path, content, "page", page.kinds, PAGE_SECONDS
        )

    def _target(self, site: Site) -> tuple[ForgeApp, ForgeInstallation] | None:
        app, installed = self._world.state.forge_app, site.forge
        if app is None or installed is None or installed.installation.state != "installed":
            return None
        return app, installed

    async def _post(self, invocation: Invocation, one: Pending, seconds: float) -> Delivery:
        content = json.dumps(one.body, ensure_ascii=False).encode()
        return await self._send(
            invocation, "POST", one.path, content, one.event, ["system"], seconds
        )

    async def _send(
        self,
        invocation: Invocation,
        method: str,
        path: str,
        content: bytes,
        event: str,
        kinds: Sequence[TokenKind],
        seconds: float,
    ) -> Delivery:
        delivery = Delivery(
            at=self._world.clock.now(),
            site=invocation.site.name,
            hook=event,
            method=method,
            url=invocation.app.base_url + path,
            headers=invocation.headers(kinds),
            body=content,
            note="forge",
        )
        return await self._sender.send(delivery, seconds)

    def _done(self, one: Pending, outcome: Outcome, sent: Delivery | None) -> Attempt:
        attempt = Attempt(
            at=self._world.clock.now(),
            site=one.site,
            identifier=one.identifier,
            event=one.event,
            attempt=one.tries,
            outcome=outcome,
            status=sent.status if sent else None,
            error=sent.error if sent else None,
            delivery=sent.seq if sent else 0,
        )
        self._world.outbox.attempts.add(attempt)
        return attempt
