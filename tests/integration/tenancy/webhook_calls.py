"""Signed webhook calls by hand, and what Kafka has of them."""

import itertools
import json
from collections.abc import Mapping
from typing import Any

import httpx

from contracts.envelope import Event
from contracts.jira import JiraChange
from contracts.topics import JIRA_CHANGE
from tests.integration.tenancy.jira_site import JiraSite, qsh
from tests.integration.tenancy.world import World

PATH = "/jira/webhooks"
FRESH = "fresh"
_numbers = itertools.count(1)


def headers(site: JiraSite, identifier: str | None = FRESH, path: str = PATH) -> dict[str, str]:
    """What Jira sends with a delivery, signed with the site's current secret."""
    found = {
        "authorization": site.symmetric("webhook", qsh=qsh("POST", path)),
        "content-type": "application/json; charset=UTF-8",
        "user-agent": "Atlassian Webhook HTTP Client",
        "x-atlassian-webhook-flow": "Primary",
    }
    if identifier is not None:
        name = f"delivery-{next(_numbers)}" if identifier == FRESH else identifier
        found["x-atlassian-webhook-identifier"] = name
    return found


async def deliver(
    world: World, site: JiraSite, body: Mapping[str, Any] | bytes, **call: Any
) -> httpx.Response:
    """Send one delivery."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    path = call.get("path", PATH)
    return await world.http.post(path, content=content, headers=headers(site, **call))


async def changes(world: World, tenant: str) -> list[Event[JiraChange]]:
    """Every change of a tenant that Kafka has."""
    found = await world.records(JIRA_CHANGE)
    return [e for key, e in found if e is not None and key.startswith(f"{tenant}/")]
