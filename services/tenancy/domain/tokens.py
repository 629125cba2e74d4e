"""API tokens: what may be asked for, and what their claims say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from contracts.tenancy import TokenRevocation
from kit.auth.api_tokens import ISSUER
from kit.auth.principal import Scope
from kit.errors import InvalidInput

MAX_LIFE = timedelta(days=365)
MAX_NAME = 255
MAX_REQUESTS_PER_MINUTE = 100_000_000


@dataclass(frozen=True)
class ApiToken:
    """The record of a token. Its text is shown once and never stored."""

    tenant: str
    id: str
    name: str
    account_id: str | None
    scopes: frozenset[Scope]
    projects: tuple[int, ...] | None
    """Project ids it is limited to; None means all."""
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    requests_per_minute: int | None = None
    """Its own limit for each service, where that is below the service's."""
    last_used_at: datetime | None = None
    """To the minute or so: services tell of one use a minute."""
    rev: int = 0

    def revocation(self) -> TokenRevocation | None:
        """Return what the other services must know, None unless it is revoked."""
        if self.revoked_at is None:
            return None
        return TokenRevocation(
            token_id=self.id, revoked_at=self.revoked_at, expires_at=self.expires_at
        )

    def claims(self, *, subject: str, base_url: str, cell: str) -> dict[str, Any]:
        """Return the claims, in the vendor's shape with ours under ``ostro``.

        ``subject`` is Jira's client key, or the tenant id without Jira. Source: behaviour.md 1.
        """
        user = {"tokenId": self.id}
        if self.account_id is not None:
            user["accountId"] = self.account_id
        ours: dict[str, Any] = {
            "tenant": self.tenant,
            "cell": cell,
            "scopes": sorted(self.scopes),
            "projects": None if self.projects is None else list(self.projects),
        }
        if self.requests_per_minute is not None:
            ours["requestsPerMinute"] = self.requests_per_minute
        return {
            "iss": ISSUER,
            "sub": subject,
            "iat": int(self.created_at.timestamp()),
            "exp": int(self.expires_at.timestamp()),
            "jti": self.id,
            "context": {"baseUrl": base_url, "user": user},
            "ostro": ours,
        }


def checked_request(
    name: str,
    scopes: Sequence[Scope],
    life: timedelta,
    *,
    limited: bool,
    requests_per_minute: int | None = None,
) -> None:
    """Raise ``InvalidInput`` for a token that is not given out."""
    if not name.strip() or len(name) > MAX_NAME:
        raise InvalidInput(f"name must have 1 to {MAX_NAME} characters and not be blank")
    if not scopes:
        raise InvalidInput("scopes must name at least one scope")
    if limited and Scope.ADMIN in scopes:
        raise InvalidInput("A token with the scope admin cannot be limited to projects.")
    if not timedelta(seconds=1) <= life <= MAX_LIFE:
        raise InvalidInput(f"A token may live up to {MAX_LIFE.days} days.")
    if requests_per_minute is not None and not 1 <= requests_per_minute <= MAX_REQUESTS_PER_MINUTE:
        raise InvalidInput(f"requestsPerMinute must be 1 to {MAX_REQUESTS_PER_MINUTE}")
