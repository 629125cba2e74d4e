"""Which registrations of an app want to know of a happening, and at which address."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from devstack.jira.changes.happening import Happening
from devstack.jira.model import DynamicWebhook, Installation, Site
from devstack.jira.webhooks.jql import parsed

_VARIABLE = re.compile(r"\$?\{([A-Za-z.]+)\}")


@dataclass(frozen=True, slots=True)
class Target:
    """`matched` are the ids of dynamic webhooks, which share one delivery."""

    url: str
    with_body: bool = True
    matched: tuple[int, ...] = ()


def variables_in(url: str) -> set[str]:
    return set(_VARIABLE.findall(url))


def expanded(url: str, variables: dict[str, str]) -> str:
    """Variables filled in, percent-encoded; one without a value is empty. qsh counts this URL."""
    return _VARIABLE.sub(lambda found: quote(variables.get(found.group(1), ""), safe=""), url)


def _passes(site: Site, happening: Happening, jql: str) -> bool:
    return happening.issue is None or parsed(jql)(site, happening.issue)


def _wanted(site: Site, happening: Happening, webhook: DynamicWebhook, now: float) -> bool:
    if webhook.expires_at <= now or happening.event not in webhook.events:
        return False
    chosen = webhook.field_ids if happening.event == "jira:issue_updated" else None
    if chosen is not None and not happening.changed & set(chosen):
        return False
    return _passes(site, happening, webhook.jql_filter)


def targets(site: Site, app: Installation, happening: Happening, now: float) -> list[Target]:
    """One for each descriptor module that matches, and one for all dynamic webhooks together."""
    found = [
        Target(
            app.app_base_url + expanded(module.url, happening.variables), not module.exclude_body
        )
        for module in app.webhooks
        if module.event == happening.event and _passes(site, happening, module.filter)
    ]
    dynamic = [one for one in app.dynamic_webhooks if _wanted(site, happening, one, now)]
    if dynamic:
        url = expanded(dynamic[0].url, happening.variables)
        found.append(Target(url, matched=tuple(webhook.id for webhook in dynamic)))
    return found
