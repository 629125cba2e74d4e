"""What happens to each request whose token passed verification: noted, and counted."""

from dataclasses import dataclass

from kit.auth.api_tokens import VerifiedToken
from kit.auth.limits import Quota, RateLimiter
from kit.auth.use import TokenUses


@dataclass(frozen=True)
class TokenGuard:
    """Both, for one process."""

    uses: TokenUses
    limiter: RateLimiter

    async def admit(self, caller: VerifiedToken) -> Quota:
        """Let the request pass; raise ``OverLimit`` (429) when its token has no permit left."""
        self.uses.note(caller.principal)
        return await self.limiter.admit(caller.principal, caller.requests_per_minute)
