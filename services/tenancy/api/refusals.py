"""One line in the log for each signed call that was verified and then refused.

Our own messages are the reasons; nothing of a body is in them.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from kit.errors import OstroError

Tell = Callable[[str | None, str], None]
"""Gets the tenant, if it is known, and the reason."""


@contextlib.asynccontextmanager
async def refusals_told(
    tell: Tell, tenant_of: Callable[[], Awaitable[str | None]]
) -> AsyncIterator[None]:
    """Tell of an error that ends the block; ``tenant_of`` is asked only then."""
    try:
        yield
    except OstroError as error:
        tenant = None
        with contextlib.suppress(OstroError):
            tenant = await tenant_of()
        tell(tenant, error.message.removesuffix("."))
        raise
