"""Secrets planted at install and tokens minted over HTTP are found nowhere afterwards.

The service runs as a process of its own, so that its real output is searched.
"""

import asyncio
import base64
import contextlib
import sys
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import bson
import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions

from contracts.topics import TOPICS
from devstack.standin.serving import Listeners, bind, port_of
from kit.auth.principal import Scope
from kit.clock import SystemClock
from kit.ids import SystemIds
from kit.kafka.client import Names, connection
from kit.mongo import Database, Document, connect
from services.tenancy.main import SERVICE, Core, compose
from services.tenancy.settings import TenancySettings
from services.tenancy.usecases.tokens import TokenRequest
from tests.harness.backends import Backends
from tests.harness.installation import Installation
from tests.harness.polling import eventually
from tests.integration.tenancy.jira_site import FakeServers, JiraSite, Keys
from tests.integration.tenancy.world import OPERATOR_BY

ROOT = Path(__file__).parents[3]


@dataclass
class Scene:
    """A service process, what it printed and answered, what must not be found."""

    http: httpx.AsyncClient
    settings: TenancySettings
    database: Database
    core: Core
    keys: Keys
    servers_url: str
    process: asyncio.subprocess.Process
    answers: list[bytes] = field(default_factory=list)
    canaries: dict[str, bytes] = field(default_factory=dict)

    def plant(self, name: str, secret: str | bytes) -> None:
        self.canaries[name] = secret.encode() if isinstance(secret, str) else secret

    async def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        answer = await self.http.request(method, path, **request)
        self.answers.append(str(answer.headers).encode() + answer.content)
        return answer


@pytest.fixture
async def scene(installation: Installation) -> AsyncIterator[Scene]:
    keys = Keys()
    listeners, sock = Listeners(), bind("127.0.0.1", 0)
    servers_url = f"http://127.0.0.1:{port_of(sock)}"
    base = f"http://127.0.0.1:{installation.http_ports[SERVICE]}"
    extra = {
        "master_key_file": str(installation.secret("master")),
        "public_url": base,
        "jira_key_servers": f"{servers_url}/keys,{servers_url}/backup",
        "jira_hosts": "127.0.0.1",
        "jira_allow_http": "true",
    }
    settings = installation.settings(TenancySettings, SERVICE, **extra)
    async with contextlib.AsyncExitStack() as stack:
        await listeners.serve(FakeServers(keys).app, sock)
        stack.push_async_callback(listeners.stop)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "services.tenancy"),
            cwd=ROOT,
            env=installation.environment(SERVICE, log_level="DEBUG", **extra),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=2**26,
        )
        stack.push_async_callback(_ended, process)
        http = await stack.enter_async_context(
            httpx.AsyncClient(base_url=base, trust_env=False, timeout=30)
        )
        database = await stack.enter_async_context(
            connect(settings.mongodb_uri, settings.mongodb_database)
        )
        await eventually(lambda: _up(http), seconds=40)
        core = await compose(database, settings, SystemClock(), SystemIds())
        stack.push_async_callback(core.jira.close)
        yield Scene(http, settings, database, core, keys, servers_url, process)


async def _up(http: httpx.AsyncClient) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return (await http.get("/.well-known/jwks.json")).status_code == 200
    return False


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


async def busy_life(scene: Scene) -> None:
    """Installs, rotations, tokens, projects, and everything going wrong on the way."""
    site = JiraSite(
        scene.keys, SystemClock(), str(scene.http.base_url).rstrip("/"), scene.servers_url
    )
    scene.plant("client key", site.client_key)

    async def hook(name: str, authorization: str | None = None, **changes: Any) -> int:
        header = authorization or site.authorization(name)
        scene.plant(f"lifecycle token {len(scene.canaries)}", header.removeprefix("JWT "))
        body = site.body(name, **changes)
        answer = await scene.send(
            "POST", f"/connect/{name}", content=body, headers={"authorization": header}
        )
        return answer.status_code

    scene.plant("first secret", site.secret)
    assert await hook("installed") == 204
    scene.plant("second secret", site.new_secret())
    assert await hook("installed") == 204
    assert await hook("enabled") == 204
    # wrong calls carry secrets, too
    scene.plant("refused secret", "canary-refused-" + "r" * 40)
    refused = "canary-refused-" + "r" * 40
    assert await hook("installed", sharedSecret=refused, clientKey="another") == 403
    assert await hook("installed", sharedSecret=refused, baseUrl=7) == 400
    assert await hook("installed", sharedSecret=[refused]) == 400
    assert await hook("installed", site.signed("installed", key="stranger")) == 401
    assert await hook("enabled", site.symmetric("enabled", secret=refused)) == 401

    tenant = (await scene.core.tenants.all())[-1].id
    request = TokenRequest("boss", tuple(Scope), timedelta(days=1), None, None)
    boss = (await scene.core.tokens.mint(tenant, request, OPERATOR_BY)).text
    scene.plant("admin token", boss)
    headers = {"authorization": f"Bearer {boss}"}
    path = "/ostro/v1/tenancy/tokens"
    minted = await scene.http.post(path, json={"name": "ci", "scopes": ["read"]}, headers=headers)
    token = minted.json()["token"]
    scene.plant("minted token", token)
    scene.plant("signature of the minted token", token.rpartition(".")[2])
    await scene.send("GET", path, headers=headers)
    await scene.send("POST", path, json={"name": token}, headers=headers)
    await scene.send("GET", "/v2/projects", headers={"authorization": f"Bearer {token}x"})
    await scene.send("GET", f"/v2/projects/{token}", headers=headers)
    await scene.send("POST", "/ostro/v1/tenancy/projects", json={"key": "DEMO"}, headers=headers)
    await scene.send("DELETE", f"{path}/{minted.json()['id']}", headers=headers)
    assert await hook("uninstalled") == 204
    await scene.send("GET", "/v2/projects", headers=headers)

    for key in await scene.core.keys.all():
        assert key.private is not None
        private = await scene.core.vault.open(key.private, key.place)
        body = b"".join(private.reveal().splitlines()[1:-1])
        scene.plant(f"signing key {key.kid}", base64.b64decode(body))
    master = Path(scene.settings.master_key_file).read_text()
    scene.plant("master key", base64.b64decode(master))


async def outbox_is_empty(database: Database) -> bool:
    names = ("tenants", "projects", "tokens", "signing_keys")
    pending = [await database[n].count_documents({"outbox.seq": {"$gt": 0}}) for n in names]
    return not any(pending)


async def kafka_bytes(settings: TenancySettings) -> list[bytes]:
    """Every key, value and header of every topic of this installation."""
    names = Names(settings.topic_prefix)
    consumer = AIOKafkaConsumer(**connection(settings), auto_offset_reset="earliest")
    await consumer.start()
    found: list[bytes] = []
    try:
        parts = [TopicPartition(names.topic(t), p) for t in TOPICS for p in range(t.partitions)]
        consumer.assign(parts)
        for partition, end in (await consumer.end_offsets(parts)).items():
            while await consumer.position(partition) < end:
                batches = await consumer.getmany(partition, timeout_ms=500)
                for record in batches.get(partition, []):
                    found += [record.key or b"", record.value or b""]
                    found += [name.encode() + value for name, value in record.headers]
    finally:
        await consumer.stop()
    return found


def raw(document: Document) -> bytes:
    """Return the document as MongoDB has it."""
    options = CodecOptions(uuid_representation=UuidRepresentation.STANDARD)  # type: ignore[var-annotated]  # of dicts
    return bson.encode(document, codec_options=options)


async def mongodb_bytes(servers: Backends, installation: Installation) -> list[bytes]:
    """Every document of the installation's databases, and what the oplog says of them."""
    mine = installation.prefix.rstrip(".")
    found: list[bytes] = []
    async with connect(servers.mongodb, "local") as local:
        for name in await local.client.list_database_names():
            if name.startswith(mine):
                database = local.client.get_database(name)
                for collection in await database.list_collection_names():
                    found += [raw(d) async for d in database[collection].find({})]
        of_mine = {
            "$or": [{"ns": {"$regex": f"^{mine}"}}, {"o.applyOps.ns": {"$regex": f"^{mine}"}}]
        }
        found += [raw(d) async for d in local["oplog.rs"].find(of_mine)]
    return found


def forms(secret: bytes) -> Iterable[bytes]:
    """Plain, hex in both cases, base64 at every alignment, both alphabets."""
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + secret)
        # the characters at both ends depend on the neighbours
        middle = encoded[4 if shift else 0 : len(encoded) - 4]
        yield middle
        yield middle.replace(b"+", b"-").replace(b"/", b"_")


def test_forms_find_what_is_hidden() -> None:
    secret = b"canary-0123456789-abcdef"
    haystacks = [
        secret,
        secret.hex().encode(),
        *(base64.b64encode(b"p" * n + secret + b"tail") for n in range(3)),
        *(base64.urlsafe_b64encode(b"\xff" * n + secret) for n in range(3)),
    ]
    assert all(any(f in haystack for f in forms(secret)) for haystack in haystacks)


@pytest.mark.timeout(180)
async def test_nothing_leaks(scene: Scene, servers: Backends, installation: Installation) -> None:
    await busy_life(scene)
    await eventually(lambda: outbox_is_empty(scene.database))
    port = installation.internal_ports[SERVICE]
    async with httpx.AsyncClient(trust_env=False) as http:
        metrics = (await http.get(f"http://127.0.0.1:{port}/metrics")).content
    scene.process.terminate()
    output, _ = await scene.process.communicate()
    places = {
        "logs": [output],
        "answers": scene.answers,
        "metrics": [metrics],
        "kafka": await kafka_bytes(scene.settings),
        "mongodb": await mongodb_bytes(servers, installation),
    }
    # the search is worth something only where there is something
    assert b"lifecycle call refused" in output
    assert len(places["kafka"]) > 20
    assert len(places["mongodb"]) > 20
    leaks = [
        f"{name} in {place}"
        for name, secret in scene.canaries.items()
        for place, contents in places.items()
        for form in set(forms(secret))
        if any(form in content for content in contents)
    ]
    assert leaks == []
