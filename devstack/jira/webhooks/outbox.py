"""Webhooks that wait, and what became of each try."""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from devstack.jira.webhooks.faults import WebhookFaults
from devstack.standin.clock import iso
from devstack.standin.journal import Journal

if TYPE_CHECKING:  # it needs the world, which holds the outbox
    from devstack.jira.forge.caller import Pending

Flow = Literal["Primary", "Secondary"]
Outcome = Literal["delivered", "retry", "refused", "given_up", "lost", "too_large", "undeliverable"]


@dataclass(slots=True)
class Outbound:
    """One webhook to one address; `due` in seconds since the epoch, `tries` made so far.

    `identifier` stays the same over retries and duplicates.
    """

    identifier: str
    site: str
    app_key: str
    event: str
    url: str
    body: bytes
    actor: str | None
    flow: Flow
    trace: str
    due: float
    tries: int = 0

    def shown(self) -> dict[str, Any]:
        return {
            "identifier": self.identifier,
            "site": self.site,
            "app": self.app_key,
            "event": self.event,
            "url": self.url.split("?", 1)[0],
            "flow": self.flow,
            "tries": self.tries,
            "due": iso(self.due),
        }


@dataclass(frozen=True, slots=True)
class Attempt:
    """`delivery` is the number of the request in the journal of deliveries; 0: none was sent."""

    at: float
    site: str
    identifier: str
    event: str
    attempt: int
    outcome: Outcome
    status: int | None = None
    error: str | None = None
    delivery: int = 0

    def shown(self) -> dict[str, Any]:
        return {
            "time": iso(self.at),
            "site": self.site,
            "identifier": self.identifier,
            "event": self.event,
            "attempt": self.attempt,
            "outcome": self.outcome,
            "status": self.status,
            "error": self.error,
            "delivery": self.delivery,
        }


@dataclass(slots=True)
class Outbox:
    """`failing_since`: since when each app host has not taken a webhook."""

    waiting: list[Outbound] = field(default_factory=list)
    forge: list["Pending"] = field(default_factory=list)
    attempts: Journal[Attempt] = field(default_factory=lambda: Journal(max_entries=50_000))
    failing_since: dict[str, float] = field(default_factory=dict)
    faults: WebhookFaults = field(default_factory=WebhookFaults)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, outbound: Outbound) -> None:
        self.waiting.append(outbound)
        self.changed.set()

    def take_due(self, now: float, site: str | None) -> list[Outbound]:
        """Those to be sent now, the longest waiting first; they no longer wait."""
        due = [one for one in self.waiting if one.due <= now and site in (None, one.site)]
        taken = {id(one) for one in due}
        self.waiting = [one for one in self.waiting if id(one) not in taken]
        return sorted(due, key=lambda one: one.due)

    def next_due(self) -> float | None:
        return min((one.due for one in self.waiting), default=None)

    def clear(self) -> None:
        self.waiting.clear()
        self.forge.clear()
        self.attempts.clear()
        self.failing_since.clear()
        self.faults.clear()
