"""Strict reading of JSON Web Tokens, shared by the verifiers of every credential kind.

PyJWT and the standard library check the signature; everything else is decided here: canonical
base64url, JSON in which no name stands twice, exactly one algorithm, no ``crit``, required and
numeric times against the injected clock. Source: facts.md 2.3 and 3.1.
"""

import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm

LEEWAY_SECONDS = 30
MAX_TOKEN_LENGTH = 8192
MAX_ISSUER_LENGTH = 255
_PARTS = 3
_END_OF_TIME = 253_402_300_000
_RS256 = RSAAlgorithm(RSAAlgorithm.SHA256)
# to the alphabet that binascii knows; its own other characters become none of it
_STANDARD = bytes.maketrans(b"-_+/=", b"+/!!!")


class BadToken(Exception):
    """A token that proves nothing. ``reason`` is one of ours: no part of the token, no secret."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Unverified:
    """A token before its signature was looked at: good for choosing a key only."""

    header: Mapping[str, Any]
    issuer: str
    algorithm: str
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes


def read_unverified(token: str, algorithm: str) -> Unverified:
    """Take the token apart; raise ``BadToken`` unless it names exactly this algorithm."""
    if len(token) > MAX_TOKEN_LENGTH:
        raise BadToken("too long")
    parts = token.split(".")
    if len(parts) != _PARTS or not token.isascii():
        raise BadToken("malformed")
    header, claims = _object(parts[0]), _object(parts[1])
    if header.get("alg") != algorithm:
        raise BadToken("algorithm")
    # b64 means something only when it is critical, and Jira sends neither
    if "crit" in header or "b64" in header:
        raise BadToken("crit")
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or not issuer or len(issuer) > MAX_ISSUER_LENGTH:
        raise BadToken("iss")
    # half a surrogate pair can be written in JSON and never be encoded again
    if not issuer.isprintable():
        raise BadToken("iss")
    signed = f"{parts[0]}.{parts[1]}".encode()
    return Unverified(header, issuer, algorithm, claims, signed, _decoded(parts[2]))


def verified_claims(claimed: Unverified, key: Any) -> Mapping[str, Any]:
    """Return the claims; raise ``BadToken`` unless the signature is this key's.

    ``key`` is bytes for HS256, PEM or an RSA public key for RS256.
    """
    good = _is_hmac if claimed.algorithm == "HS256" else _is_rsa
    if not good(claimed, key):
        raise BadToken("signature")
    return claimed.claims


def digest(token: str) -> str:
    """Return what is remembered of a token that was used."""
    return hashlib.sha256(token.encode()).hexdigest()


def instant(seconds: int) -> datetime:
    """Return the time that a token names; for one that no datetime can hold, the last day."""
    return datetime.fromtimestamp(min(seconds, _END_OF_TIME), UTC)


def check_times(claims: Mapping[str, Any], now: float) -> int:
    """Raise ``BadToken`` outside the token's life (30 s leeway); return ``iat`` in seconds."""
    issued, expires = seconds(claims, "iat"), seconds(claims, "exp")
    if expires <= now - LEEWAY_SECONDS:
        raise BadToken("expired")
    if issued >= now + LEEWAY_SECONDS:
        raise BadToken("issued in the future")
    if "nbf" in claims and seconds(claims, "nbf") >= now + LEEWAY_SECONDS:
        raise BadToken("not valid yet")
    return int(issued)


def check_qsh(claims: Mapping[str, Any], expected: str) -> None:
    """Raise ``BadToken`` unless the token is bound to this request."""
    found = claims.get("qsh")
    if not isinstance(found, str) or not found.isascii():
        raise BadToken("qsh")
    if not hmac.compare_digest(found, expected):
        raise BadToken("qsh")


def audience(claims: Mapping[str, Any], ours: frozenset[str]) -> str:
    """Return the one of our URLs that an element of ``aud`` equals as a whole, or raise."""
    found = claims.get("aud")
    for element in found if isinstance(found, list) else [found]:
        if isinstance(element, str) and element.rstrip("/") in ours:
            return element.rstrip("/")
    raise BadToken("aud")


def seconds(claims: Mapping[str, Any], name: str) -> float:
    """Return a time claim; raise ``BadToken`` for anything but a number of seconds."""
    value = claims.get(name)
    # a bool is an int in Python, and 1e999 is a float
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        raise BadToken(name)
    return value


def account(claims: Mapping[str, Any], name: str) -> str | None:
    """Return an account id, None for nobody; raise ``BadToken`` for what cannot be one.

    ``unknown`` stands for a deleted account and is nobody. Source: facts.md 6.
    """
    value = claims.get(name)
    if value is None or value == "unknown":
        return None
    if not isinstance(value, str) or not 0 < len(value) <= 128 or not value.isprintable():
        raise BadToken(name)
    return value


def _is_hmac(claimed: Unverified, key: bytes) -> bool:
    # a public key is known to everybody, and no secret looks like one
    if not key or b"-----BEGIN" in key:
        return False
    return hmac.compare_digest(hmac.digest(key, claimed.signed, "sha256"), claimed.signature)


def _is_rsa(claimed: Unverified, key: Any) -> bool:
    try:
        public = _RS256.prepare_key(key)
    except (jwt.PyJWTError, ValueError, TypeError):
        return False
    if not isinstance(public, RSAPublicKey):
        return False
    return _RS256.verify(claimed.signed, public, claimed.signature)


def _object(part: str) -> dict[str, Any]:
    try:
        found = _JSON.decode(_decoded(part).decode())
    except (ValueError, RecursionError):
        raise BadToken("malformed") from None
    if not isinstance(found, dict):
        raise BadToken("malformed")
    return found


def _decoded(part: str) -> bytes:
    text = part.encode().translate(_STANDARD) + b"=" * (-len(part) % 4)
    try:
        content = binascii.a2b_base64(text)
    except binascii.Error:
        raise BadToken("malformed") from None
    # canonical only: a second spelling of a signature would be a second token to replay guards
    if binascii.b2a_base64(content, newline=False) != text:
        raise BadToken("malformed")
    return content


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_number(_: str) -> NoReturn:
    raise ValueError("not a number")


_JSON = json.JSONDecoder(object_pairs_hook=_without_repeats, parse_constant=_no_number)
