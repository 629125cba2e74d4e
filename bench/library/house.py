"""testcases' public API in this process, on a mongod of its own, without Kafka."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from devstack.embedded.mongod import embedded_mongod
from kit.auth.api_tokens import ALGORITHM, ISSUER
from kit.auth.principal import Scope
from kit.auth.service_tokens import ServiceTokens
from kit.clock import SystemClock
from kit.directory.copy import KEYS, PROJECTS, TENANTS
from kit.http.client import InternalClient
from kit.ids import SystemIds
from kit.kafka.client import Names
from kit.kafka.producer import Publisher
from kit.mongo import Database, connect, ensure_indexes
from kit.observability.health import Health
from kit.service import Role, Runtime
from services.testcases.main import INDEXES, SERVICE, build
from services.testcases.settings import TestcasesSettings

PROJECT_KEY = "DEMO"
_PRIVATE = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
_PEERS = ("testcases", "executions", "tenancy", "telemetry")


@dataclass(frozen=True)
class Tenant:
    """A tenant with one project, and who may read it."""

    name: str
    project: int
    headers: dict[str, str]


@dataclass(frozen=True)
class House:
    """What runs."""

    database: Database
    http: httpx.AsyncClient
    tenants: Sequence[Tenant]

    async def index(self) -> None:
        """Build all indexes, which after filling takes a fraction of the time."""
        await ensure_indexes(self.database, INDEXES)


@contextlib.asynccontextmanager
async def house(folder: Path, tenants: int) -> AsyncIterator[House]:
    """Run it with some tenants in a folder that is new or empty."""
    async with contextlib.AsyncExitStack() as stack:
        uri = stack.enter_context(embedded_mongod(folder / "mongod"))
        database = await stack.enter_async_context(connect(uri, "library"))
        key = ec.generate_private_key(ec.SECP256R1())
        await _publish_key(database, key)
        made = [await _tenant(database, key, number) for number in range(tenants)]
        parts = await build(_runtime(stack, database, uri, folder))
        for close in parts.closers:
            stack.push_async_callback(close)
        # nothing was published that is not here
        parts.public.state.api_tokens.directory.trust()
        http = httpx.AsyncClient(
            transport=httpx.ASGITransport(parts.public), base_url="http://ostro.test"
        )
        await stack.enter_async_context(http)
        yield House(database, http, made)


def _runtime(
    stack: contextlib.AsyncExitStack, database: Database, uri: str, folder: Path
) -> Runtime[TestcasesSettings]:
    key_file, peers_file = folder / "key.pem", folder / "peers.json"
    key_file.write_bytes(ed25519.Ed25519PrivateKey.generate().private_bytes(*_PRIVATE))
    peers_file.write_text("{}")
    settings = TestcasesSettings(
        kafka_bootstrap="127.0.0.1:1",  # nothing of what is measured talks to it
        mongodb_uri=uri,
        service_key_file=key_file,
        peer_keys_file=peers_file,
    )
    clock = SystemClock()
    tokens = ServiceTokens(SERVICE, key_file.read_text(), {}, clock)
    peers = {peer: InternalClient("http://127.0.0.1:1", peer, tokens) for peer in _PEERS}
    for peer in peers.values():
        stack.push_async_callback(peer.close)
    return Runtime(
        service=SERVICE,
        role=Role.API,
        settings=settings,
        database=database,
        publisher=Publisher(settings, client_id=SERVICE),
        names=Names(),
        tokens=tokens,
        health=Health(),
        clock=clock,
        ids=SystemIds(),
        peers=peers,
        instance="bench",
        failed=asyncio.Event(),
    )


async def _publish_key(database: Database, key: ec.EllipticCurvePrivateKey) -> None:
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    state = {"kid": "bench", "public_pem": public.decode(), "not_before": SystemClock().now()}
    await database[KEYS].insert_one({"_id": "bench", "tenant": "", "seq": 1, **state})


async def _tenant(database: Database, key: ec.EllipticCurvePrivateKey, number: int) -> Tenant:
    name, project = f"bench{number}", 1_000 + number
    row = {"tenant": name, "seq": 1, "status": "active", "cell": "local", "site_url": None}
    await database[TENANTS].insert_one({"_id": name, **row})
    state = {"id": project, "key": PROJECT_KEY, "jira_project_id": project, "enabled": True}
    ident = f"{name}/{project}"
    await database[PROJECTS].insert_one({"_id": ident, "tenant": name, "seq": 1, **state})
    now = SystemClock().now()
    claims = {
        "iss": ISSUER,
        "sub": name,
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(hours=1)).timestamp()),
        "jti": secrets.token_hex(8),
        "context": {"user": {"accountId": None}},
        "ostro": {"tenant": name, "cell": "local", "scopes": [Scope.READ], "projects": None},
    }
    pem = key.private_bytes(*_PRIVATE)
    token = jwt.encode(claims, pem, algorithm=ALGORITHM, headers={"kid": "bench"})
    return Tenant(name, project, {"authorization": f"Bearer {token}"})
