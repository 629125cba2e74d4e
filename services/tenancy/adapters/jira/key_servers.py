"""Atlassian's servers of install keys, with a bounded cache. Source: facts.md 2.3, step 3."""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx
import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from kit.clock import Clock
from kit.errors import Unavailable
from services.tenancy.adapters.jira.http import FAILURES, client, send

log = structlog.get_logger(__name__)

_TIMEOUT_SECONDS = 2.0
_MAX_BYTES = 8 * 1024
_MIN_BITS = 2048
_FOUND_LIFE = timedelta(hours=24)
_MISSING_LIFE = timedelta(seconds=60)
_MAX_FOUND = 100
_MAX_MISSING = 1000


class HttpKeyServers:
    """Asks the configured servers in order. The kid was checked before it gets here."""

    def __init__(
        self,
        servers: Sequence[str],
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._servers = tuple(server.rstrip("/") for server in servers)
        self._clock = clock
        self._http = client(self._servers, _TIMEOUT_SECONDS, transport)
        # apart, so that invented kids cannot push real keys out
        self._found: OrderedDict[str, tuple[datetime, str]] = OrderedDict()
        self._missing: OrderedDict[str, datetime] = OrderedDict()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def public_key(self, kid: str) -> str | None:
        """Return the PEM, None when every server says there is none."""
        now = self._clock.now()
        if kid in self._found and now - self._found[kid][0] < _FOUND_LIFE:
            return self._found[kid][1]
        if kid in self._missing and now - self._missing[kid] < _MISSING_LIFE:
            return None
        pem = await self._ask(kid)
        if pem is None:
            self._missing[kid] = now
            self._missing.move_to_end(kid)
            _trim(self._missing, _MAX_MISSING)
        else:
            self._found[kid] = (now, pem)
            self._found.move_to_end(kid)
            _trim(self._found, _MAX_FOUND)
        return pem

    async def _ask(self, kid: str) -> str | None:
        unsure = False
        for position, server in enumerate(self._servers):
            try:
                request = self._http.build_request("GET", f"{server}/{kid}")
                response, body = await send(self._http, request, _MAX_BYTES, _TIMEOUT_SECONDS)
            except FAILURES as error:
                log.warning("key server failed", server=position, cause=type(error).__name__)
                unsure = True
                continue
            if response.status_code == httpx.codes.OK and _usable(body):
                return body.decode()
            if response.status_code != httpx.codes.NOT_FOUND:
                log.warning("key server failed", server=position, status=response.status_code)
                unsure = True
        if unsure:
            # the key may well exist: Jira shall try again instead of giving the install up
            raise Unavailable("The servers of install keys are not available; try again.")
        return None


def _usable(body: bytes) -> bool:
    if b"BEGIN PUBLIC KEY" not in body:
        return False
    try:
        key = load_pem_public_key(body)
    except (ValueError, UnsupportedAlgorithm):
        return False
    return isinstance(key, RSAPublicKey) and key.key_size >= _MIN_BITS


def _trim(cache: OrderedDict[str, Any], size: int) -> None:
    while len(cache) > size:
        cache.popitem(last=False)
