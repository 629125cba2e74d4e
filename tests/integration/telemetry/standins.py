"""The processor stand-ins on a loopback port, and a handle to them."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx

from devstack.processors.app import ProcessorsApp, Setup
from devstack.processors.wire import ClosableProtocol
from devstack.standin.serving import Listeners, bind, port_of

WRITE_KEY = "segment-write-key"
API_KEY = "amplitude-api-key"
SDK_KEY = "launchdarkly-sdk-key"
BUGSNAG_KEY = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class Standins:
    """What arrived, and how to make the stand-ins fail."""

    url: str
    client: httpx.AsyncClient

    async def visible(self, processor: str) -> list[dict[str, Any]]:
        """Return the events that the vendor would show."""
        return list((await self._get(f"/control/visible/{processor}"))["events"])

    async def dropped(self, processor: str) -> list[dict[str, Any]]:
        """Return what was answered with success and thrown away."""
        return list((await self._get(f"/control/dropped/{processor}"))["dropped"])

    async def requests(self, processor: str) -> list[dict[str, Any]]:
        """Return every request that the processor got."""
        return list((await self._get(f"/recorded?processor={processor}"))["requests"])

    async def fail(self, processor: str, kind: str, **more: Any) -> None:
        """Script one fault; ``times`` is 1, None means until reset."""
        faults = [{"kind": kind, **more}]
        await self._post("/control/faults", {"processor": processor, "faults": faults})

    async def limit(self, processor: str, **limits: Any) -> None:
        """Change limits of a processor."""
        await self._post("/control/limits", {"processor": processor, "limits": limits})

    async def flag(self, key: str, value: Any = None, **rules: Any) -> None:
        """Set a flag at LaunchDarkly: one value for everybody, or rules."""
        body = {"rules": rules} if rules else {"value": value}
        (await self.client.put(f"/control/flags/{key}", json=body)).raise_for_status()

    async def reset(self) -> None:
        """Forget faults and events."""
        await self._post("/control/reset", {})

    async def _get(self, path: str) -> dict[str, Any]:
        response = await self.client.get(path)
        response.raise_for_status()
        return dict(response.json())

    async def _post(self, path: str, body: dict[str, Any]) -> None:
        (await self.client.post(path, json=body)).raise_for_status()


@contextlib.asynccontextmanager
async def standins() -> AsyncIterator[Standins]:
    """Serve both stand-ins; each knows one key."""
    sock = bind("127.0.0.1", 0)
    url = f"http://127.0.0.1:{port_of(sock)}"
    listeners = Listeners(ClosableProtocol)
    await listeners.serve(
        ProcessorsApp(
            Setup(
                segment_write_key=WRITE_KEY,
                amplitude_api_key=API_KEY,
                bugsnag_api_key=BUGSNAG_KEY,
                launchdarkly_sdk_key=SDK_KEY,
                beamer_api_key="beamer-key",
                amplitude_secret_key="secret-key",
                segment_api_token="api-token",
                bugsnag_data_token="data-token",
            )
        ),
        sock,
    )
    try:
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
            yield Standins(url, client)
    finally:
        await listeners.stop()
