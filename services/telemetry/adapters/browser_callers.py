"""Who holds a context token: tenancy says, because it alone has the secrets of Jira sites."""

import asyncio
import hashlib
from collections import OrderedDict

from contracts.internal import CONTEXT_TOKEN_HEADER, BrowserCallAnswer
from kit.errors import Forbidden, NotFound
from kit.http.client import InternalClient
from services.telemetry.usecases.browser_events import BrowserCaller

_FRESH_SECONDS = 30.0
_CACHED = 10_000


class BrowserCallers:
    """Answers are kept for half a minute by the token's digest; the token itself is not kept.

    A tenant that left is refused sooner: its state is asked of the directory with each request.
    """

    def __init__(self, tenancy: InternalClient) -> None:
        self._tenancy = tenancy
        self._known: OrderedDict[bytes, tuple[float, BrowserCaller]] = OrderedDict()

    async def of(self, token: str) -> BrowserCaller | None:
        """Return the caller, None when the token proves nothing.

        Raises ``Forbidden`` for a site where the app is not active, ``Unavailable``.
        """
        digest = hashlib.sha256(token.encode()).digest()
        now = asyncio.get_running_loop().time()
        known = self._known.get(digest)
        if known is not None and known[0] > now:
            return known[1]
        try:
            answer = await self._tenancy.get(
                "/internal/v1/browser-call",
                BrowserCallAnswer,
                headers={CONTEXT_TOKEN_HEADER: token},
            )
        except NotFound:
            return None
        if not answer.active:
            raise Forbidden("The app is not active on this site.")
        caller = BrowserCaller(answer.tenant, answer.account_id)
        self._known[digest] = now + _FRESH_SECONDS, caller
        self._known.move_to_end(digest)
        while len(self._known) > _CACHED:
            self._known.popitem(last=False)
        return caller
