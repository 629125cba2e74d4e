"""One service on a mongod alone: no Kafka, no peers, tenants made by hand."""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from contracts.tenancy import SERVICES
from kit.auth.api_tokens import ALGORITHM, ISSUER
from kit.auth.principal import Scope
from kit.auth.service_tokens import ServiceTokens
from kit.clock import SystemClock
from kit.directory.copy import KEYS, PROJECTS, TENANTS
from kit.http.client import InternalClient
from kit.ids import SystemIds
from kit.kafka.client import Names
from kit.kafka.producer import Publisher
from kit.mongo import Database
from kit.observability.health import Health
from kit.service import Role, Runtime
from kit.settings import ServiceSettings

S = TypeVar("S", bound=ServiceSettings)

PROJECT_KEY = "DEMO"
NOWHERE = "127.0.0.1:1"
"""Where Kafka and the peers would be: nothing of what is measured talks to them."""
_PRIVATE = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@dataclass(frozen=True)
class Tenant:
    """A tenant with one project, and who may read it."""

    name: str
    project: int
    headers: dict[str, str]


async def tenants(database: Database, count: int) -> list[Tenant]:
    """Store what the service's copy of the directory would hold."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    state = {"kid": "bench", "public_pem": public.decode(), "not_before": SystemClock().now()}
    await database[KEYS].insert_one({"_id": "bench", "tenant": "", "seq": 1, **state})
    return [await _tenant(database, key, number) for number in range(count)]


def key_files(folder: Path) -> tuple[Path, Path]:
    """Make the two files that every service wants: its own key, and none of its peers."""
    key_file, peers_file = folder / "key.pem", folder / "peers.json"
    key_file.write_bytes(ed25519.Ed25519PrivateKey.generate().private_bytes(*_PRIVATE))
    peers_file.write_text("{}")
    return key_file, peers_file


def runtime(service: str, settings: S, database: Database) -> Runtime[S]:
    """Return what the service is built on."""
    clock = SystemClock()
    tokens = ServiceTokens(service, settings.service_key_file.read_text(), {}, clock)
    return Runtime(
        service=service,
        role=Role.API,
        settings=settings,
        database=database,
        publisher=Publisher(settings, client_id=service),
        names=Names(),
        tokens=tokens,
        health=Health(),
        clock=clock,
        ids=SystemIds(),
        peers={peer: InternalClient(f"http://{NOWHERE}", peer, tokens) for peer in SERVICES},
        instance="bench",
        failed=asyncio.Event(),
    )


async def _tenant(database: Database, key: ec.EllipticCurvePrivateKey, number: int) -> Tenant:
    name, project = f"bench{number}", 1_000 + number
    row = {"tenant": name, "seq": 1, "status": "active", "cell": "local"}
    site = {"site_url": "https://bench.example"}
    await database[TENANTS].insert_one({"_id": name, **row, **site})
    state = {"id": project, "key": PROJECT_KEY, "jira_project_id": project, "enabled": True}
    ident = f"{name}/{project}"
    await database[PROJECTS].insert_one({"_id": ident, "tenant": name, "seq": 1, **state})
    now = SystemClock().now()
    claims = {
        "iss": ISSUER,
        "sub": name,
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(hours=3)).timestamp()),
        "jti": secrets.token_hex(8),
        "context": {"user": {"accountId": None}},
        "ostro": {"tenant": name, "cell": "local", "scopes": [Scope.READ], "projects": None},
    }
    pem = key.private_bytes(*_PRIVATE)
    token = jwt.encode(claims, pem, algorithm=ALGORITHM, headers={"kid": "bench"})
    return Tenant(name, project, {"authorization": f"Bearer {token}"})
