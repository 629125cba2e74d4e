"""Forge calls that change something are acted on once: a token's id is kept until it expires.

Forge's tokens are bound to no request, so whoever sees one could send it again. Source:
facts.md 10.1.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol

import structlog

from services.tenancy.domain.jwt import LEEWAY_SECONDS
from services.tenancy.usecases.credentials.forge_invocation import ForgeCall

log = structlog.get_logger(__name__)

_END_OF_TIME = 253_402_300_000
"""The last day that a datetime can name, in seconds: a token may claim any."""


class SeenTokens(Protocol):
    """Ids of tokens that were acted on, each kept for as long as the token would be accepted."""

    async def has(self, tenant: str, token: str) -> bool:
        """Whether the token was acted on."""
        ...

    async def keep(self, tenant: str, token: str, until: datetime) -> None:
        """Remember it; again changes nothing."""
        ...


class ActOnce:
    """Answers a repeated call as the first one was answered, and changes nothing."""

    def __init__(self, seen: SeenTokens) -> None:
        self._seen = seen

    async def act(
        self, call: ForgeCall, tenant: str | None, action: Callable[[], Awaitable[str | None]]
    ) -> bool:
        """Do the action unless this token was acted on; return whether it was done.

        ``tenant`` is whose installation it is, None when nobody's yet; the action returns whose
        it is afterwards. The token counts as used only after the action: one that failed (503)
        is done again when Forge repeats it, so the action must be idempotent.
        """
        # a token without an id is told from others by its text
        token = call.jti if call.jti is not None else call.digest
        if tenant is not None and await self._seen.has(tenant, token):
            log.info("repeated Forge call dropped", tenant=tenant)
            return False
        owner = await action()
        if owner is not None:
            until = min(call.expires_at + LEEWAY_SECONDS, _END_OF_TIME)
            await self._seen.keep(owner, token, datetime.fromtimestamp(until, UTC))
        return True
