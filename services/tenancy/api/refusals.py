"""One line in the log for each signed call that was verified and then refused.

Our own messages are the reasons; nothing of a body is in them.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog

from kit.errors import OstroError

log = structlog.get_logger(__name__)


@contextlib.asynccontextmanager
async def refusal_logged(
    event: str, hook: str, tenant_of: Callable[[], Awaitable[str | None]]
) -> AsyncIterator[None]:
    """Log what ends the block with an error; ``tenant_of`` is asked only then."""
    try:
        yield
    except OstroError as error:
        tenant = None
        with contextlib.suppress(OstroError):
            tenant = await tenant_of()
        reason = error.message.removesuffix(".")
        log.warning(event, hook=hook, tenant=tenant, status=error.status, reason=reason)
        raise
