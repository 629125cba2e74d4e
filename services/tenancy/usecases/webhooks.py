"""Taking what Jira tells: the body of a webhook becomes an event with ids only, in Kafka.

Nothing is written to MongoDB on the way. A delivery that comes again, from Jira's retry, from the
sweep of failed ones or because an answer got lost, gets the same event id.
"""

import hashlib
from typing import Protocol

import orjson

from contracts.jira import JiraChange
from kit.clock import Clock
from kit.errors import InvalidInput
from kit.ids import stable_uuid
from services.tenancy.domain.webhooks import Dropped, minimise
from services.tenancy.metrics import WEBHOOKS

_PUBLISHED = WEBHOOKS.labels("published")


class ChangeSink(Protocol):
    """Where changes go."""

    async def publish(self, tenant: str, event_id: str, change: JiraChange) -> None:
        """Return once every replica has the event; raise ``Unavailable``."""
        ...


class JiraChanges:
    """Minimises and publishes deliveries of verified sites."""

    def __init__(self, sink: ChangeSink, clock: Clock) -> None:
        self._sink = sink
        self._clock = clock

    async def take(self, tenant: str, identifier: str | None, body: bytes | bytearray) -> None:
        """Publish what a delivery tells; what is of no use is counted and forgotten.

        ``identifier`` is Jira's name of the delivery, the same over its retries. Raises
        ``InvalidInput`` for a body that is no JSON (Jira does not send it again, nor would it be
        better then) and ``Unavailable`` when Kafka does not have the event.
        """
        # what was parsed is many times the body and does not wait for Kafka
        change = minimise(_parsed(body), self._clock.now())
        if isinstance(change, Dropped):
            WEBHOOKS.labels(change.value).inc()
            return
        name = identifier or hashlib.sha256(body).hexdigest()
        await self._sink.publish(tenant, stable_uuid(tenant, name), change)
        _PUBLISHED.inc()


def _parsed(body: bytes | bytearray) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        # its own text would quote the body
        raise InvalidInput("The request body is not valid JSON.") from None
