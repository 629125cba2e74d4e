"""The published vectors of Connect's qsh and tokens, run through the code that serves requests.

OSTRO_JWT_VECTORS names another file of the same form. Routes whose verifier does not exist yet
(iframe, context, Forge) are not part of this run.
"""

import json
import os
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from kit.errors import OstroError
from kit.mongo import Database, connect, ensure_indexes
from services.tenancy.adapters.jira.key_servers import HttpKeyServers
from services.tenancy.adapters.mongo.changes import Changes
from services.tenancy.adapters.mongo.client_key_index import client_key_index
from services.tenancy.adapters.mongo.indexes import INDEXES
from services.tenancy.adapters.mongo.tenants import MongoTenants
from services.tenancy.adapters.sealing.local_keys import LocalKeys
from services.tenancy.adapters.sealing.vault import EnvelopeVault
from services.tenancy.domain.audit import JIRA
from services.tenancy.domain.jwt import BadToken
from services.tenancy.domain.lifecycle import Hook, check, parse
from services.tenancy.domain.qsh import (
    base_path_of,
    canonical_request,
    query_string_hash,
)
from services.tenancy.domain.requests import SignedRequest
from services.tenancy.domain.secret import Secret
from services.tenancy.domain.sites import SiteRules
from services.tenancy.domain.tenants import Delivery
from services.tenancy.usecases.credentials.server_to_server import ServerToServer
from services.tenancy.usecases.credentials.signed_lifecycle import SignedLifecycle
from services.tenancy.usecases.lifecycle import Lifecycle
from services.tenancy.usecases.ports import By
from tests.harness.backends import Backends
from tests.harness.fakes import ManualClock, SeededIds

COMMITTED = Path(__file__).parents[1] / "data" / "jwt-vectors.json"
VECTORS: dict[str, Any] = json.loads(
    Path(os.environ.get("OSTRO_JWT_VECTORS", COMMITTED)).read_text()
)
TOKENS: dict[str, Any] = VECTORS["tokens"]
NOW = datetime.fromtimestamp(TOKENS["now"], UTC)
BUILT_ROUTES = {"server", "lifecycle", "lifecycle-notify"}
_KEYS = "https://keys.example"

Case = Mapping[str, Any]


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(c, id=c["id"])
        for c in VECTORS["qsh"]
        # the rest is no request that Jira sends, and the libraries disagree on it
        if c["status"] in {"agreed", "disputed"}
    ],
)
def test_qsh(case: Case) -> None:
    base_path = base_path_of(case["base_url"] or "")
    request = case["method"], case["url"], base_path
    assert canonical_request(*request) == case["expected_canonical"]
    assert query_string_hash(*request) == case["expected_qsh"]


class Verifiers:
    """The verifiers as composed for the app of the vectors, with its tenants installed."""

    def __init__(self, database: Database) -> None:
        self._clock = ManualClock(NOW - timedelta(hours=1))
        self._database = database
        self.asked: list[str] = []

    async def prepare(self) -> None:
        """Install tenant one, rotate its secret, install tenant two; then it is ``now``."""
        ids, vault = SeededIds(), EnvelopeVault(LocalKeys(Secret(b"k" * 32)))
        index = await client_key_index(self._database, vault)
        tenants = MongoTenants(self._database, Changes(self._database, self._clock, ids))
        lifecycle = Lifecycle(tenants, vault, index, SiteRules(), "local", self._clock, ids)
        for number, (client_key, secret) in enumerate(
            (
                (TOKENS["client_key"], TOKENS["replaced_shared_secret"]),
                (TOKENS["client_key"], TOKENS["shared_secret"]),
                (TOKENS["other_client_key"], TOKENS["other_shared_secret"]),
            )
        ):
            body = payload("installed", client_key, secret)
            await lifecycle.installed(parse(body), Delivery(number, str(number), ""), By(JIRA))
        self._clock.advance(hours=1)
        base_url: str = TOKENS["base_url"]
        self._key_servers = HttpKeyServers(
            [_KEYS], self._clock, httpx.MockTransport(self._key_server)
        )
        self._signed = SignedLifecycle(self._key_servers, frozenset({base_url}), self._clock)
        self._symmetric = ServerToServer(tenants, vault, index, base_url, self._clock)

    async def close(self) -> None:
        """Close the connections."""
        await self._key_servers.close()

    async def accepts(self, case: Case) -> bool:
        """Verify a token as its route does, and what its body says."""
        request = SignedRequest(case["method"], case["url"], f"JWT {case['token']}")
        try:
            if case["route"] == "lifecycle":
                issuer = (await self._signed.verify(request)).issuer
            else:
                issuer = (await self._symmetric.verify(request)).issuer
            hook = case["url"].partition("?")[0].rpartition("/")[2]
            if case["route"] != "server":
                content = parse(payload(hook, case.get("body_client_key", issuer), "secret"))
                check(content, Hook(hook), issuer=issuer, app_key=TOKENS["app_key"])
        except (BadToken, OstroError):
            return False
        # a webhook's tenant is the issuer, whatever its body says
        return bool(case.get("body_client_key", issuer) == issuer)

    def _key_server(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        if str(request.url) == f"{_KEYS}/{TOKENS['kid']}":
            return httpx.Response(200, text=TOKENS["install_public_key_pem"])
        return httpx.Response(404)


def payload(hook: str, client_key: str, secret: str) -> bytes:
    """Write the body of a lifecycle call."""
    return json.dumps(
        {
            "key": TOKENS["app_key"],
            "clientKey": client_key,
            "sharedSecret": secret,
            "baseUrl": "https://vectors.atlassian.net",
            "eventType": hook,
            "productType": "jira",
        }
    ).encode()


@pytest.fixture(scope="module")
async def verifiers(servers: Backends) -> AsyncIterator[Verifiers]:
    name = f"t_vectors_{os.getpid()}"
    async with connect(servers.mongodb, name) as database:
        await ensure_indexes(database, INDEXES)
        found = Verifiers(database)
        await found.prepare()
        yield found
        await found.close()
        await database.client.drop_database(name)


@pytest.mark.parametrize(
    "case", [pytest.param(c, id=c["id"]) for c in TOKENS["cases"] if c["route"] in BUILT_ROUTES]
)
async def test_token(verifiers: Verifiers, case: Case) -> None:
    assert await verifiers.accepts(case) is (case["expect"] == "accept"), case["why"]
    # whatever the kid says, no URL beside the key server's is ever fetched
    assert all(url.startswith(f"{_KEYS}/") and ".." not in url for url in verifiers.asked)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(c, id=c["id"])
        for c in TOKENS["cases"]
        if c["route"] in BUILT_ROUTES and c["expect"] == "accept"
    ],
)
async def test_a_good_token_is_no_good_for_another_kind_of_route(
    verifiers: Verifiers, case: Case
) -> None:
    other = "server" if case["route"] == "lifecycle" else "lifecycle"
    assert not await verifiers.accepts({**case, "route": other})
