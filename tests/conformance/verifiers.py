"""The verifiers as composed for the app of the vectors, with its tenants installed."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import httpx

from kit.errors import OstroError
from kit.mongo import Database
from services.tenancy.adapters.jira.forge_keys import HttpForgeKeys
from services.tenancy.adapters.jira.key_servers import HttpKeyServers
from services.tenancy.adapters.mongo.changes import Changes
from services.tenancy.adapters.mongo.client_key_index import client_key_index
from services.tenancy.adapters.mongo.installs import MongoInstalls
from services.tenancy.adapters.mongo.lives import MongoLives
from services.tenancy.adapters.sealing.key_ring import KeyRing
from services.tenancy.adapters.sealing.local_keys import LocalKeys
from services.tenancy.adapters.sealing.vault import EnvelopeVault
from services.tenancy.domain.audit import JIRA
from services.tenancy.domain.deliveries import Delivery
from services.tenancy.domain.forge import ApiHosts
from services.tenancy.domain.jwt import BadToken
from services.tenancy.domain.lifecycle import Hook, check, parse
from services.tenancy.domain.requests import SignedRequest
from services.tenancy.domain.secret import Secret
from services.tenancy.domain.sites import SiteRules
from services.tenancy.usecases.credentials.context_token import ContextToken
from services.tenancy.usecases.credentials.forge_invocation import ForgeApp, ForgeInvocation
from services.tenancy.usecases.credentials.iframe import Iframe
from services.tenancy.usecases.credentials.server_to_server import ServerToServer
from services.tenancy.usecases.credentials.signed_lifecycle import SignedLifecycle
from services.tenancy.usecases.credentials.tenant_secrets import TenantSecrets
from services.tenancy.usecases.lifecycle import Lifecycle
from services.tenancy.usecases.ports import By
from tests.harness.fakes import ManualClock, SeededIds

KEYS = "https://keys.example"
JWKS = "https://forge.example/jwks"
LIFECYCLE = {"lifecycle", "lifecycle-notify"}
Case = Mapping[str, Any]


class Verifier(Protocol):
    """What all kinds have in common."""

    async def verify(self, request: SignedRequest) -> Any:
        """Return the call or raise."""


def carried(route: str, method: str, url: str, token: str) -> SignedRequest:
    """Put a token where calls of this kind of route have it."""
    if route == "iframe":
        sign = "&" if "?" in url else "?"
        return SignedRequest(method, f"{url}{sign}jwt={token}", None)
    scheme = "Bearer" if route == "forge-remote" else "JWT"
    return SignedRequest(method, url, f"{scheme} {token}")


class Verifiers:
    """``tokens`` is that part of the file of vectors."""

    def __init__(self, database: Database, tokens: Mapping[str, Any]) -> None:
        self._database = database
        self._tokens = tokens
        now = datetime.fromtimestamp(tokens["now"], UTC)
        self._clock = ManualClock(now - timedelta(hours=1))
        self.asked: list[str] = []

    async def prepare(self) -> None:
        """Install tenant one, rotate its secret, install tenant two; then it is ``now``."""
        clock, ids = self._clock, SeededIds()
        vault = EnvelopeVault(KeyRing(LocalKeys(Secret(b"k" * 32))))
        index = await client_key_index(self._database, vault)
        tenants = MongoLives(self._database, Changes(self._database, clock, ids))
        lifecycle = Lifecycle(tenants, vault, index, SiteRules(), "local", clock, ids)
        one, two = self._tokens["client_key"], self._tokens["other_client_key"]
        installs = (
            (one, self._tokens["replaced_shared_secret"]),
            (one, self._tokens["shared_secret"]),
            (two, self._tokens["other_shared_secret"]),
        )
        for number, (client_key, secret) in enumerate(installs):
            body = self._payload("installed", client_key, secret)
            await lifecycle.installed(parse(body), Delivery(number, str(number), ""), By(JIRA))
        clock.advance(hours=1)
        self._build(TenantSecrets(MongoInstalls(self._database), vault, index, clock))

    def _build(self, secrets: TenantSecrets) -> None:
        clock, base_url = self._clock, self._tokens["base_url"]
        transport = httpx.MockTransport(self._servers)
        self._key_servers = HttpKeyServers([KEYS], clock, transport)
        self._forge_keys = HttpForgeKeys(JWKS, clock, transport)
        symmetric = ServerToServer(secrets, base_url, clock)
        hosts = ApiHosts(tuple(self._tokens["allowed_api_hosts"]))
        app = ForgeApp(self._tokens["forge_app_id"], frozenset({"PRODUCTION"}), hosts)
        self._of: dict[str, Verifier] = {
            "server": symmetric,
            "lifecycle-notify": symmetric,
            "lifecycle": SignedLifecycle(self._key_servers, frozenset({base_url}), clock),
            "iframe": Iframe(secrets, base_url, clock),
            "context": ContextToken(secrets, clock),
            "forge-remote": ForgeInvocation(self._forge_keys, app, clock),
        }

    @property
    def routes(self) -> set[str]:
        """Return the kinds of route that are built."""
        return set(self._of)

    async def close(self) -> None:
        """Close the connections."""
        await self._key_servers.close()
        await self._forge_keys.close()

    async def accepts(self, case: Case) -> bool:
        """Verify a case as its route does, and what its body says."""
        request = carried(case["route"], case["method"], case["url"], case["token"])
        return await self.accepts_request(case["route"], request, case.get("body_client_key"))

    async def accepts_request(
        self, route: str, request: SignedRequest, body_client_key: str | None = None
    ) -> bool:
        """Verify a request; the body of a lifecycle call names the issuer unless told otherwise."""
        try:
            call = await self._of[route].verify(request)
            if route in LIFECYCLE:
                hook = Hook(request.target.partition("?")[0].rpartition("/")[2])
                body = self._payload(hook, body_client_key or call.issuer, "secret")
                check(parse(body), hook, issuer=call.issuer, app_key=self._tokens["app_key"])
        except (BadToken, OstroError):
            return False
        # a webhook's tenant is the issuer, whatever its body says
        return route != "server" or body_client_key in {None, call.issuer}

    def _payload(self, hook: str, client_key: str, secret: str) -> bytes:
        return json.dumps(
            {
                "key": self._tokens["app_key"],
                "clientKey": client_key,
                "sharedSecret": secret,
                "baseUrl": f"https://{client_key[:8]}.atlassian.net",
                "eventType": hook,
                "productType": "jira",
            }
        ).encode()

    def _servers(self, request: httpx.Request) -> httpx.Response:
        url = str(request.url)
        self.asked.append(url)
        if url == f"{KEYS}/{self._tokens['kid']}":
            return _answer(self._tokens["install_public_key_pem"])
        if url == JWKS:
            return _answer(json.dumps(self._tokens["forge_jwks"]))
        return httpx.Response(404)


def _answer(text: str) -> httpx.Response:
    # a body that comes over a wire, not one that is there already
    return httpx.Response(200, stream=httpx.ByteStream(text.encode()))
