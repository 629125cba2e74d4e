"""From anonymous events to Segment and Amplitude: one consumer group per processor."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

from contracts.telemetry import AnonymousEvent
from kit.service import Group, Role
from services.telemetry.adapters.processors.amplitude import Amplitude
from services.telemetry.adapters.processors.segment import Segment
from services.telemetry.composition.hosts import events_address
from services.telemetry.composition.piece import Common, Piece
from services.telemetry.consumers.age import aged
from services.telemetry.consumers.anonymous import AnonymousEvents
from services.telemetry.settings import secret_or_none
from services.telemetry.usecases.delivery import Delivery
from services.telemetry.usecases.pace import Backoff, LoopPace

MAX_RECORDS = 6_000
"""Several requests of a processor, so that one is rendered while another is on its way."""

log = structlog.get_logger(__name__)


async def build(common: Common) -> Piece:
    """Wire those that are configured; the events of the others wait in the topic."""
    if not common.runtime.role.includes(Role.CONSUMER):
        return Piece()
    groups: dict[str, Group] = {}
    closers: list[Callable[[], Awaitable[None]]] = []
    for processor in configured(common):
        clock = common.runtime.clock
        events = AnonymousEvents(_delivery(common, processor), processor.remembers, clock)
        handler = aged(events.handle, processor.name, clock)
        groups[processor.name.group] = Group(handler, MAX_RECORDS)
        closers.append(processor.close)
    for name in {Segment.name, Amplitude.name}:
        if name.group not in groups:
            log.info("processor not configured", processor=name.value)
    return Piece(groups=groups, closers=closers)


def configured(common: Common) -> list[Segment | Amplitude]:
    """Return the processors that have an address and a key."""
    settings, clock = common.runtime.settings, common.runtime.clock
    found: list[Segment | Amplitude] = []
    write_key = secret_or_none(settings.segment_write_key_file)
    segment_url = events_address(settings, "segment")
    if segment_url is not None and write_key is not None:
        found.append(Segment(segment_url + settings.segment_path, write_key, clock))
    api_key = secret_or_none(settings.amplitude_api_key_file)
    amplitude_url = events_address(settings, "amplitude")
    if amplitude_url is not None and api_key is not None:
        api, throttle = settings.amplitude_api, settings.amplitude_throttle_seconds
        path = settings.amplitude_path or api.path
        found.append(Amplitude(amplitude_url + path, api_key, api, clock, throttle))
    return found


def _delivery(common: Common, processor: Segment | Amplitude) -> Delivery[AnonymousEvent]:
    runtime, group = common.runtime, processor.name.group
    return Delivery(
        processor,
        common.gate,
        LoopPace(runtime.stopping, asyncio.get_running_loop().time),
        Backoff(random.random),
        lambda reason: runtime.health.stuck(group, reason),
    )
