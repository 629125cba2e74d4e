"""Forge's JSON Web Key Set, kept for an hour and for a day in need. Source: facts.md 10.1."""

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx
import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm

from kit.clock import Clock
from kit.errors import Unavailable
from services.tenancy.adapters.jira.http import FAILURES, client, send

log = structlog.get_logger(__name__)

_TIMEOUT_SECONDS = 2.0
_MAX_BYTES = 64 * 1024
_MAX_KEYS = 50
_MIN_BITS = 2048
_FRESH = timedelta(hours=1)
_STALE = timedelta(hours=24)
_AFTER_MISS = timedelta(minutes=1)
_AFTER_FAILURE = timedelta(seconds=5)


class HttpForgeKeys:
    """Fetches the set from one configured URL; nothing of a token ever becomes part of a URL."""

    def __init__(
        self, url: str, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._url = url
        self._clock = clock
        self._http = client([url], _TIMEOUT_SECONDS, transport)
        self._keys: Mapping[str, RSAPublicKey] = {}
        self._fetched_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._failed = False
        self._one_at_a_time = asyncio.Lock()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def public_key(self, kid: str) -> RSAPublicKey | None:
        """Return the key, None when the set does not hold it."""
        if self._due(kid):
            async with self._one_at_a_time:
                if self._due(kid):
                    await self._refresh()
        usable = self._fetched_at is not None and self._age(self._fetched_at) < _STALE
        key = self._keys.get(kid) if usable else None
        # the set may hold it by now: Forge shall try again instead of giving the event up
        if key is None and (self._failed or not usable):
            raise Unavailable("The keys of Forge are not available; try again.")
        return key

    def _due(self, kid: str) -> bool:
        if self._tried_at is None:
            return True
        known = kid in self._keys
        if self._failed:
            fresh = self._fetched_at is not None and self._age(self._fetched_at) < _FRESH
            return not (known and fresh) and self._age(self._tried_at) >= _AFTER_FAILURE
        return self._age(self._tried_at) >= (_FRESH if known else _AFTER_MISS)

    def _age(self, since: datetime) -> timedelta:
        return self._clock.now() - since

    async def _refresh(self) -> None:
        try:
            request = self._http.build_request("GET", self._url)
            response, body = await send(self._http, request, _MAX_BYTES, _TIMEOUT_SECONDS)
            found = _usable_keys(body) if response.status_code == httpx.codes.OK else {}
            cause = f"status {response.status_code}, {len(found)} keys"
        except FAILURES as error:
            found, cause = {}, type(error).__name__
        self._tried_at = self._clock.now()
        self._failed = not found
        if found:
            self._keys, self._fetched_at = found, self._tried_at
        else:
            log.warning("no Forge keys", cause=cause)


def _usable_keys(body: bytes) -> dict[str, RSAPublicKey]:
    """Return the RSA keys for signatures by kid; anything else in the set is passed over."""
    try:
        listed = json.loads(body)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    if not isinstance(listed, list):
        return {}
    found: dict[str, RSAPublicKey] = {}
    for jwk in listed[:_MAX_KEYS]:
        key = _public_key(jwk) if isinstance(jwk, dict) else None
        if key is not None:
            found.setdefault(jwk["kid"], key)
    return found


def _public_key(jwk: dict[str, Any]) -> RSAPublicKey | None:
    if not isinstance(jwk.get("kid"), str) or jwk.get("kty") != "RSA":
        return None
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", "RS256") != "RS256":
        return None
    try:
        key = RSAAlgorithm.from_jwk(jwk)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    return key if isinstance(key, RSAPublicKey) and key.key_size >= _MIN_BITS else None
