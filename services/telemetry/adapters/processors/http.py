"""HTTP to processors: a deadline, no redirects, no cookies, proxies except for loopback."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address

import httpx

from services.telemetry.domain.answers import Retry, Split, Stop
from services.telemetry.usecases.preview import WireRequest

_DEADLINE_SECONDS = 30.0
_TIMEOUT = httpx.Timeout(20.0, connect=5.0)
_LONGEST_RETRY_AFTER = 300.0
_RETRIED_4XX = frozenset({408, 410, 425, 429, 460})
_SPLIT_4XX = frozenset({400, 413, 422})


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Endpoint:
    """One URL of one processor. Bodies and answers are never logged: they hold pseudonyms."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self._url = url
        self._http = httpx.AsyncClient(
            headers={
                "content-type": "application/json",
                "accept": "*/*",
                "user-agent": "ostro-telemetry",
                **headers,
            },
            timeout=_TIMEOUT,
            limits=httpx.Limits(max_connections=4),
            trust_env=not is_loopback(httpx.URL(url).host),
        )

    async def post(self, body: bytes, headers: Mapping[str, str]) -> Reply | Retry:
        """Send; whatever happens to the connection is ``Retry``: the ids make repeats harmless."""
        try:
            # the client's own time-outs are per read: a dribbling answer would never end
            async with asyncio.timeout(_DEADLINE_SECONDS):
                response = await self._http.send(self._request(body, headers))
        except (httpx.TimeoutException, TimeoutError):
            return Retry("timeout")
        except (httpx.TransportError, httpx.DecodingError, OSError):
            return Retry("connection")
        # a cookie would tie our requests together
        self._http.cookies.clear()
        return Reply(response.status_code, response.headers, response.content)

    def wire(self, body: bytes, headers: Mapping[str, str], *secrets: str) -> WireRequest:
        """Return the request that ``post`` would send; characters of secrets are asterisks."""
        request = self._request(body, headers)
        shown = {name: _masked(value, secrets) for name, value in request.headers.items()}
        content = _masked(request.content.decode(), secrets).encode()
        return WireRequest(request.method, _masked(str(request.url), secrets), shown, content)

    def _request(self, body: bytes, headers: Mapping[str, str]) -> httpx.Request:
        return self._http.build_request("POST", self._url, content=body, headers=dict(headers))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def _masked(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "*" * len(secret))
    return text


def is_loopback(host: str) -> bool:
    """Whether a host is this machine; such traffic goes through no proxy."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def by_status(reply: Reply, now: datetime) -> Retry | Split | Stop:
    """Read an answer that is no success by its status alone."""
    status = reply.status
    if status in _RETRIED_4XX or (status >= 500 and status not in {501, 505}):
        return Retry(f"status {status}", retry_after(reply.headers, now))
    if status in _SPLIT_4XX:
        return Split(f"refused with status {status}")
    if status < 300:
        # some 2xx that this processor never sends: somebody else answered
        return Retry("unknown answer")
    # credentials, a wrong path, a redirect: no event is at fault, and no repeat helps
    return Stop(f"answers {status}")


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds asked for (``Retry-After``, else ``X-RateLimit-Reset``), 5 min at most."""
    for name in ("retry-after", "x-ratelimit-reset"):
        text = headers.get(name)
        seconds = None if text is None else _seconds(text, now)
        if seconds is not None:
            return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER)
    return None


def _seconds(text: str, now: datetime) -> float | None:
    if text.strip().isdecimal():
        return float(text)
    try:
        return (parsedate_to_datetime(text) - now).total_seconds()
    except (ValueError, TypeError):
        return None
