"""Product events of what no document tells, such as an export.

Whatever changes a document tells its event in the same write, by the outbox. Here a broker that
does not answer costs the event, not the request.
"""

import asyncio
from typing import Any

from starlette.requests import Request

from contracts.envelope import Event
from contracts.topics import USAGE
from contracts.usage import ProductEvent, UsageEventName
from kit.auth.principal import Principal
from kit.errors import Unavailable
from kit.kafka.records import outgoing
from kit.observability.metrics import LOST_USAGE
from kit.service import Runtime
from kit.version import VERSION

_PATIENCE_SECONDS = 2.0


class UsageReporter:
    """Tells telemetry what somebody did by a request."""

    def __init__(self, runtime: Runtime[Any]) -> None:
        self._runtime = runtime

    async def tell(
        self, request: Request, who: Principal, name: UsageEventName, project: int | None = None
    ) -> None:
        """Publish the event; one that the broker does not take in two seconds is counted."""
        runtime = self._runtime
        event = Event[ProductEvent](
            id=runtime.ids.uuid7(),
            source=f"ostro/{runtime.service}",
            type=USAGE.type,
            subject=who.tenant,
            time=runtime.clock.now(),
            tenantid=who.tenant,
            data=ProductEvent(
                name=name.value,
                account_id=who.account_id,
                url_path=request.url.path,
                user_agent=request.headers.get("user-agent"),
                app_version=VERSION,
                project=project,
            ),
        )
        record = outgoing(runtime.names.topic(USAGE), who.tenant, event)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await runtime.publisher.send([record])
        except (Unavailable, TimeoutError):
            LOST_USAGE.inc()
