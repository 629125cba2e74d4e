"""Beamer: users and notices for pages, when it has a key."""

import asyncio

import structlog

from contracts.telemetry import ProcessorName
from services.telemetry.adapters.mongo.beamer import MongoBeamerQuota, MongoBeamerUsers
from services.telemetry.adapters.processors.beamer import Beamer
from services.telemetry.adapters.sealing import read_wrapping_key
from services.telemetry.composition.piece import Common
from services.telemetry.domain.erasure import suppression_key
from services.telemetry.metrics import STOPPED
from services.telemetry.settings import secret_or_none
from services.telemetry.usecases.notices import Notices

log = structlog.get_logger(__name__)

_NAME = ProcessorName.BEAMER


def client(common: Common) -> Beamer | None:
    """Return a client, None without a key."""
    runtime, settings = common.runtime, common.runtime.settings
    key = secret_or_none(settings.beamer_api_key_file)
    if key is None:
        return None
    quota = MongoBeamerQuota(runtime.database, settings.beamer_monthly_requests, runtime.clock)

    def alarm(reason: str | None) -> None:
        STOPPED.labels(_NAME.value).set(reason is not None)
        runtime.health.stuck(_NAME.group, reason)

    return Beamer(str(settings.beamer_url), key, quota, alarm)


def notices(common: Common, beamer: Beamer | None) -> Notices:
    """Wire what pages ask for."""
    runtime = common.runtime
    if beamer is None:
        log.info("processor not configured", processor=_NAME.value)
    return Notices(
        beamer=beamer,
        known=MongoBeamerUsers(runtime.database, runtime.clock),
        tenants=common.directory,
        consents=common.consents,
        keys=common.keys,
        suppressions=common.suppressions,
        suppression_key=suppression_key(read_wrapping_key(runtime.settings.pseudonym_key_file)),
        clock=runtime.clock,
        now=asyncio.get_running_loop().time,
    )
