"""The Forge invocation token (facts.md 10.1): claims, variants, signature."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from devstack.jira import tokens
from devstack.jira.forge import access
from devstack.jira.forge.app import ForgeApp, TokenKind
from devstack.jira.model import ForgeInstallation, Site
from devstack.jira.world import World

ISSUER = "forge/invocation-token"
LIFETIME_SECONDS = 60
KID_PREFIX = "forge/invocation-token/"


def api_base_url(world: World, site: Site) -> str:
    """The gateway's address of the site; the stand-in serves it on every host."""
    return f"{world.origin}/ex/jira/{site.cloud_id}"


@dataclass(frozen=True, slots=True)
class Invocation:
    """What is called: a module of the manifest, for an installation, maybe by a person."""

    world: World
    site: Site
    app: ForgeApp
    installed: ForgeInstallation
    module: str
    account_id: str | None = None

    def claims(self) -> dict[str, Any]:
        """Of a page's call when a person is named, else of an event or scheduled trigger."""
        now = int(self.world.clock.now())
        content: dict[str, Any] = {
            "iss": ISSUER,
            "aud": self.app.app_id,
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME_SECONDS,
            "jti": self.world.chance.uuid(),
            "app": self._app(),
        }
        if self.account_id is not None:
            content["principal"] = self.account_id
            content["context"] = {
                "cloudId": self.site.cloud_id,
                "siteUrl": self.site.base_url,
                "moduleKey": self.module,
                "localId": f"{self.installed.id}/{self.module}",
                "extension": {"type": "jira:globalPage"},
                "accountId": self.account_id,
            }
        return content

    def token(self, claims: dict[str, Any] | None = None) -> str:
        kid, key = self.world.forge_keys.signing
        made = tokens.rs256(self.claims() if claims is None else claims, key, kid)
        return self.world.issued(self.site, "token", made)

    def headers(self, kinds: Sequence[TokenKind]) -> dict[str, str]:
        """As the remote contract has them; `kinds` are the tokens the endpoint asks for."""
        found = {
            "authorization": f"Bearer {self.token()}",
            "content-type": "application/json",
            "x-b3-traceid": self.world.chance.hex(32),
            "x-b3-spanid": self.world.chance.hex(16),
        }
        for kind in kinds:
            person = self.account_id if kind == "user" else None
            if kind == "system" or person is not None:
                found[f"x-forge-oauth-{kind}"] = access.grant(self.world, self.site, kind, person)
        return found

    def _app(self) -> dict[str, Any]:
        base = api_base_url(self.world, self.site)
        ari = self.installed.id
        content: dict[str, Any] = {
            "id": self.app.app_id,
            "appVersion": self.installed.version,
            "installationId": ari,
            "apiBaseUrl": base,
            "environment": {"type": self.app.environment_type, "id": self.app.environment_id},
            "module": {"type": "core:endpoint", "key": self.module},
            "installation": {
                "id": ari,
                "contexts": [{"name": "jira", "apiBaseUrl": base, "cloudId": self.site.cloud_id}],
            },
        }
        licence = self.installed.installation.licence
        if licence not in ("unlicensed_free", "none_page"):
            content["license"] = {"isActive": licence != "expired"}
        return content
