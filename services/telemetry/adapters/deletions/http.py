"""HTTP to the processors' deletion APIs. Bodies and answers hold pseudonyms: never logged."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import orjson

from kit.clock import Clock
from services.telemetry.adapters.processors.http import Reply, is_loopback, retry_after
from services.telemetry.usecases.erasing import NotNow

_DEADLINE_SECONDS = 30.0
_TIMEOUT = httpx.Timeout(20.0, connect=5.0)
_RETRIED_4XX = frozenset({408, 425, 429})
_CONFIGURATION = frozenset({401, 403})
# somebody has to change a setting or a plan first
_CONFIGURATION_SECONDS = 3_600.0


class DeletionApi:
    """One processor's. ``seconds`` are those between two requests."""

    def __init__(
        self, base_url: str, headers: Mapping[str, str], clock: Clock, seconds: float = 0.0
    ) -> None:
        self._base = base_url.rstrip("/")
        self._clock = clock
        self._seconds = seconds
        self._next = float("-inf")
        self._turn = asyncio.Lock()
        self._http = httpx.AsyncClient(
            headers={"accept": "application/json", "user-agent": "ostro-telemetry", **headers},
            timeout=_TIMEOUT,
            trust_env=not is_loopback(httpx.URL(base_url).host),
        )

    async def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        media_type: str = "application/json",
        **query: str,
    ) -> Reply:
        """Return an answer that says something; raise ``NotNow`` for all others."""
        content = None if body is None else orjson.dumps(body)
        headers = {} if body is None else {"content-type": media_type}
        await self._take_turn()
        try:
            async with asyncio.timeout(_DEADLINE_SECONDS):
                response = await self._http.request(
                    method, self._base + path, content=content, headers=headers, params=query
                )
        except (httpx.TimeoutException, TimeoutError):
            raise NotNow("timeout") from None
        except (httpx.TransportError, httpx.DecodingError, OSError):
            raise NotNow("connection") from None
        self._http.cookies.clear()
        status = response.status_code
        if status in _CONFIGURATION:
            raise NotNow(f"answers {status}", _CONFIGURATION_SECONDS)
        if status in _RETRIED_4XX or status >= 500:
            raise NotNow(f"status {status}", retry_after(response.headers, self._clock.now()))
        return Reply(status, response.headers, response.content)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _take_turn(self) -> None:
        async with self._turn:
            loop = asyncio.get_running_loop()
            await asyncio.sleep(max(0.0, self._next - loop.time()))
            self._next = loop.time() + self._seconds


def content_of(reply: Reply) -> Any:
    """Return the JSON of an answer; raise ``NotNow`` when somebody else answered."""
    try:
        return orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        raise NotNow("unknown answer") from None


def object_of(reply: Reply) -> dict[str, Any]:
    """The same of one that must be an object."""
    content = content_of(reply)
    if not isinstance(content, dict):
        raise NotNow("unknown answer")
    return content
