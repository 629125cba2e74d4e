"""Calls to the outside: no redirects, short time-outs, bounded answers."""

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit

import httpx

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class TooMuch(Exception):
    """The answer is longer than allowed."""


FAILURES = (httpx.HTTPError, TooMuch, TimeoutError)
"""What ``send`` raises."""


def client(
    urls: Sequence[str], timeout_seconds: float, transport: httpx.AsyncBaseTransport | None = None
) -> httpx.AsyncClient:
    """Build a client for these base URLs.

    The machine's proxy settings hold for them, but never for loopback: a stand-in is reached
    directly.
    """
    hosts = {urlsplit(url).hostname or "" for url in urls}
    # the settings decide per client, so one loopback address means a stand-in throughout
    outside = not hosts & _LOOPBACK
    return httpx.AsyncClient(
        timeout=timeout_seconds,
        follow_redirects=False,
        trust_env=outside,
        limits=httpx.Limits(max_connections=16),
        transport=transport,
        headers={"accept-encoding": "identity"},
    )


async def send(
    http: httpx.AsyncClient, request: httpx.Request, max_bytes: int, timeout_seconds: float
) -> tuple[httpx.Response, bytes]:
    """Send and read the answer within the time; raise one of ``FAILURES``."""
    # httpx counts between two pieces only; a server that drips would take for ever
    async with asyncio.timeout(timeout_seconds):
        response = await http.send(request, stream=True)
        try:
            body = bytearray()
            if response.headers.get("content-encoding", "identity") != "identity":
                # not asked for, and a few bytes could unfold into more than the memory holds
                raise TooMuch
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > max_bytes:
                    raise TooMuch
        finally:
            await response.aclose()
    return response, bytes(body)
