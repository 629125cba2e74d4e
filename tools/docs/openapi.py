"""``docs/openapi/<service>.json``: what each service answers at its own ``openapi.json``.

The four services are built by their own composition roots from real parts that never connect:
building does no I/O, so neither Kafka nor MongoDB is needed.
"""

import asyncio
import base64
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fastapi import FastAPI

from kit.auth.service_tokens import ServiceTokens
from kit.clock import SystemClock
from kit.http.client import InternalClient
from kit.ids import SystemIds
from kit.kafka.client import Names
from kit.kafka.producer import Publisher
from kit.mongo import connect
from kit.observability.health import Health
from kit.service import Parts, Role, Runtime
from kit.settings import ServiceSettings
from services.executions import main as executions
from services.executions.settings import ExecutionsSettings
from services.telemetry import main as telemetry
from services.telemetry.settings import TelemetrySettings
from services.tenancy import main as tenancy
from services.tenancy.adapters.mongo.client_key_index import HmacIndex
from services.tenancy.adapters.sealing.key_ring import KeyRing
from services.tenancy.adapters.sealing.local_keys import LocalKeys
from services.tenancy.domain.secret import Secret
from services.tenancy.settings import TenancySettings
from services.testcases import main as testcases
from services.testcases.settings import TestcasesSettings

S = TypeVar("S", bound=ServiceSettings)

_NOWHERE = {"kafka_bootstrap": "127.0.0.1:1", "mongodb_uri": "mongodb://127.0.0.1:1/"}


def render() -> dict[str, str]:
    """Return the document of each service as JSON."""
    return {
        name: json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        for name, document in asyncio.run(_documents()).items()
    }


async def _documents() -> dict[str, Any]:
    async with public_apps() as apps:
        return {name: app.openapi() for name, app in apps.items()}


@asynccontextmanager
async def public_apps() -> AsyncIterator[Mapping[str, FastAPI]]:
    """Yield the public application of each service, connected to nothing."""
    async with all_parts() as parts:
        yield {name: part.public for name, part in parts.items()}


@asynccontextmanager
async def all_parts() -> AsyncIterator[Mapping[str, Parts]]:
    """Yield what each service consists of, connected to nothing."""
    with TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            builder = _Builder(Path(folder), stack)
            apps = {
                "testcases": await testcases.build(await builder.runtime(TestcasesSettings)),
                "executions": await executions.build(await builder.runtime(ExecutionsSettings)),
                "tenancy": _tenancy(await builder.runtime(TenancySettings)),
                "telemetry": await telemetry.build(await builder.runtime(TelemetrySettings)),
            }
            for parts in apps.values():
                for close in parts.closers:
                    stack.push_async_callback(close)
            yield apps


def _tenancy(runtime: Runtime[TenancySettings]) -> Parts:
    settings, key = runtime.settings, Secret(secrets.token_bytes(32))
    core = tenancy.assemble(
        runtime.database,
        settings,
        runtime.clock,
        runtime.ids,
        KeyRing(LocalKeys(key)),
        HmacIndex(key),
    )
    return tenancy.parts(runtime, core)


class _Builder:
    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self._folder = folder
        self._stack = stack

    async def runtime(self, settings_class: type[S]) -> Runtime[S]:
        settings = settings_class(**self._values(settings_class))
        service = settings_class.__name__.removesuffix("Settings").lower()
        clock = SystemClock()
        pem = self._private_key()
        tokens = ServiceTokens(service, pem, {}, clock)
        database = await self._stack.enter_async_context(
            connect(settings.mongodb_uri, settings.mongodb_database)
        )
        peers = {}
        for peer in ("testcases", "executions", "tenancy", "telemetry"):
            peers[peer] = InternalClient("http://127.0.0.1:1", peer, tokens)
            self._stack.push_async_callback(peers[peer].close)
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
            peers=peers,
            instance="docs",
            failed=asyncio.Event(),
        )

    def _values(self, settings_class: type[ServiceSettings]) -> dict[str, Any]:
        """Every required file is a key of 32 random bytes; the two key files of the service
        tokens are not read here."""
        files = {}
        for name, field in settings_class.model_fields.items():
            if name == "master_key_file" or (field.is_required() and field.annotation is Path):
                files[name] = self._folder / name
                files[name].write_text(base64.b64encode(secrets.token_bytes(32)).decode())
        return {**_NOWHERE, **files}

    def _private_key(self) -> str:
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return pem.decode()
