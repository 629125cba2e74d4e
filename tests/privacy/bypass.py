"""The positive control: the same product events, sent without the anonymizer between.

There is no switch for this in what is shipped: the wiring is here, of the real adapters and the
stand-ins that they send to.
"""

import re
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from contracts.envelope import Event
from contracts.telemetry import AnonymousEvent
from contracts.topics import USAGE
from contracts.usage import ProductEvent
from kit.clock import SystemClock
from services.telemetry.adapters.processors.amplitude import Amplitude, Api
from services.telemetry.adapters.processors.segment import Segment
from services.telemetry.domain.answers import Accepted
from tests.integration.telemetry.standins import API_KEY, WRITE_KEY
from tests.privacy.scene import Scene

_EVENTS = TypeAdapter(Event[ProductEvent])
_CHUNK = 50


async def published(scene: Scene) -> Sequence[Event[ProductEvent]]:
    """Return the product events that stand in the topic, as far as they are some."""
    found = []
    for record in await scene.watch.records(scene.names.topic(USAGE), USAGE.partitions):
        try:
            found.append(_EVENTS.validate_json(record.value))
        except ValidationError:
            continue
    return found


def raw(event: Event[ProductEvent]) -> AnonymousEvent:
    """Return what looks like an anonymous event to an adapter, and is not."""
    data = event.data
    rest = data.model_dump(exclude={"name", "account_id", "url_path", "user_agent"})
    fields: dict[str, Any] = {
        "event_id": event.id,
        "name": data.name,
        "user": data.account_id,
        "hour": event.time,
        "path": data.url_path,
        "client": data.user_agent,
    }
    return AnonymousEvent.model_construct(**fields, **rest)


async def sent_raw(scene: Scene, events: Sequence[Event[ProductEvent]]) -> None:
    """Send the events as they are to both stand-ins."""
    clock, base = SystemClock(), scene.processors.url
    processors = (
        Segment(f"{base}/segment/v1/batch", WRITE_KEY, clock),
        Amplitude(f"{base}/amplitude/batch", API_KEY, Api.BATCH, clock),
    )
    for processor in processors:
        for start in range(0, len(events), _CHUNK):
            batch = [processor.prepare(raw(event)) for event in events[start : start + _CHUNK]]
            answer = await processor.send(batch, 0)
            assert isinstance(answer, Accepted), answer
        await processor.close()


def numbers_in(scene: Scene, events: Sequence[Event[ProductEvent]]) -> set[int]:
    """Return the numbers of the tokens in what a processor may be told, without the scanner."""
    texts = "\n".join(event.data.model_dump_json() for event in events).replace("-", "")
    found = re.findall(f"{scene.planter.core}([0-9a-f]{{4}})", texts)
    return {
        token.number for digits in found if (token := scene.planter.numbered(digits)) is not None
    }
