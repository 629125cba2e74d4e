"""Composition root of telemetry."""

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable, Mapping

import structlog
from pymongo import IndexModel

from kit.auth.api_tokens import ApiTokens
from kit.directory import copy as directory_copy
from kit.directory.catch_up import until_trusted
from kit.directory.copy import DirectoryCopy
from kit.http.app import internal_app, public_app
from kit.kafka.consumer import Handler
from kit.service import Group, Parts, Role, Runtime
from services.telemetry.adapters.anonymous_topic import AnonymousTopic
from services.telemetry.adapters.mongo import documents, handles
from services.telemetry.adapters.mongo.consent import MongoConsents
from services.telemetry.adapters.mongo.handles import MongoHandles
from services.telemetry.adapters.mongo.pseudonym_keys import MongoPseudonymKeys
from services.telemetry.adapters.processors.amplitude import Amplitude
from services.telemetry.adapters.processors.segment import Segment
from services.telemetry.adapters.sealing import Sealer, read_wrapping_key
from services.telemetry.api import consent as consent_api
from services.telemetry.consumers import usage
from services.telemetry.consumers.anonymous import AnonymousEvents
from services.telemetry.consumers.usage import UsageEvents
from services.telemetry.domain.processors import ProcessorName
from services.telemetry.settings import TelemetrySettings, secret_or_none
from services.telemetry.usecases.anonymizing import Anonymizing
from services.telemetry.usecases.consent import Consent
from services.telemetry.usecases.delivery import Delivery, Processor
from services.telemetry.usecases.gate import Gate
from services.telemetry.usecases.pace import Backoff, LoopPace

log = structlog.get_logger(__name__)

SERVICE = "telemetry"
INDEXES: Mapping[str, list[IndexModel]] = {
    **directory_copy.INDEXES,
    documents.TENANT_HANDLES: handles.INDEXES,
}

_DIRECTORY_GROUP = "telemetry.directory"


async def build(runtime: Runtime[TelemetrySettings]) -> Parts:
    """Wire adapters to use cases."""
    directory = DirectoryCopy(runtime.database, runtime.peers["tenancy"], runtime.clock)
    consents = MongoConsents(runtime.database)
    tokens = ApiTokens(directory, runtime.settings.cell, runtime.clock)
    groups: dict[str, Group] = {}
    closers: list[Callable[[], Awaitable[None]]] = []
    if runtime.role.includes(Role.CONSUMER):
        names = MongoHandles(runtime.database, runtime.ids)
        groups[_DIRECTORY_GROUP] = Group(directory_copy.projection(runtime.database).apply)
        groups[usage.GROUP] = Group(await _usage_events(runtime, names, directory))
        gate = Gate(names, consents, directory)
        for processor in _processors(runtime):
            delivery = _delivery(runtime, processor, gate)
            groups[processor.name.group] = Group(AnonymousEvents(delivery).handle, 1_000)
            closers.append(processor.close)
    return Parts(
        public_app(SERVICE, [consent_api.router(Consent(consents, runtime.clock))], tokens),
        internal_app(SERVICE, [], runtime.tokens, runtime.health),
        groups=groups,
        background=[until_trusted(runtime, directory)],
        closers=closers,
    )


async def _usage_events(
    runtime: Runtime[TelemetrySettings], names: MongoHandles, directory: DirectoryCopy
) -> Handler:
    sealer = Sealer(read_wrapping_key(runtime.settings.pseudonym_key_file), secrets.token_bytes)
    keys = MongoPseudonymKeys(runtime.database, sealer, secrets.token_bytes, runtime.clock)
    await keys.check()
    outlet = AnonymousTopic(runtime.publisher, runtime.names)
    return UsageEvents(Anonymizing(keys, names, directory, outlet, runtime.clock)).handle


def _processors(runtime: Runtime[TelemetrySettings]) -> list[Segment | Amplitude]:
    settings = runtime.settings
    found: list[Segment | Amplitude] = []
    write_key = secret_or_none(settings.segment_write_key_file)
    if settings.segment_url is not None and write_key is not None:
        found.append(Segment(str(settings.segment_url), write_key, runtime.clock))
    api_key = secret_or_none(settings.amplitude_api_key_file)
    if settings.amplitude_url is not None and api_key is not None:
        found.append(
            Amplitude(
                str(settings.amplitude_url),
                api_key,
                settings.amplitude_api,
                runtime.clock,
                settings.amplitude_throttle_seconds,
            )
        )
    for name in set(ProcessorName) - {processor.name for processor in found}:
        log.info("processor not configured", processor=name.value)
    return found


def _delivery(runtime: Runtime[TelemetrySettings], processor: Processor, gate: Gate) -> Delivery:
    group = processor.name.group
    return Delivery(
        processor,
        gate,
        LoopPace(runtime.stopping, asyncio.get_running_loop().time),
        Backoff(random.random),
        lambda reason: runtime.health.stuck(group, reason),
    )
