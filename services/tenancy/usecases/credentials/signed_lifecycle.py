"""The signed lifecycle credential: ``installed`` and ``uninstalled``, RS256 with an install key.

The steps are those of facts.md 2.3. The body is the route's business: it compares what the token
says with it.
"""

import re
from dataclasses import dataclass
from typing import Protocol

from kit.clock import Clock
from services.tenancy.domain import jwt
from services.tenancy.domain.jwt import BadToken
from services.tenancy.domain.qsh import base_path_of, query_string_hash
from services.tenancy.domain.requests import SignedRequest

ALGORITHM = "RS256"
# before any URL is built from it: no slash, no "..", nothing to escape
_KID = re.compile(r"(?!.*\.\.)[A-Za-z0-9._-]{1,64}")


class KeyServers(Protocol):
    """Atlassian's servers of install keys, from our configuration."""

    async def public_key(self, kid: str) -> str | None:
        """Return the PEM of an RSA key of at least 2,048 bits, None when no server has it.

        Raises ``Unavailable`` when a server that might have it cannot be asked.
        """
        ...


@dataclass(frozen=True)
class SignedCall:
    """A call that Atlassian signed for this client key."""

    issuer: str
    issued_at: int
    digest: str


class SignedLifecycle:
    """Verifier of this credential kind, and of no other."""

    def __init__(self, key_servers: KeyServers, base_urls: frozenset[str], clock: Clock) -> None:
        self._key_servers = key_servers
        self._audiences = frozenset(url.rstrip("/") for url in base_urls)
        self._clock = clock

    async def verify(self, request: SignedRequest) -> SignedCall:
        """Return the call; raise ``BadToken`` (401), or ``Unavailable`` without a key server."""
        token = request.token("JWT")
        if token is None:
            raise BadToken("no token")
        claimed = jwt.read_unverified(token, ALGORITHM)
        key = await self._key(claimed)
        claims = jwt.verified_claims(claimed, key)
        issued_at = jwt.check_times(claims, self._clock.now().timestamp())
        base_url = jwt.audience(claims, self._audiences)
        expected = query_string_hash(request.method, request.target, base_path_of(base_url))
        jwt.check_qsh(claims, expected)
        return SignedCall(claimed.issuer, issued_at, jwt.digest(token))

    async def _key(self, claimed: jwt.Unverified) -> str:
        kid = claimed.header.get("kid")
        if not isinstance(kid, str) or not _KID.fullmatch(kid):
            raise BadToken("kid")
        key = await self._key_servers.public_key(kid)
        if key is None:
            raise BadToken("unknown kid")
        return key
