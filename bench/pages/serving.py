"""executions' public API on a mongod that is there, without Kafka and without its peers.

python -m bench.pages.serving PORT URI DATABASE FOLDER
"""

import asyncio
import contextlib
import secrets
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from pydantic import HttpUrl

from kit.auth.api_tokens import ALGORITHM, ISSUER
from kit.auth.principal import Scope
from kit.auth.service_tokens import ServiceTokens
from kit.clock import SystemClock
from kit.directory.copy import KEYS, PROJECTS, TENANTS
from kit.http.client import InternalClient
from kit.ids import SystemIds
from kit.kafka.client import Names
from kit.kafka.producer import Publisher
from kit.mongo import Database, connect
from kit.observability import logs
from kit.observability.health import Health
from kit.service import Parts, Role, Runtime
from services.executions.main import SERVICE, build
from services.executions.settings import ExecutionsSettings

PROJECT_KEY = "DEMO"
_NOWHERE = "127.0.0.1:1"
_PRIVATE = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
_PEERS = ("testcases", "executions", "tenancy", "telemetry")


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


@contextlib.asynccontextmanager
async def built(uri: str, database: str, folder: Path) -> AsyncIterator[Parts]:
    """Build the service as its own process does; its background runs."""
    key_file, peers_file = folder / "key.pem", folder / "peers.json"
    key_file.write_bytes(ed25519.Ed25519PrivateKey.generate().private_bytes(*_PRIVATE))
    peers_file.write_text("{}")
    settings = ExecutionsSettings(
        kafka_bootstrap=_NOWHERE,
        mongodb_uri=uri,
        service_key_file=key_file,
        peer_keys_file=peers_file,
        spool_dir=folder / "spool",
        public_url=HttpUrl("https://api.example"),
    )
    clock = SystemClock()
    tokens = ServiceTokens(SERVICE, key_file.read_text(), {}, clock)
    async with connect(uri, database) as rows:
        parts = await build(
            Runtime(
                service=SERVICE,
                role=Role.API,
                settings=settings,
                database=rows,
                publisher=Publisher(settings, client_id=SERVICE),
                names=Names(),
                tokens=tokens,
                health=Health(),
                clock=clock,
                ids=SystemIds(),
                peers={p: InternalClient(f"http://{_NOWHERE}", p, tokens) for p in _PEERS},
                instance="bench",
                failed=asyncio.Event(),
            )
        )
        # nothing was published that is not here
        parts.public.state.api_tokens.directory.trust()
        # the first one waits for Kafka
        tasks = [asyncio.ensure_future(behind.run()) for behind in parts.background[1:]]
        try:
            yield parts
        finally:
            for task in tasks:
                task.cancel()


async def main(port: int, uri: str, database: str, folder: Path) -> None:
    """Serve until killed."""
    logs.configure(SERVICE, "ERROR")
    async with built(uri, database, folder) as parts:
        config = uvicorn.Config(
            parts.public,
            port=port,
            access_log=False,
            log_level="error",
            lifespan="off",
            timeout_keep_alive=600,
        )
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    from uvloop import new_event_loop

    _, listen, address, name, place = sys.argv
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(main(int(listen), address, name, Path(place)))
