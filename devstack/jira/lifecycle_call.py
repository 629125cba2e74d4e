"""Builds the lifecycle calls of facts.md 2.2 and 2.3: payload, claims, signature."""

import json
from dataclasses import dataclass
from typing import Any

import httpx

from devstack.jira import demo, tokens
from devstack.jira.descriptor import Descriptor
from devstack.jira.model import Installation, Site
from devstack.jira.records import Delivery
from devstack.jira.sender import request_hash
from devstack.jira.world import World

ASYMMETRIC = frozenset({"installed", "uninstalled"})
# A leftover that every real payload still carries; an app must never take it as a key.
DEAD_PUBLIC_KEY = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC2xbNMPYYjV0bUHIt4cXOTRmWNgmLw2lDZbsoQ"


@dataclass(frozen=True, slots=True)
class App:
    """The receiving side of a lifecycle call."""

    key: str
    base_url: str
    lifecycle: dict[str, str]

    def url(self, hook: str) -> str:
        return self.base_url + self.lifecycle[hook]


def app_of(source: Installation | Descriptor) -> App:
    if isinstance(source, Installation):
        return App(source.app_key, source.app_base_url, source.lifecycle)
    return App(source.key, source.base_url, source.lifecycle)


def payload(
    site: Site, app_key: str, hook: str, installation: Installation | None, secret: str | None
) -> dict[str, Any]:
    """The body of all four hooks; only `installed` carries the secret."""
    body: dict[str, Any] = {
        "key": app_key,
        "clientKey": site.client_key,
        "publicKey": DEAD_PUBLIC_KEY,
        "serverVersion": "100287",
        "pluginsVersion": "1001.0.0-SNAPSHOT",
        "baseUrl": site.base_url,
        "displayUrl": site.display_url or site.base_url,
        "displayUrlServicedeskHelpCenter": site.display_url or site.base_url,
        "productType": "jira",
        "description": f"Atelier Nord ({site.name})",
        "eventType": hook,
    }
    if hook == "installed" and secret is not None:
        body["sharedSecret"] = secret
    if hook in ASYMMETRIC:
        body["accountId"] = demo.ADMIN
    if installation is not None:
        optional = {
            "oauthClientId": installation.oauth_client_id,
            "installationId": installation.installation_id,
        }
        body.update({name: value for name, value in optional.items() if value is not None})
    return body


@dataclass(frozen=True, slots=True)
class LifecycleCall:
    """One hook of one app, called by one site."""

    world: World
    site: Site
    app: App
    hook: str

    def claims(self) -> dict[str, Any]:
        now = int(self.world.clock.now())
        values: dict[str, Any] = {
            "iss": self.site.client_key,
            "iat": now,
            "exp": now + tokens.LIFETIME_SECONDS,
            "qsh": request_hash("POST", httpx.URL(self.app.url(self.hook)), self.app.base_url),
        }
        if self.hook in ASYMMETRIC:
            values["aud"] = [self.app.base_url]
        return values

    def token(self, secret: str) -> str:
        """RS256 with the install key for installed and uninstalled, else the shared secret."""
        if self.hook in ASYMMETRIC:
            kid, key = self.world.keys.signing
            made = tokens.rs256(self.claims(), key, kid)
        else:
            made = tokens.hs256(self.claims(), secret)
        return self.world.issued(self.site, "token", made)

    def delivery(self, body: bytes, authorization: str | None) -> Delivery:
        headers = {"content-type": "application/json", "user-agent": "Atlassian HTTP Client"}
        if authorization is not None:
            headers["authorization"] = authorization
        return Delivery(
            at=self.world.clock.now(),
            site=self.site.name,
            hook=self.hook,
            method="POST",
            url=self.app.url(self.hook),
            headers=headers,
            body=body,
        )


def encoded(body: dict[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
