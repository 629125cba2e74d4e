"""Segment's tracking API, ``POST {base}/v1/batch``. Source: facts.md section 2.

A 200 proves nothing about single events, so everything it may dislike is checked before sending:
size here and in ``usecases.delivery``; type, name, identity and id by construction.
"""

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta

import orjson

from contracts.telemetry import AnonymousEvent, ProcessorName
from kit.clock import Clock
from services.telemetry.adapters.processors.http import Endpoint, Reply, by_status
from services.telemetry.adapters.processors.rendering import known_as, properties
from services.telemetry.domain.answers import Accepted, Answer, Retry
from services.telemetry.usecases.delivery import Limits, Prepared
from services.telemetry.usecases.preview import WireRequest

_ENVELOPE_BYTES = 100
# the vendor's KB may be 1000 or 1024 bytes: the smaller one is safe
LIMITS = Limits(events=2500, request_bytes=500_000 - _ENVELOPE_BYTES, event_bytes=32_000)


class Segment:
    """Implements ``usecases.delivery.Processor``."""

    name = ProcessorName.SEGMENT
    limits = LIMITS
    remembers = timedelta(days=1)
    """For so long it knows a ``messageId`` again."""

    def __init__(self, url: str, write_key: str, clock: Clock) -> None:
        self._credentials = base64.b64encode(f"{write_key}:".encode()).decode()
        self._endpoint = Endpoint(url, {"authorization": f"Basic {self._credentials}"})
        self._clock = clock

    def prepare(self, event: AnonymousEvent) -> Prepared:
        """Render a track message. No context: its ip, userAgent and page are the classic leaks."""
        user = known_as(event)
        who = {"userId": user} if user else {"anonymousId": event.event_id}
        message = {
            "type": "track",
            "messageId": event.event_id,
            **who,
            "event": event.name,
            "timestamp": event.hour.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "properties": properties(event),
        }
        return Prepared(event.event_id, user or event.event_id, orjson.dumps(message))

    async def send(self, events: Sequence[Prepared], repeats: int) -> Answer:
        """Send one batch."""
        now = self._clock.now()
        headers = {"x-retry-count": str(repeats)} if repeats else {}
        reply = await self._endpoint.post(_batch(events, now), headers)
        return reply if isinstance(reply, Retry) else judge(reply, by_status(reply, now))

    def wire(self, events: Sequence[Prepared]) -> WireRequest:
        """Return the request that ``send`` would send."""
        return self._endpoint.wire(_batch(events, self._clock.now()), {}, self._credentials)

    async def close(self) -> None:
        """Close the connections."""
        await self._endpoint.close()


def _batch(events: Sequence[Prepared], now: datetime) -> bytes:
    """Render a request. ``sentAt`` is now: Segment corrects event times by it."""
    return b'{"batch":[%b],"sentAt":"%b"}' % (
        b",".join(event.body for event in events),
        now.isoformat(timespec="milliseconds").replace("+00:00", "Z").encode(),
    )


def judge(reply: Reply, otherwise: Answer) -> Answer:
    """Accept a 200 that says ``{"success": true}``; a portal's page is a 200, too."""
    if reply.status != 200:
        return otherwise
    try:
        content = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return otherwise
    taken = isinstance(content, dict) and content.get("success") is True
    return Accepted() if taken else otherwise
