"""Tenancy as a process of its own that logs and traces everything, and what it must not show."""

import asyncio
import contextlib
import itertools
import secrets
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from devstack.standin.serving import Listeners, bind, port_of
from kit.clock import SystemClock
from kit.ids import SystemIds
from kit.mongo import Database, connect
from services.tenancy.adapters.mongo.changes import Changes
from services.tenancy.adapters.mongo.sealed_secrets import MongoSealedSecrets
from services.tenancy.main import SERVICE, Core, compose
from services.tenancy.settings import TenancySettings
from tests.harness.installation import Installation
from tests.harness.kms import CREDENTIALS, KmsServer, kms_server
from tests.harness.own_servers import OwnServer
from tests.harness.pipe import Pipe, pipe_to_mongodb
from tests.harness.polling import eventually
from tests.harness.remains import Collector, collector
from tests.integration.tenancy.forge_site import APP_ID, ForgeSite
from tests.integration.tenancy.jira_site import FakeServers, JiraSite, Keys

ROOT = Path(__file__).parents[3]
CONTROL = f"canary-control-{secrets.token_hex(8)}"
"""The name of the cell: a text that is stored and published on purpose."""
AWS_SECRET = f"canary-aws-{secrets.token_hex(16)}"
_SITES = 8


@dataclass
class Scene:
    """The process, its surroundings, what it answered, what must be found nowhere."""

    http: httpx.AsyncClient
    settings: TenancySettings
    database: Database
    core: Core
    keys: Keys
    servers_url: str
    site_urls: Iterator[str]
    process: asyncio.subprocess.Process
    traces: Collector
    mongodb: Pipe
    kms: KmsServer
    kafka: OwnServer
    answers: list[bytes] = field(default_factory=list)
    canaries: dict[str, bytes] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def plant(self, name: str, secret: str | bytes | None = None) -> str:
        """Remember a secret, a new one unless it is given; return it as text."""
        found = f"canary-{secrets.token_urlsafe(32)}" if secret is None else secret
        self.canaries[f"{name} ({next(self.numbers)})"] = (
            found.encode() if isinstance(found, str) else found
        )
        return found if isinstance(found, str) else ""

    def plant_token(self, name: str, header: str) -> str:
        """Remember a signed token and its signature alone; return the header that it came with."""
        token = header.rpartition(" ")[2]
        self.plant(name, token)
        self.plant(f"signature of {name}", token.rpartition(".")[2])
        return header

    def site(self) -> JiraSite:
        """A Jira site that nobody knows yet."""
        base = str(self.http.base_url).rstrip("/")
        found = JiraSite(self.keys, SystemClock(), base, next(self.site_urls))
        self.plant("client key", found.client_key)
        self.plant("shared secret", found.secret)
        return found

    def forge_site(self) -> ForgeSite:
        """A Forge installation that nobody knows yet."""
        return ForgeSite(self.keys, SystemClock(), self.servers_url)

    async def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Send a request and keep what is answered."""
        answer = await self.http.request(method, path, **request)
        self.answers.append(str(answer.headers).encode() + answer.content)
        return answer

    async def hook(
        self, site: JiraSite, name: str, authorization: str | None = None, **changes: Any
    ) -> int:
        """Send a lifecycle call; ``changes`` replace fields of its body."""
        header = self.plant_token("lifecycle token", authorization or site.authorization(name))
        answer = await self.send(
            "POST",
            f"/connect/{name}",
            content=site.body(name, **changes),
            headers={"authorization": header},
        )
        return answer.status_code

    def rotate(self, site: JiraSite) -> None:
        """Give the site a new secret."""
        self.plant("shared secret", site.new_secret())

    async def plant_data_keys(self) -> int:
        """Plant what KMS unwraps for everything that is stored: it is never stored itself."""
        store = MongoSealedSecrets(
            self.database, Changes(self.database, SystemClock(), SystemIds())
        )
        planted = 0
        for collection in store.collections:
            for record in await store.batch(collection, "", None, 10_000):
                for value in record.values:
                    sealed = value.sealed
                    key = await self.core.key_ring.unwrap(
                        sealed.key_id, sealed.wrapped, value.place
                    )
                    self.plant(f"data key of {value.path}", key.reveal())
                    planted += 1
        return planted


@contextlib.asynccontextmanager
async def canary_scene(installation: Installation, kafka: OwnServer) -> AsyncIterator[Scene]:
    """Start everything; AWS credentials of this process are those of the service, too."""
    keys, listeners, sock = Keys(), Listeners(), bind("127.0.0.1", 0)
    sites = [bind("127.0.0.1", 0) for _ in range(_SITES)]
    servers_url = f"http://127.0.0.1:{port_of(sock)}"
    base = f"http://127.0.0.1:{installation.http_ports[SERVICE]}"
    async with contextlib.AsyncExitStack() as stack:
        await listeners.serve(FakeServers(keys).app, sock, *sites)
        stack.push_async_callback(listeners.stop)
        traces = await stack.enter_async_context(collector())
        kms = stack.enter_context(kms_server(installation.folder))
        pipe, uri = stack.enter_context(pipe_to_mongodb(installation.backends.mongodb))
        extra = _settings(base, servers_url, kms)
        settings = installation.settings(TenancySettings, SERVICE, **extra)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "services.tenancy"),
            cwd=ROOT,
            env=installation.environment(
                SERVICE, log_level="DEBUG", otlp_endpoint=traces.url, mongodb_uri=uri, **extra
            )
            | {**CREDENTIALS, "AWS_SECRET_ACCESS_KEY": AWS_SECRET},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=2**26,
        )
        stack.push_async_callback(_ended, process)
        http = await stack.enter_async_context(
            httpx.AsyncClient(base_url=base, trust_env=False, timeout=60)
        )
        database = await stack.enter_async_context(
            connect(settings.mongodb_uri, settings.mongodb_database)
        )
        await eventually(lambda: _up(http, process), seconds=60)
        core = await compose(database, settings, SystemClock(), SystemIds())
        stack.push_async_callback(core.key_ring.close)
        stack.push_async_callback(core.jira.close)
        site_urls = itertools.cycle(f"http://127.0.0.1:{port_of(one)}" for one in sites)
        scene = Scene(
            http,
            settings,
            database,
            core,
            keys,
            servers_url,
            site_urls,
            process,
            traces,
            pipe,
            kms,
            kafka,
        )
        scene.plant("AWS secret access key", AWS_SECRET)
        yield scene


def _settings(base: str, servers_url: str, kms: KmsServer) -> dict[str, str]:
    return {
        "key_provider": "kms",
        "kms_key_id": kms.new_key(),
        "kms_endpoint": kms.endpoint,
        "cell": CONTROL,
        "public_url": base,
        "jira_key_servers": f"{servers_url}/keys,{servers_url}/backup",
        "jira_hosts": "127.0.0.1",
        "jira_allow_http": "true",
        "forge_app_id": APP_ID,
        "forge_jwks_url": f"{servers_url}/forge/jwks.json",
        "forge_api_hosts": "127.0.0.1",
    }


async def _up(http: httpx.AsyncClient, process: asyncio.subprocess.Process) -> bool:
    if process.returncode is not None:
        assert process.stdout is not None
        raise AssertionError((await process.stdout.read()).decode())
    with contextlib.suppress(httpx.TransportError):
        return (await http.get("/.well-known/jwks.json")).status_code == 200
    return False


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()
