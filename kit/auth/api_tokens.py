"""Verifies API tokens: ``Authorization: Bearer <JWT>``, ES256, signed by tenancy.

Claims follow the vendor's shape (``iss sub iat exp context.baseUrl context.user.accountId``);
ours stand under ``ostro``: tenant, cell, scopes, projects, requestsPerMinute.
Source: behaviour.md section 1.
"""

import base64
import binascii
import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt
from pydantic import BaseModel, Field, ValidationError

from contracts.tenancy import SigningKeyState
from kit.auth.principal import Principal, Scope
from kit.clock import Clock
from kit.directory.view import Directory, TenantView
from kit.errors import Misdirected, Unauthenticated

ISSUER = "ostro"
ALGORITHM = "ES256"
_LEEWAY_SECONDS = 30
_CACHED_SECONDS = 60
_CACHED_TOKENS = 10_000
_MAX_TOKEN_LENGTH = 8192
_BAD_SIGNATURE = "The token's signature or issuer is not valid."


class OstroClaims(BaseModel):
    """Our part of the claims."""

    tenant: str
    cell: str
    scopes: frozenset[Scope]
    projects: frozenset[int] | None = None
    requests_per_minute: int | None = Field(None, alias="requestsPerMinute", ge=1)


class TokenUser(BaseModel):
    """``context.user``."""

    account_id: str | None = Field(None, alias="accountId")


class TokenContext(BaseModel):
    """``context``."""

    user: TokenUser


class TokenClaims(BaseModel):
    """What a verified token says."""

    jti: str
    exp: int
    context: TokenContext
    ostro: OstroClaims


@dataclass(frozen=True)
class VerifiedToken:
    """A principal and the view of its tenant that let it in."""

    principal: Principal
    tenant: TenantView
    requests_per_minute: int | None = None
    """The token's own limit; None where the service's alone holds."""


class ApiTokens:
    """Turns an Authorization header into a principal.

    The signature's verdict is kept for up to 60 s per token; expiry, revocation, the signing key's
    retirement and the tenant's state are looked at on every call.
    """

    def __init__(self, directory: Directory, cell: str, clock: Clock) -> None:
        self.directory = directory
        self._cell = cell
        self._clock = clock
        self._verified: OrderedDict[bytes, tuple[datetime, str, TokenClaims]] = OrderedDict()

    async def verify(self, authorization: str | None, *, public_api: bool) -> VerifiedToken:
        """Return the caller; raise ``Unauthenticated`` in one of the vendor's five variants."""
        token = bearer(authorization)
        claims = await self._claims(token)
        if claims.exp + _LEEWAY_SECONDS < self._clock.now().timestamp():
            raise Unauthenticated("The token has expired.")
        if claims.ostro.cell != self._cell:
            self._elsewhere(claims.ostro.cell, public_api=public_api)
        tenant = await self.directory.tenant(claims.ostro.tenant)
        if tenant is None or not tenant.active or claims.jti in tenant.revoked_tokens:
            raise Unauthenticated("The token is not valid.")
        if tenant.tenant.cell != self._cell:
            self._elsewhere(tenant.tenant.cell, public_api=public_api)
        principal = Principal(
            claims.ostro.tenant,
            claims.context.user.account_id,
            claims.jti,
            claims.ostro.scopes,
            claims.ostro.projects,
        )
        return VerifiedToken(principal, tenant, claims.ostro.requests_per_minute)

    def _elsewhere(self, cell: str, *, public_api: bool) -> None:
        headers = {"Ostro-Cell": cell}
        if public_api:
            raise Unauthenticated("The token is not valid.", headers=headers)
        raise Misdirected("The tenant lives in another cell.", headers=headers)

    async def _claims(self, token: str) -> TokenClaims:
        digest = hashlib.sha256(token.encode()).digest()
        now = self._clock.now()
        cached = self._verified.get(digest)
        if cached is not None and (now - cached[0]).total_seconds() < _CACHED_SECONDS:
            await self._key(cached[1])
            return cached[2]
        header = _segments(token)
        kid = header.get("kid")
        if header.get("alg") != ALGORITHM or not isinstance(kid, str) or "crit" in header:
            raise Unauthenticated(_BAD_SIGNATURE)
        claims = _check_signature(token, await self._key(kid))
        self._verified[digest] = (now, kid, claims)
        self._verified.move_to_end(digest)
        while len(self._verified) > _CACHED_TOKENS:
            self._verified.popitem(last=False)
        return claims

    async def _key(self, kid: str) -> SigningKeyState:
        key = await self.directory.signing_key(kid)
        if key is None or (key.retired_at is not None and key.retired_at < self._clock.now()):
            raise Unauthenticated(_BAD_SIGNATURE)
        return key


def _check_signature(token: str, key: SigningKeyState) -> TokenClaims:
    try:
        claims = jwt.decode(
            token,
            key.public_pem,
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            # times are compared with the injected clock, by the caller
            options={
                "require": ["iss", "exp", "iat", "jti"],
                "verify_aud": False,
                "verify_exp": False,
                "verify_iat": False,
            },
        )
        return TokenClaims.model_validate(claims)
    except (jwt.PyJWTError, ValidationError, RecursionError):
        raise Unauthenticated(_BAD_SIGNATURE) from None


def bearer(authorization: str | None) -> str:
    """Take the token out of the header."""
    scheme, _, token = (authorization or "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("The Authorization header with a bearer token is missing.")
    if len(token) > _MAX_TOKEN_LENGTH or token.count(".") != 2:
        raise Unauthenticated("The token must consist of three parts separated by dots.")
    return token


def _segments(token: str) -> dict[str, Any]:
    header: dict[str, Any] = {}
    for position, segment in enumerate(token.split(".")[:2]):
        try:
            raw = base64.b64decode(segment + "=" * (-len(segment) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise Unauthenticated("A part of the token is not valid base64.") from None
        try:
            decoded = json.loads(raw)
        except (ValueError, RecursionError):
            raise Unauthenticated("A part of the token is not valid JSON.") from None
        if not isinstance(decoded, dict):
            raise Unauthenticated("A part of the token is not valid JSON.")
        if position == 0:
            header = decoded
    return header
