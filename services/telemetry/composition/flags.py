"""Flags: from LaunchDarkly or from a file to the topic that all services read."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog

from contracts.telemetry import ProcessorName
from kit.leases import Lease
from kit.service import Background, Role, Runtime
from services.telemetry.adapters.flags.file import FlagsFile
from services.telemetry.adapters.flags.topic import FlagTopic
from services.telemetry.adapters.mongo.flag_subjects import MongoFlagSubjects
from services.telemetry.composition.hosts import flags_address
from services.telemetry.composition.piece import Common, Piece
from services.telemetry.metrics import STOPPED
from services.telemetry.settings import TelemetrySettings, secret_or_none
from services.telemetry.usecases.flags import FlagPublishing, FlagSource

if TYPE_CHECKING:
    from services.telemetry.adapters.flags.launchdarkly import LaunchDarkly

log = structlog.get_logger(__name__)

_NAME = ProcessorName.LAUNCHDARKLY
_LEASE = timedelta(seconds=10)


async def build(common: Common) -> Piece:
    """Wire what is configured; without a source nothing is published, and what stands there holds.

    The file comes first: with it LaunchDarkly is not asked.
    """
    runtime, settings = common.runtime, common.runtime.settings
    if not runtime.role.includes(Role.CONSUMER):
        return Piece()
    nudged = asyncio.Event()
    if settings.flags_file is not None:
        return Piece(background=[_publishing(common, FlagsFile(settings.flags_file), nudged)])
    sdk_key = secret_or_none(settings.launchdarkly_sdk_key_file)
    if sdk_key is None:
        log.info("processor not configured", processor=_NAME.value)
        return Piece()
    tell = partial(_soon, asyncio.get_running_loop())
    source = await asyncio.to_thread(
        _launchdarkly,
        runtime,
        sdk_key,
        partial(tell, nudged.set),
        lambda reason: tell(partial(_alarm, runtime, reason)),
    )
    return Piece(
        background=[_publishing(common, source, nudged)],
        closers=[partial(asyncio.to_thread, source.close)],
    )


def _publishing(common: Common, source: FlagSource, nudged: asyncio.Event) -> Background:
    runtime = common.runtime
    publishing = FlagPublishing(
        source,
        MongoFlagSubjects(runtime.database, common.handles),
        FlagTopic(runtime.publisher, runtime.names, runtime.clock, runtime.ids),
        runtime.flags,
        Lease(runtime.database["leases"], "flags", runtime.instance, _LEASE, runtime.clock),
        nudged,
    )
    return Background(Role.CONSUMER, publishing.run)


def _launchdarkly(
    runtime: Runtime[TelemetrySettings],
    sdk_key: str,
    changed: Callable[[], None],
    alarm: Callable[[str | None], None],
) -> "LaunchDarkly":
    from services.telemetry.adapters.flags.launchdarkly import (  # noqa: PLC0415  half a second
        Hosts,
        LaunchDarkly,
    )

    settings = runtime.settings
    hosts = Hosts(
        flags_address(settings, "launchdarkly_stream"),
        flags_address(settings, "launchdarkly_base"),
        flags_address(settings, "launchdarkly_events"),
    )
    return LaunchDarkly(sdk_key, hosts, f"telemetry-{runtime.instance}", changed, alarm)


def _alarm(runtime: Runtime[TelemetrySettings], reason: str | None) -> None:
    STOPPED.labels(_NAME.value).set(reason is not None)
    runtime.health.stuck(_NAME.group, reason)
    if reason is not None:
        log.error("processor refuses our configuration", processor=_NAME.value, reason=reason)


def _soon(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    """Call in the loop, from any thread; nothing is left to tell once it has been closed."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(call)
