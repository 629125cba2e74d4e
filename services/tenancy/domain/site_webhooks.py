"""The webhooks that are registered per site: issues of the projects in use, and nothing else.

They live for 30 days and are refreshed at half of it. What failed to be delivered can be asked for,
so a bookmark belongs to them. Source: facts.md 5.1 and 5.5.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

LIFE = timedelta(days=30)
REFRESH_BEFORE = timedelta(days=15)
CHECK_EVERY = timedelta(days=1)
SWEEP_EVERY = timedelta(hours=1)
_PROJECTS_EACH = 500
"""Keeps a filter well below 10,000 characters."""
_SPARE = 5
"""So many webhooks more than needed before all are registered anew; Jira takes 100."""
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
_FILTER = re.compile(r"\Aproject in \(([0-9]+(?:, ?[0-9]+)*)\)\Z")


@dataclass(frozen=True)
class SiteWebhook:
    """One that Jira has. ``projects`` are Jira's ids, sorted."""

    id: int
    projects: tuple[int, ...]
    expires_at: datetime


@dataclass(frozen=True)
class SiteWebhooks:
    """What we know of one tenant's webhooks."""

    tenant: str
    install: int
    """``iat`` of the install that they were made after; another install may have none of them."""
    webhooks: tuple[SiteWebhook, ...] = ()
    refused: tuple[int, ...] = ()
    """Projects for which Jira takes no webhook; asked again with the next check."""
    checked_at: datetime | None = None
    """When Jira's own list was last compared."""
    swept_at: datetime | None = None
    """When failed deliveries were last asked for, with success or not."""
    failed_after: int = 0
    """Failed deliveries up to this time, in milliseconds since 1970, were taken."""
    failures: int = 0
    retry_at: datetime | None = None

    def rests(self, now: datetime) -> bool:
        """Whether the site failed lately and is left alone."""
        return self.retry_at is not None and now < self.retry_at

    def to_check(self, now: datetime) -> bool:
        """Whether Jira's list is to be compared: a lost webhook shows only there."""
        return self.checked_at is None or now - self.checked_at >= CHECK_EVERY

    def to_sweep(self, now: datetime) -> bool:
        """Whether failed deliveries are to be asked for."""
        return self.swept_at is None or now - self.swept_at >= SWEEP_EVERY

    def to_refresh(self, now: datetime) -> bool:
        """Whether one of them has lived half of its life."""
        return any(w.expires_at - now < REFRESH_BEFORE for w in self.webhooks)

    def due_at(self) -> datetime:
        """Return when something of it is to be done, unless projects change before."""
        looks = [
            _ALWAYS if self.checked_at is None else self.checked_at + CHECK_EVERY,
            _ALWAYS if self.swept_at is None else self.swept_at + SWEEP_EVERY,
            *(w.expires_at - REFRESH_BEFORE for w in self.webhooks),
        ]
        return max(min(looks), self.retry_at or _ALWAYS)

    def pause(self) -> timedelta:
        """Return how long to leave a site alone after one more failure."""
        return min(_FIRST_PAUSE * (1 << min(self.failures, 10)), _LONGEST_PAUSE)


@dataclass(frozen=True)
class Plan:
    """What to do: register these groups of projects, then remove these ids."""

    create: Sequence[tuple[int, ...]]
    remove: Sequence[int]


def plan(known: SiteWebhooks, in_use: Collection[int]) -> Plan:
    """Compare what is registered with the projects in use (Jira's ids)."""
    wanted = set(in_use) - set(known.refused)
    good = [w for w in known.webhooks if set(w.projects) <= wanted]
    if len(good) > len(groups(wanted)) + _SPARE:
        good = []
    kept: list[SiteWebhook] = []
    covered: set[int] = set()
    for webhook in good:
        if set(webhook.projects) - covered:
            kept.append(webhook)
            covered |= set(webhook.projects)
    keep = {w.id for w in kept}
    return Plan(groups(wanted - covered), [w.id for w in known.webhooks if w.id not in keep])


def groups(projects: Collection[int]) -> list[tuple[int, ...]]:
    """Cut projects into what one filter takes."""
    found = sorted(projects)
    return [tuple(found[at : at + _PROJECTS_EACH]) for at in range(0, len(found), _PROJECTS_EACH)]


def jql_of(projects: Sequence[int]) -> str:
    """Return the filter. Ids, because a key may change."""
    return f"project in ({', '.join(map(str, projects))})"


def projects_of(jql: str) -> tuple[int, ...] | None:
    """Read a filter of ours, None for any other."""
    match = _FILTER.match(jql)
    return None if match is None else tuple(sorted(int(p) for p in match[1].split(",")))
