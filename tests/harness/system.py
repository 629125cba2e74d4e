"""Real services inside the test's loop, and a client that routes like the edge."""

import contextlib
import importlib
import ssl
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx

from contracts.routes import owner_of
from kit.clock import Clock
from kit.ids import Ids
from kit.service import Role, running
from tests.harness.installation import Installation


@contextlib.asynccontextmanager
async def service(
    installation: Installation,
    name: str,
    *,
    role: Role | str = Role.ALL,
    clock: Clock | None = None,
    ids: Ids | None = None,
    **settings: Any,
) -> AsyncIterator[None]:
    """Run one service of the installation."""
    main = importlib.import_module(f"services.{name}.main")
    module = importlib.import_module(f"services.{name}.settings")
    settings_class = getattr(module, f"{name.capitalize()}Settings")
    values = installation.settings(settings_class, name, **settings)
    role = Role(role)
    async with running(name, values, main.build, main.INDEXES, role, clock=clock, ids=ids):
        yield


_TLS = ssl.create_default_context()
"""Not used on loopback; to make one for each client takes longer than most requests."""


class Edge(httpx.AsyncBaseTransport):
    """Sends each path to the service that owns it, as Caddy does."""

    def __init__(self, installation: Installation) -> None:
        self._ports = installation.http_ports
        self._inner = httpx.AsyncHTTPTransport(verify=_TLS, limits=httpx.Limits(max_connections=64))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Route and forward."""
        owner = owner_of(request.url.path)
        if owner is None:
            return httpx.Response(404)
        request.url = request.url.copy_with(host="127.0.0.1", port=self._ports[owner])
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


def client(installation: Installation, headers: Mapping[str, str]) -> httpx.AsyncClient:
    """Return a client of the whole installation; base is the public API."""
    return httpx.AsyncClient(
        transport=Edge(installation),
        base_url="http://ostro.test/v2",
        headers=dict(headers),
        timeout=60,
    )
