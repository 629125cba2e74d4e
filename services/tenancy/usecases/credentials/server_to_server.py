"""The server-to-server credential: HS256 with the tenant's shared secret, bound by ``qsh``.

For ``enabled`` and ``disabled``, webhooks and residency hooks. Source: facts.md 2.3 and 3.1.
"""

from dataclasses import dataclass

from contracts.tenancy import TenantStatus
from kit.clock import Clock
from services.tenancy.domain import jwt
from services.tenancy.domain.jwt import BadToken
from services.tenancy.domain.qsh import base_path_of, query_string_hash
from services.tenancy.domain.requests import SignedRequest
from services.tenancy.usecases.credentials.tenant_secrets import TenantSecrets


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

    def __init__(self, secrets: TenantSecrets, base_url: str, clock: Clock) -> None:
        self._secrets = secrets
        self._base_path = base_path_of(base_url)
        self._clock = clock

    async def verify(self, request: SignedRequest) -> TenantCall:
        """Return the call; raise ``BadToken`` (401). The tenant's status is the route's matter."""
        token = request.token("JWT")
        if token is None:
            raise BadToken("no token")
        proved = await self._secrets.prove(token)
        issued_at = jwt.check_times(proved.claims, self._clock.now().timestamp())
        expected = query_string_hash(request.method, request.target, self._base_path)
        jwt.check_qsh(proved.claims, expected)
        tenant = proved.tenant
        return TenantCall(tenant.id, proved.status, proved.issuer, issued_at, jwt.digest(token))
