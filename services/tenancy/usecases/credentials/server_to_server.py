"""The server-to-server credential: HS256 with the tenant's shared secret, bound by ``qsh``.

For ``enabled`` and ``disabled``, webhooks and residency hooks. Source: facts.md 2.3 and 3.1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.tenancy import TenantStatus
from kit.clock import Clock
from services.tenancy.domain import jwt
from services.tenancy.domain.jwt import BadToken
from services.tenancy.domain.qsh import base_path_of, query_string_hash
from services.tenancy.domain.requests import SignedRequest
from services.tenancy.domain.secret import Secret
from services.tenancy.domain.tenants import Tenant
from services.tenancy.usecases.ports import ClientKeyIndex, TenantStore, Vault

ALGORITHM = "HS256"
# one answer for an unknown issuer and a bad signature: nobody learns who is a tenant
_NOT_PROVED = "signature"


@dataclass(frozen=True)
class TenantCall:
    """A call of this tenant's Jira site."""

    tenant: str
    status: TenantStatus
    issuer: str
    issued_at: int
    digest: str


class ServerToServer:
    """Verifier of this credential kind, and of no other."""

    def __init__(
        self,
        tenants: TenantStore,
        vault: Vault,
        index: ClientKeyIndex,
        base_url: str,
        clock: Clock,
    ) -> None:
        self._tenants = tenants
        self._vault = vault
        self._index = index
        self._base_path = base_path_of(base_url)
        self._clock = clock

    async def verify(self, request: SignedRequest) -> TenantCall:
        """Return the call; raise ``BadToken`` (401). The tenant's status is the route's matter."""
        token = request.token("JWT")
        if token is None:
            raise BadToken("no token")
        claimed = jwt.read_unverified(token, ALGORITHM)
        tenant = await self._tenants.by_client_key(self._index.hash(claimed.issuer))
        if tenant is None:
            raise BadToken(_NOT_PROVED)
        claims = _signed_by_any(claimed, await self._secrets(tenant))
        issued_at = jwt.check_times(claims, self._clock.now().timestamp())
        expected = query_string_hash(request.method, request.target, self._base_path)
        jwt.check_qsh(claims, expected)
        return TenantCall(tenant.id, tenant.status, claimed.issuer, issued_at, jwt.digest(token))

    async def _secrets(self, tenant: Tenant) -> list[Secret]:
        install = tenant.install
        known = install.secrets(self._clock.now()) if install is not None else ()
        return [await self._vault.open(s.sealed, s.place(tenant.id)) for s in known]


def _signed_by_any(claimed: jwt.Unverified, secrets: Sequence[Secret]) -> Mapping[str, Any]:
    for secret in secrets:
        try:
            return jwt.verified_claims(claimed, secret.reveal())
        except BadToken:
            continue
    raise BadToken(_NOT_PROVED)
