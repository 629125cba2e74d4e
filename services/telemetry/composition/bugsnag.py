"""From diagnostics to anonymous ones, and from those to BugSnag: two consumer groups."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from contracts.diagnostics import AnonymousDiagnostic
from contracts.telemetry import ProcessorName
from kit.service import Group, Role
from services.telemetry.adapters.diagnostic_topic import DiagnosticTopic
from services.telemetry.adapters.mongo.sent import MongoSent
from services.telemetry.adapters.processors.bugsnag import BUGSNAG, addresses
from services.telemetry.composition.piece import Common, Piece
from services.telemetry.consumers import diagnostics
from services.telemetry.consumers.age import aged
from services.telemetry.consumers.diagnostics import AnonymousDiagnostics, Diagnostics
from services.telemetry.domain.diagnostics import Kind
from services.telemetry.settings import secret_or_none
from services.telemetry.usecases.delivery import Delivery
from services.telemetry.usecases.diagnosing import Diagnosing, DiagnosticGate
from services.telemetry.usecases.once import Once
from services.telemetry.usecases.pace import Backoff, LoopPace

log = structlog.get_logger(__name__)

_GROUP = ProcessorName.BUGSNAG.group


async def build(common: Common) -> Piece:
    """Wire the anonymizer of diagnostics always, BugSnag when it has a key."""
    runtime = common.runtime
    if not runtime.role.includes(Role.CONSUMER):
        return Piece()
    outlet = DiagnosticTopic(runtime.publisher, runtime.names)
    diagnosing = Diagnosing(common.keys, common.handles, common.directory, outlet, runtime.clock)
    groups = {diagnostics.GROUP: Group(Diagnostics(diagnosing).handle)}
    closers: list[Callable[[], Awaitable[None]]] = []
    key = secret_or_none(runtime.settings.bugsnag_api_key_file)
    if key is None:
        log.info("processor not configured", processor=ProcessorName.BUGSNAG.value)
    else:
        deliveries = _deliveries(common, key, closers)
        handler = AnonymousDiagnostics(deliveries).handle
        groups[_GROUP] = Group(aged(handler, ProcessorName.BUGSNAG, runtime.clock))
    return Piece(groups=groups, closers=closers)


def _deliveries(
    common: Common, key: str, closers: list[Callable[[], Awaitable[None]]]
) -> dict[Kind, Delivery[AnonymousDiagnostic]]:
    runtime, settings = common.runtime, common.runtime.settings
    where = addresses(
        key,
        *(
            None if url is None else str(url)
            for url in (
                settings.bugsnag_notify_url,
                settings.bugsnag_sessions_url,
                settings.bugsnag_traces_url,
            )
        ),
    )
    urls = {Kind.ERROR: where.notify, Kind.STARTS: where.sessions}
    if settings.bugsnag_spans:
        urls[Kind.SPAN] = where.traces
    gate = DiagnosticGate(
        common.handles, common.consents, common.directory, own_errors=settings.bugsnag_own_errors
    )
    sent = MongoSent(runtime.database, runtime.clock)
    pace = LoopPace(runtime.stopping, asyncio.get_running_loop().time)
    found: dict[Kind, Delivery[AnonymousDiagnostic]] = {}
    for kind, url in urls.items():
        processor = BUGSNAG[kind](url, key, settings.bugsnag_release_stage, runtime.clock)
        closers.append(processor.close)
        alarm = partial(runtime.health.stuck, f"{_GROUP} {kind.value}")
        found[kind] = Delivery(Once(processor, sent), gate, pace, Backoff(random.random), alarm)
    return found
