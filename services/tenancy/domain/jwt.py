"""Strict reading of JSON Web Tokens, shared by the verifiers of every credential kind.

PyJWT checks the signature; what it leaves open is decided here: exactly one algorithm, no
``crit``, required and numeric times against the injected clock. Source: facts.md 2.3 and 3.1.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

LEEWAY_SECONDS = 30
MAX_TOKEN_LENGTH = 8192
_ONLY_THE_SIGNATURE: jwt.types.Options = {
    "verify_signature": True,
    "verify_aud": False,
    "verify_exp": False,
    "verify_iat": False,
    "verify_iss": False,
    "verify_jti": False,
    "verify_nbf": False,
    "verify_sub": False,
}


class BadToken(Exception):
    """A token that proves nothing. ``reason`` is one of ours: no part of the token, no secret."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Unverified:
    """What a token claims before its signature was looked at: good for choosing a key only."""

    header: Mapping[str, Any]
    issuer: str


def read_unverified(token: str, algorithm: str) -> Unverified:
    """Take the token apart; raise ``BadToken`` unless it names exactly this algorithm."""
    if len(token) > MAX_TOKEN_LENGTH:
        raise BadToken("too long")
    try:
        parts = jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise BadToken("malformed") from None
    header, claims = parts["header"], parts["payload"]
    if header.get("alg") != algorithm:
        raise BadToken("algorithm")
    if "crit" in header:
        raise BadToken("crit")
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or not issuer:
        raise BadToken("iss")
    return Unverified(header, issuer)


def verified_claims(token: str, key: Any, algorithm: str) -> Mapping[str, Any]:
    """Return the claims; raise ``BadToken`` unless the signature is this key's."""
    try:
        return jwt.decode(token, key, algorithms=[algorithm], options=_ONLY_THE_SIGNATURE)
    except (jwt.PyJWTError, ValueError, TypeError):
        raise BadToken("signature") from None


def digest(token: str) -> str:
    """Return what is remembered of a token that was used."""
    return hashlib.sha256(token.encode()).hexdigest()


def check_times(claims: Mapping[str, Any], now: float) -> int:
    """Raise ``BadToken`` outside the token's life (30 s leeway); return ``iat`` in seconds."""
    issued, expires = _seconds(claims, "iat"), _seconds(claims, "exp")
    if expires <= now - LEEWAY_SECONDS:
        raise BadToken("expired")
    if issued >= now + LEEWAY_SECONDS:
        raise BadToken("issued in the future")
    if "nbf" in claims and _seconds(claims, "nbf") >= now + LEEWAY_SECONDS:
        raise BadToken("not valid yet")
    return int(issued)


def check_qsh(claims: Mapping[str, Any], expected: str) -> None:
    """Raise ``BadToken`` unless the token is bound to this request."""
    found = claims.get("qsh")
    if not isinstance(found, str) or not hmac.compare_digest(found.encode(), expected.encode()):
        raise BadToken("qsh")


def audience(claims: Mapping[str, Any], ours: frozenset[str]) -> str:
    """Return the one of our URLs that an element of ``aud`` equals as a whole, or raise."""
    found = claims.get("aud")
    for element in found if isinstance(found, list) else [found]:
        if isinstance(element, str) and element.rstrip("/") in ours:
            return element.rstrip("/")
    raise BadToken("aud")


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    # a bool is an int in Python, and JSON's NaN and Infinity are floats
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        raise BadToken(name)
    return value
