"""Forge calls that change something are acted on once: a token's id is kept until it expires.

Forge's tokens are bound to no request, so whoever sees one could send it again. Source:
facts.md 10.1.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol

import structlog

from services.tenancy.domain.jwt import LEEWAY_SECONDS, instant
from services.tenancy.usecases.credentials.forge_invocation import ForgeCall

log = structlog.get_logger(__name__)

_CLOCKS_DIFFER_SECONDS = 60
"""Rows leave by MongoDB's clock, and tokens expire by ours."""


class SeenTokens(Protocol):
    """Ids of tokens that were acted on, each kept longer than the token would be accepted."""

    async def has(self, tenant: str, token: str) -> bool:
        """Whether the token was acted on."""
        ...

    async def keep(self, tenant: str, token: str, until: datetime) -> bool:
        """Remember it; return whether it is new. Of many at the same time it is new to one."""
        ...


class ActOnce:
    """Tells a repeated call from the first one."""

    def __init__(self, seen: SeenTokens) -> None:
        self._seen = seen

    async def act(
        self, call: ForgeCall, tenant: str | None, action: Callable[[], Awaitable[str | None]]
    ) -> bool:
        """Do the action unless this token was acted on; return whether it was done.

        A repeat is answered as the first one was, and changes nothing. ``tenant`` is whose
        installation it is, None when nobody's yet; the action returns whose it is afterwards. The
        token counts as used only after the action: one that failed (503) is done again when Forge
        repeats it, so the action must be idempotent. Others have ``claim``.
        """
        if tenant is not None and await self._seen.has(tenant, _name(call)):
            log.info("repeated Forge call dropped", tenant=tenant)
            return False
        owner = await action()
        if owner is not None:
            await self._seen.keep(owner, _name(call), _until(call))
        return True

    async def claim(self, call: ForgeCall, tenant: str) -> bool:
        """Count the token as used; return whether this call is the first with it.

        For an action that must not be done twice, not even by calls that race. One that fails is
        not done again: a page gets a new token for its next call.
        """
        return await self._seen.keep(tenant, _name(call), _until(call))


def _name(call: ForgeCall) -> str:
    # a token without an id is told from others by its text
    return call.jti if call.jti is not None else call.digest


def _until(call: ForgeCall) -> datetime:
    return instant(call.expires_at + LEEWAY_SECONDS + _CLOCKS_DIFFER_SECONDS)
