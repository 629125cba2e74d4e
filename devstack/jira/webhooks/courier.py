"""Sends the webhooks that are due, and says when each is tried again (facts.md 5.4 and 5.5)."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import httpx

from devstack.jira import tokens
from devstack.jira.model import FailedWebhook, Installation, Site
from devstack.jira.records import Delivery
from devstack.jira.sender import Sender, request_hash
from devstack.jira.webhooks.faults import MAX_BODY_BYTES
from devstack.jira.webhooks.outbox import Attempt, Outbound, Outcome
from devstack.jira.world import World

MAX_TRIES = 5
RETRY_STATUSES = frozenset({408, 409, 425, 429})
RETRY_SECONDS = (5 * 60, 15 * 60)
HOST_PATIENCE_SECONDS = 30 * 60
MAX_ROUNDS = 20
IDLE_SECONDS = 1.0


Deliverer = Callable[[str | None], Awaitable[list[Attempt]]]


class Courier:
    """One round at a time. Within a round `parallel` requests are under way together."""

    def __init__(self, world: World, sender: Sender) -> None:
        self._world = world
        self._sender = sender
        self._lock = asyncio.Lock()
        self.automatic = False
        self.also: list[Deliverer] = []

    async def deliver(self, site: str | None = None, parallel: int = 1) -> list[Attempt]:
        """Send all that is due now, also what the app's reactions add meanwhile."""
        made: list[Attempt] = []
        async with self._lock:
            for _ in range(MAX_ROUNDS):
                due = self._arranged(self._world.outbox.take_due(self._world.clock.now(), site))
                if not due:
                    break
                limit = asyncio.Semaphore(parallel)
                made += await asyncio.gather(*(self._within(limit, one) for one in due))
        return made

    async def all_due(self, site: str | None = None, parallel: int = 1) -> list[Attempt]:
        """Webhooks first, then what the others in `also` have to send."""
        made = await self.deliver(site, parallel)
        for deliverer in self.also:
            made += await deliverer(site)
        if made:
            self._world.save()
        return made

    async def run(self) -> None:
        """Deliver in the background while `automatic` is on; ends when cancelled."""
        changed = self._world.outbox.changed
        while True:
            if self.automatic:
                await self.all_due(parallel=20)  # facts.md 5.5: Jira's cap for one host
            changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), IDLE_SECONDS)

    async def _within(self, limit: asyncio.Semaphore, one: Outbound) -> Attempt:
        async with limit:
            return await self._attempt(one)

    def _arranged(self, due: list[Outbound]) -> list[Outbound]:
        """With the fault `reorder`, each window of neighbours is turned around."""
        fault = self._world.outbox.faults.take("reorder", due[0].site) if due else None
        if fault is None:
            return due
        windows = [due[at : at + fault.window] for at in range(0, len(due), fault.window)]
        return [one for window in windows for one in reversed(window)]

    async def _attempt(self, one: Outbound) -> Attempt:
        one.tries += 1
        site = self._world.state.sites.get(one.site)
        app = site.installations.get(one.app_key) if site else None
        if site is None or app is None or app.state != "installed":
            return self._done(one, "undeliverable")
        if len(one.body) > MAX_BODY_BYTES:
            return self._done(one, "too_large")
        if self._world.outbox.faults.take("drop", one.site):
            return self._done(one, "lost")
        sent = await self._send(site, app, one)
        copies = self._world.outbox.faults.take("duplicate", one.site)
        for _ in range(copies.n if copies else 0):
            await self._send(site, app, one)
        outcome = self._judged(app, one, sent)
        return self._done(one, outcome, sent)

    async def _send(self, site: Site, app: Installation, one: Outbound) -> Delivery:
        headers = {
            "authorization": f"JWT {self._token(site, app, one)}",
            "content-type": "application/json; charset=UTF-8",
            "user-agent": "Atlassian Webhook HTTP Client",
            "x-atlassian-webhook-identifier": one.identifier,
            "x-atlassian-webhook-flow": one.flow,
            "x-atlassian-webhook-trace": one.trace,
        }
        if one.tries > 1:
            headers["x-atlassian-webhook-retry"] = str(one.tries - 1)
        delivery = Delivery(
            at=self._world.clock.now(),
            site=site.name,
            hook=one.event,
            method="POST",
            url=one.url,
            headers=headers,
            body=one.body,
            note="webhook",
        )
        return await self._sender.send(delivery, self._world.state.policy.webhook_timeout_seconds)

    def _token(self, site: Site, app: Installation, one: Outbound) -> str:
        """Signed with the secret of this moment, whichever it was when the event happened."""
        now = int(self._world.clock.now())
        claims: dict[str, object] = {
            "iss": site.client_key,
            "iat": now,
            "exp": now + tokens.LIFETIME_SECONDS,
            "qsh": request_hash("POST", httpx.URL(one.url), app.app_base_url),
        }
        if one.actor is not None:
            claims["sub"] = one.actor
        secret = app.shared_secret
        if self._world.outbox.faults.take("stale_secret", site.name):
            retired = app.retired_secrets
            secret = retired[-1].value if retired else self._world.chance.secret()
        return self._world.issued(site, "token", tokens.hs256(claims, secret))

    def _judged(self, app: Installation, one: Outbound, sent: Delivery) -> Outcome:
        """Retry what may pass by; refused is final; the rest is given up in time."""
        failing = self._world.outbox.failing_since
        host, now = urlsplit(one.url).netloc, self._world.clock.now()
        if sent.status is not None and sent.status < 500 and sent.status not in RETRY_STATUSES:
            failing.pop(host, None)
            return "delivered" if 200 <= sent.status < 300 else "refused"
        since = failing.setdefault(host, now)
        if one.tries >= MAX_TRIES or now - since > HOST_PATIENCE_SECONDS:
            app.failed_webhooks.append(
                FailedWebhook(
                    identifier=one.identifier,
                    url=one.url,
                    body=one.body.decode() or None,
                    failed_at=now,
                )
            )
            return "given_up"
        one.due = now + self._world.chance.uniform(*RETRY_SECONDS)
        self._world.outbox.add(one)
        return "retry"

    def _done(self, one: Outbound, outcome: Outcome, sent: Delivery | None = None) -> Attempt:
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
