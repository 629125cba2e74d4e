"""An independent Forge: makes invocation tokens of one installation by hand."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kit.clock import Clock
from kit.mongo import Database
from tests.integration.tenancy.jira_site import FORGE_KID, Keys

APP_ID = "ari:cloud:ecosystem::app/406d303d-0393-4ec4-ad7c-1435be94583a"


def _uuid() -> str:
    return str(uuid.uuid4())


@dataclass
class ForgeSite:
    """``changes`` of a call replace claims; one to ``...`` leaves a claim out."""

    keys: Keys
    clock: Clock
    gateway: str
    """``http://127.0.0.1:<port>``, where Forge's API would be."""
    installation: str = field(default_factory=_uuid)
    cloud: str = field(default_factory=_uuid)
    environment: str = field(default_factory=_uuid)

    @property
    def api_base_url(self) -> str:
        return f"{self.gateway}/ex/jira/{self.cloud}"

    def app(self, **changes: Any) -> dict[str, Any]:
        """Return the claim ``app``."""
        ari = f"ari:cloud:ecosystem::installation/{self.installation}"
        content: dict[str, Any] = {
            "id": APP_ID,
            "appVersion": "1.0.0",
            "installationId": ari,
            "apiBaseUrl": self.api_base_url,
            "environment": {
                "type": "PRODUCTION",
                "id": f"ari:cloud:ecosystem::environment/{APP_ID[-36:]}/{self.environment}",
            },
            "module": {"type": "core:endpoint", "key": "remote"},
            "installation": {
                "id": ari,
                "contexts": [
                    {"name": "jira", "apiBaseUrl": self.api_base_url, "cloudId": self.cloud}
                ],
            },
        }
        content.update(changes)
        return {k: v for k, v in content.items() if v is not ...}

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(self.clock.now().timestamp())
        content: dict[str, Any] = {
            "iss": "forge/invocation-token",
            "aud": APP_ID,
            "iat": now,
            "nbf": now,
            "exp": now + 60,
            "jti": _uuid(),
            "app": self.app(),
        }
        content.update(changes)
        return {k: v for k, v in content.items() if v is not ...}

    def token(
        self, *, key: str = "forge", header: Mapping[str, Any] | None = None, **claims: Any
    ) -> str:
        """Return an Authorization header as Forge signs it: of an event unless told otherwise."""
        top = {"typ": "JWT", "alg": "RS256", "kid": FORGE_KID, **(header or {})}
        top = {k: v for k, v in top.items() if v is not ...}
        return f"Bearer {self.keys.rs256(top, self.claims(**claims), key)}"

    def of_person(self, account: str, **changes: Any) -> str:
        """Return the header of a call from the user interface."""
        context = {"cloudId": self.cloud, "siteUrl": "https://x.atlassian.net", "moduleKey": "m"}
        return self.token(**{"principal": account, "context": context, **changes})


async def join(database: Database, tenant: str, site: ForgeSite) -> None:
    """Make a tenant know a Forge installation, as if an event had told of it."""
    known = {
        "cloud_id": site.cloud,
        "forge": {
            "installation_id": site.installation,
            "environment_id": site.environment,
            "api_base_url": site.api_base_url,
            "token": None,
            "last_iat": 0,
            "life": {"iat": 0, "seen": []},
            "removed": False,
        },
    }
    await database["tenants"].update_one({"_id": tenant}, {"$set": known})
