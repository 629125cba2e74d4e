"""The credential of a page that Jira shows in a frame: ``?jwt=``, HS256, bound by ``qsh``.

Source: facts.md 0 and 3.1. The token stands in a URL, so it opens pages and nothing else: the
page's own calls carry a context token.
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
class PageCall:
    """A page that this tenant's Jira site opens for somebody."""

    tenant: str
    status: TenantStatus
    site_url: str | None
    account_id: str | None
    """Who looks at it; None for somebody who is not logged in."""
    issued_at: int
    digest: str


class Iframe:
    """Verifier of this credential kind, and of no other."""

    def __init__(self, secrets: TenantSecrets, base_url: str, clock: Clock) -> None:
        self._secrets = secrets
        self._base_path = base_path_of(base_url)
        self._clock = clock

    async def verify(self, request: SignedRequest) -> PageCall:
        """Return the call; raise ``BadToken`` (401). The tenant's status is the route's matter."""
        # a browser loads a page with GET; a webhook's token is for another method
        if request.method != "GET":
            raise BadToken("method")
        token = request.query_token()
        if token is None:
            raise BadToken("no token")
        proved = await self._secrets.prove(token)
        issued_at = jwt.check_times(proved.claims, self._clock.now().timestamp())
        expected = query_string_hash(request.method, request.target, self._base_path)
        jwt.check_qsh(proved.claims, expected)
        tenant = proved.tenant
        account = jwt.account(proved.claims, "sub")
        return PageCall(
            tenant.id, proved.status, tenant.site_url, account, issued_at, jwt.digest(token)
        )
