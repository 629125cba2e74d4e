"""Tokens between services: 60 seconds, EdDSA, signed with the calling service's own key."""

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm
from pydantic import BaseModel, StrictInt, TypeAdapter, ValidationError

from kit.auth.principal import Principal, Scope
from kit.clock import Clock
from kit.errors import Unauthenticated
from kit.settings import read_secret

_LIFE = timedelta(seconds=60)
_LEEWAY_SECONDS = 10
_ALGORITHM = "EdDSA"


class _Act(BaseModel):
    """The principal behind a call."""

    tenant: str
    account: str | None
    token: str
    scopes: frozenset[Scope]
    projects: frozenset[int] | None


class _Claims(BaseModel):
    iat: StrictInt
    exp: StrictInt
    tenant: str | None = None
    act: _Act | None = None


@dataclass(frozen=True)
class InternalCaller:
    """Which service asks, for which tenant, on whose behalf."""

    service: str
    tenant: str | None
    principal: Principal | None


class ServiceTokens:
    """Signs this service's calls and verifies those of its peers."""

    def __init__(self, service: str, private_pem: str, peers: dict[str, str], clock: Clock) -> None:
        self._service = service
        self._private_pem = private_pem
        self._peers = peers
        self._clock = clock

    @classmethod
    def from_files(cls, service: str, key: Path, peers: Path, clock: Clock) -> "ServiceTokens":
        """Read our private key and the peers' public keys; exit naming the setting at fault."""
        private = read_secret(key, "OSTRO_SERVICE_KEY_FILE")
        try:
            loaded = serialization.load_pem_private_key(private.encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            loaded = None
        if not isinstance(loaded, Ed25519PrivateKey):
            raise SystemExit(f"OSTRO_SERVICE_KEY_FILE: {key} holds no Ed25519 private key in PEM")
        return cls(service, private, _peers(peers), clock)

    def sign(self, audience: str, tenant: str | None, principal: Principal | None) -> str:
        """Return a token for one call."""
        now = self._clock.now()
        claims: dict[str, Any] = {
            "iss": self._service,
            "aud": audience,
            "iat": int(now.timestamp()),
            "exp": int((now + _LIFE).timestamp()),
            "tenant": tenant,
            "act": _dump(principal) if principal is not None else None,
        }
        return jwt.encode(claims, _read(self._private_pem), algorithm=_ALGORITHM)

    def verify(self, token: str) -> InternalCaller:
        """Return the caller; raise ``Unauthenticated`` for anything but a good token for us."""
        try:
            issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
            key = self._peers.get(issuer) if isinstance(issuer, str) else None
            if key is None:
                raise Unauthenticated("unknown calling service")
            decoded = jwt.decode(
                token,
                _read(key),
                algorithms=[_ALGORITHM],
                audience=self._service,
                options={
                    "require": ["iss", "aud", "exp", "iat"],
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
            claims = _Claims.model_validate(decoded)
        except (jwt.PyJWTError, RecursionError, ValidationError):
            raise Unauthenticated("the service token is not valid") from None
        now = self._clock.now().timestamp()
        if not claims.iat - _LEEWAY_SECONDS <= now <= claims.exp + _LEEWAY_SECONDS:
            raise Unauthenticated("the service token has expired")
        principal = None if claims.act is None else _load(claims.act)
        if principal is not None and claims.tenant not in {None, principal.tenant}:
            raise Unauthenticated("the service token names a principal of another tenant")
        return InternalCaller(str(issuer), claims.tenant, principal)


@lru_cache(maxsize=64)
def _read(pem: str) -> Any:
    """Read a key once: PyJWT reads a PEM anew for every token."""
    return OKPAlgorithm().prepare_key(pem)


def _peers(path: Path) -> dict[str, str]:
    try:
        return TypeAdapter(dict[str, str]).validate_json(
            read_secret(path, "OSTRO_PEER_KEYS_FILE"), strict=True
        )
    except ValidationError:
        raise SystemExit(
            f"OSTRO_PEER_KEYS_FILE: {path} is not a JSON object of service names and PEM keys"
        ) from None


def _dump(principal: Principal) -> dict[str, Any]:
    return {
        "tenant": principal.tenant,
        "account": principal.account_id,
        "token": principal.token_id,
        "scopes": sorted(principal.scopes),
        "projects": None if principal.projects is None else sorted(principal.projects),
    }


def _load(act: _Act) -> Principal:
    return Principal(act.tenant, act.account, act.token, act.scopes, act.projects)
