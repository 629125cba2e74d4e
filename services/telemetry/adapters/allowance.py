"""Limits of what browsers send, counted over all processes by ``kit.auth.limits``."""

from kit.auth.limits import OverLimit, RateLimiter
from kit.auth.principal import Principal
from kit.errors import TooManyRequests

_ALL = "browsers"


class BrowserAllowance:
    """Implements ``usecases.browser_events.Allowance``."""

    def __init__(self, limiter: RateLimiter, one: int, all_of_tenant: int) -> None:
        self._limiter = limiter
        self._one = one
        self._all = all_of_tenant

    async def take(self, tenant: str, browser: str) -> None:
        """Count a request of one browser, then of all browsers of the tenant."""
        await self._take(tenant, f"{_ALL}/{browser}", self._one, "A browser")
        await self._take(tenant, _ALL, self._all, "The browsers of a site")

    async def _take(self, tenant: str, holder: str, limit: int, who: str) -> None:
        try:
            await self._limiter.admit(Principal(tenant, None, holder, frozenset()), limit)
        except OverLimit as refusal:
            raise TooManyRequests(
                f"{who} may send {limit} times a minute.", retry_after=refusal.quota.reset
            ) from None
