"""Webhooks of Jira sites. The answer is 200 only once Kafka has what they tell.

An endpoint in front of the application (see ``kit.http.fast``): at this volume FastAPI's own
handling of a request costs more than ours. What Jira does with an answer (facts.md 5.5): it
repeats 429 and 5xx, so they stand for our own faults; 400, 401, 403 and 413 lose the event.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping

import structlog
from fastapi import Response
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from contracts.tenancy import TenantStatus
from kit.errors import Forbidden, TooLarge, TooManyRequests, Unauthenticated, Unavailable
from kit.http.fast import Endpoint, Target
from services.tenancy.api.signed import signed_request
from services.tenancy.domain.jwt import BadToken
from services.tenancy.metrics import WEBHOOKS_REFUSED
from services.tenancy.usecases.credentials.server_to_server import ServerToServer, TenantCall
from services.tenancy.usecases.webhooks import JiraChanges

log = structlog.get_logger(__name__)

PATH = "/jira/webhooks"
"""Of what the descriptor asks for."""
DYNAMIC_PATH = f"{PATH}/dynamic"
"""Of what is registered per site: Jira wants one URL for all of it."""
_IDENTIFIER = b"x-atlassian-webhook-identifier"
_BODY_SECONDS = 20
_RETRY_AFTER = 30
_TAKEN = Response()


class Room:
    """How many webhooks, and how many bytes of them, are in work at the same time.

    Whatever has no room is answered at once and comes again: a flood neither fills the memory nor
    keeps other requests, or other tenants, waiting.
    """

    def __init__(self, most: int, most_per_tenant: int, most_bytes: int) -> None:
        self._most = most
        self._most_per_tenant = most_per_tenant
        self._most_bytes = most_bytes
        self._tenants: Counter[str] = Counter()
        self._count = 0
        self._bytes = 0

    def enter(self, tenant: str) -> None:
        """Take a place; raise ``TooManyRequests`` when there is none."""
        if self._count >= self._most or self._tenants[tenant] >= self._most_per_tenant:
            raise _too_many("places")
        self._count += 1
        self._tenants[tenant] += 1

    def leave(self, tenant: str, size: int) -> None:
        """Give the place and the bytes back."""
        self._count -= 1
        self._bytes -= size
        self._tenants[tenant] -= 1
        if not self._tenants[tenant]:
            del self._tenants[tenant]

    def grow(self, size: int) -> None:
        """Take room for so many bytes; raise ``TooManyRequests`` when there is none."""
        if self._bytes + size > self._most_bytes:
            raise _too_many("bytes")
        self._bytes += size


class Receiver:
    """The endpoint: verifies the server-to-server credential, then takes the body."""

    def __init__(
        self,
        verifier: ServerToServer,
        changes: JiraChanges,
        room: Room,
        app_key: str,
        max_bytes: int,
    ) -> None:
        self._verifier = verifier
        self._changes = changes
        self._room = room
        self._app_key = app_key
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive) -> Response:
        """Serve one POST."""
        call = await self._verified(scope)
        if call.status is not TenantStatus.ACTIVE:
            WEBHOOKS_REFUSED.labels("inactive").inc()
            raise Forbidden("The app is not active on this site.")
        self._room.enter(call.tenant)
        body = bytearray()
        try:
            await self._read(receive, body)
            await self._changes.take(call.tenant, _identifier(scope), body)
        finally:
            self._room.leave(call.tenant, len(body))
        return _TAKEN

    async def _verified(self, scope: Scope) -> TenantCall:
        try:
            return await self._verifier.verify(signed_request(scope))
        except BadToken as error:
            WEBHOOKS_REFUSED.labels("credential").inc()
            log.warning("webhook refused", reason=error.reason)
            raise Unauthenticated(
                "The token of this call is missing or not valid.",
                headers={"WWW-Authenticate": f'JWT realm="{self._app_key}"'},
            ) from None

    async def _read(self, receive: Receive, body: bytearray) -> None:
        """Read the body into ``body``, whose length is what the room has given for it."""
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                while await self._piece(receive, body):
                    pass
        except TimeoutError:
            WEBHOOKS_REFUSED.labels("slow").inc()
            raise Unavailable("The body did not arrive in time; try again.") from None

    async def _piece(self, receive: Receive, body: bytearray) -> bool:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        piece: bytes = message.get("body", b"")
        if len(body) + len(piece) > self._max_bytes:
            WEBHOOKS_REFUSED.labels("size").inc()
            raise TooLarge(f"The body may have up to {self._max_bytes} bytes.")
        self._room.grow(len(piece))
        body += piece
        return bool(message.get("more_body", False))


def endpoints(receiver: Receiver) -> Mapping[Target, Endpoint]:
    """Return the endpoint by what it answers."""
    return {("POST", PATH): receiver, ("POST", DYNAMIC_PATH): receiver}


def _identifier(scope: Scope) -> str | None:
    found = [value for name, value in scope["headers"] if name == _IDENTIFIER]
    return found[-1].decode("latin-1") if found else None


def _too_many(what: str) -> TooManyRequests:
    WEBHOOKS_REFUSED.labels(what).inc()
    return TooManyRequests("Too many webhooks at the same time.", retry_after=_RETRY_AFTER)
