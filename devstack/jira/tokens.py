"""Making JSON Web Tokens, good and bad ones.

The encoder is our own: a library refuses what an attacker sends (a public key as an HMAC key,
unknown critical headers), and the stand-in has to send exactly that.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

Claims = Mapping[str, Any]
Signer = Callable[[bytes], bytes]

LIFETIME_SECONDS = 180  # facts.md 3.1: exp is usually iat + 3 minutes


def _segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def encode(header: Mapping[str, Any], claims: Claims, sign: Signer) -> str:
    """Compact serialisation; the header is written as given."""
    signing_input = f"{_segment(_json(header))}.{_segment(_json(claims))}"
    return f"{signing_input}.{_segment(sign(signing_input.encode()))}"


def hmac_signer(key: str, algorithm: str = "HS256") -> Signer:
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[algorithm]
    return lambda data: hmac.new(key.encode(), data, digest).digest()


def rsa_signer(key: RSAPrivateKey, algorithm: str = "RS256") -> Signer:
    digests = {"RS256": hashes.SHA256(), "RS384": hashes.SHA384(), "RS512": hashes.SHA512()}
    digest = digests[algorithm]
    return lambda data: key.sign(data, padding.PKCS1v15(), digest)


def no_signature(_data: bytes) -> bytes:
    return b""


def hs256(claims: Claims, shared_secret: str) -> str:
    """A token as Jira signs it for a tenant: the key is the secret's UTF-8 bytes as they stand."""
    return encode({"typ": "JWT", "alg": "HS256"}, claims, hmac_signer(shared_secret))


def rs256(claims: Claims, key: RSAPrivateKey, kid: str) -> str:
    """A signed-install token; `kid` names the key at the install-keys server."""
    return encode({"typ": "JWT", "alg": "RS256", "kid": kid}, claims, rsa_signer(key))
