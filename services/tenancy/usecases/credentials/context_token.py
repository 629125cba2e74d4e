"""The credential of our own pages in the browser: HS256, ``qsh`` literally ``context-qsh``.

Pages get it from ``AP.context.getToken()``; it lives for 15 minutes and is bound to no request, so
it is good for the app's own browser API only. Source: facts.md 0 and 3.2.
"""

from dataclasses import dataclass

from contracts.tenancy import TenantStatus
from kit.clock import Clock
from services.tenancy.domain import jwt
from services.tenancy.domain.jwt import BadToken
from services.tenancy.domain.qsh import CONTEXT_QSH
from services.tenancy.domain.requests import SignedRequest
from services.tenancy.usecases.credentials.tenant_secrets import TenantSecrets


@dataclass(frozen=True)
class BrowserCall:
    """A call of somebody's browser inside this tenant's Jira site."""

    tenant: str
    status: TenantStatus
    account_id: str | None
    """Who it is; None for somebody who is not logged in."""
    issued_at: int
    digest: str


class ContextToken:
    """Verifier of this credential kind, and of no other."""

    def __init__(self, secrets: TenantSecrets, clock: Clock) -> None:
        self._secrets = secrets
        self._clock = clock

    async def verify(self, request: SignedRequest) -> BrowserCall:
        """Return the call; raise ``BadToken`` (401). The tenant's status is the route's matter."""
        token = request.token("JWT")
        if token is None:
            raise BadToken("no token")
        proved = await self._secrets.prove(token)
        issued_at = jwt.check_times(proved.claims, self._clock.now().timestamp())
        jwt.check_qsh(proved.claims, CONTEXT_QSH)
        account = jwt.account(proved.claims, "sub")
        tenant = proved.tenant
        return BrowserCall(tenant.id, proved.status, account, issued_at, jwt.digest(token))
