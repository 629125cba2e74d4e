"""Amplitude: ``POST {base}/batch`` or ``{base}/2/httpapi``. Source: facts.md section 1."""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum

import orjson

from contracts.telemetry import AnonymousEvent, ProcessorName
from kit.clock import Clock
from services.telemetry.adapters.processors.amplitude_answers import judge
from services.telemetry.adapters.processors.http import Endpoint, by_status
from services.telemetry.adapters.processors.rendering import known_as, properties
from services.telemetry.domain.answers import Answer, Retry
from services.telemetry.usecases.delivery import Limits, Prepared
from services.telemetry.usecases.preview import WireRequest

_ENVELOPE_BYTES = 1_000


class Api(StrEnum):
    """Which of the two; both deduplicate by ``insert_id`` for seven days."""

    BATCH = "batch"
    HTTP = "http"

    @property
    def path(self) -> str:
        """Path below the base URL."""
        return "/batch" if self is Api.BATCH else "/2/httpapi"

    @property
    def limits(self) -> Limits:
        """Fewer than 2,000 events and 1 MB, or 2,000 and 20 MB; strings are all short."""
        if self is Api.BATCH:
            return Limits(2_000, 20_000_000 - _ENVELOPE_BYTES, 1_000_000)
        return Limits(1_999, 1_000_000 - _ENVELOPE_BYTES, 1_000_000 - _ENVELOPE_BYTES)

    @property
    def throttle_seconds(self) -> float:
        """How long to leave a user alone who sends too fast; there is no Retry-After."""
        return 15.0 if self is Api.BATCH else 30.0


class Amplitude:
    """Implements ``usecases.delivery.Processor``."""

    name = ProcessorName.AMPLITUDE
    remembers = timedelta(days=7)
    """For so long it knows an ``insert_id`` again."""

    def __init__(
        self, url: str, api_key: str, api: Api, clock: Clock, throttle: float | None = None
    ) -> None:
        self.limits = api.limits
        self._throttle = api.throttle_seconds if throttle is None else throttle
        self._api_key = api_key
        self._prefix = orjson.dumps({"api_key": api_key})[:-1] + b',"events":['
        self._endpoint = Endpoint(url, {})
        self._clock = clock

    def prepare(self, event: AnonymousEvent) -> Prepared:
        """Render an event; no ip, and ``user_id`` rather than ``device_id``: it can be erased."""
        user = known_as(event)
        who = {"user_id": user} if user else {"device_id": event.event_id}
        content = {
            **who,
            "event_type": event.name,
            "time": int(event.hour.timestamp() * 1000),
            "insert_id": event.event_id,
            "event_properties": properties(event),
            "$skip_user_properties_sync": True,
        }
        return Prepared(event.event_id, user or event.event_id, orjson.dumps(content))

    async def send(self, events: Sequence[Prepared], repeats: int) -> Answer:  # noqa: ARG002  Amplitude wants no count
        """Send one request."""
        reply = await self._endpoint.post(self._body(events), {})
        if isinstance(reply, Retry):
            return reply
        identities = [event.identity for event in events]
        return judge(reply, identities, self._throttle, by_status(reply, self._clock.now()))

    def wire(self, events: Sequence[Prepared]) -> WireRequest:
        """Return the request that ``send`` would send."""
        return self._endpoint.wire(self._body(events), {}, self._api_key)

    def _body(self, events: Sequence[Prepared]) -> bytes:
        return self._prefix + b",".join(event.body for event in events) + b"]}"

    async def close(self) -> None:
        """Close the connections."""
        await self._endpoint.close()
