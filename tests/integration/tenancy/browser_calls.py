"""What a browser inside Jira sends: page loads with an iframe token, calls with a context token."""

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

from tests.integration.tenancy.jira_site import JiraSite, hs256
from tests.integration.tenancy.world import World

PAGE = "/connect/pages/api-tokens"
OWN = "/ostro/v1/tenancy/me/tokens"
FORGE_OWN = "/forge/ui/me/tokens"
MIA = "557058:11111111-2222-4333-8444-555555555555"
TOM = "557058:99999999-2222-4333-8444-555555555555"
QUERY = {"lic": "active", "xdm_e": "https://x.atlassian.net", "cp": ""}


def page_qsh(method: str = "GET", path: str = PAGE, query: Mapping[str, str] = QUERY) -> str:
    """Hash a request whose query holds each name once."""
    pairs = sorted((quote(k, safe="-._~"), quote(v, safe="-._~")) for k, v in query.items())
    canonical = f"{method}&{path}&" + "&".join(f"{k}={v}" for k, v in pairs)
    return hashlib.sha256(canonical.encode()).hexdigest()


def claims(site: JiraSite, **changes: Any) -> dict[str, Any]:
    """Claims of a page load by Mia; a change to ``...`` leaves one out."""
    now = int(site.clock.now().timestamp())
    content: dict[str, Any] = {
        "iss": site.client_key,
        "sub": MIA,
        "iat": now,
        "exp": now + 180,
        "qsh": page_qsh(),
    }
    content.update(changes)
    return {k: v for k, v in content.items() if v is not ...}


def iframe_token(site: JiraSite, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
    top = {"typ": "JWT", "alg": "HS256", **(header or {})}
    return hs256(top, claims(site, **changes), site.secret)


def context_token(site: JiraSite, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
    """Return an Authorization header as our page sends it."""
    found = {"qsh": "context-qsh", "exp": int(site.clock.now().timestamp()) + 900, **changes}
    return f"JWT {iframe_token(site, header, **found)}"


async def load(world: World, token: str, **headers: str) -> httpx.Response:
    """Open the page with a token."""
    return await world.http.get(PAGE, params={**QUERY, "jwt": token}, headers=headers)
