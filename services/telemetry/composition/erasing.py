"""Erasure: the routes, and the job that asks the processors."""

import random
from collections.abc import Awaitable, Callable
from datetime import timedelta

from contracts.telemetry import ProcessorName
from kit.leases import Lease
from kit.service import Background, Role
from services.telemetry.adapters.deletions.amplitude import AmplitudeDeletion
from services.telemetry.adapters.deletions.bugsnag import PRIMARY, SECONDARY, BugsnagDeletion
from services.telemetry.adapters.deletions.missing import NotConfigured
from services.telemetry.adapters.deletions.segment import SegmentDeletion
from services.telemetry.adapters.mongo.beamer import MongoBeamerUsers
from services.telemetry.adapters.mongo.erasures import MongoErasures
from services.telemetry.adapters.mongo.key_register import MongoKeyRegister
from services.telemetry.adapters.processors.bugsnag import SECOND_REALM_PREFIX
from services.telemetry.adapters.sealing import read_wrapping_key
from services.telemetry.api import erasures
from services.telemetry.composition import beamer
from services.telemetry.composition.hosts import deletion_address
from services.telemetry.composition.piece import Common, Piece
from services.telemetry.domain.erasure import suppression_key
from services.telemetry.settings import secret_or_none
from services.telemetry.usecases.erasing import Deleting, Erasing, ErasureRequests, Times
from services.telemetry.usecases.keys import Shredding
from services.telemetry.usecases.pace import Backoff

# longer than one request may take
_LEASE = timedelta(seconds=45)
_FIRST_SECONDS, _MOST_SECONDS = 2.0, 3_600.0
Closers = list[Callable[[], Awaitable[None]]]


async def build(common: Common) -> Piece:
    """Wire both."""
    runtime = common.runtime
    requests = ErasureRequests(
        erasures=MongoErasures(runtime.database),
        suppressions=common.suppressions,
        beamer_users=MongoBeamerUsers(runtime.database, runtime.clock),
        keys=common.keys,
        ring=common.keys,
        tenants=common.directory,
        consents=common.consents,
        suppression_key=suppression_key(read_wrapping_key(runtime.settings.pseudonym_key_file)),
        period=runtime.settings.pseudonym_period,
        settle=timedelta(seconds=runtime.settings.erasure_settle_seconds),
        clock=runtime.clock,
        ids=runtime.ids,
    )
    public = [erasures.router(requests)]
    if not runtime.role.includes(Role.CONSUMER):
        return Piece(public=public)
    closers: Closers = []
    job = _job(common, closers)
    return Piece(public=public, background=[Background(Role.CONSUMER, job.run)], closers=closers)


def _job(common: Common, closers: Closers) -> Erasing:
    runtime, settings = common.runtime, common.runtime.settings
    clock, database = runtime.clock, runtime.database
    return Erasing(
        erasures=MongoErasures(database),
        processors=_processors(common, closers),
        shredder=Shredding(MongoKeyRegister(database), clock),
        suppressions=common.suppressions,
        beamer_users=MongoBeamerUsers(database, clock),
        lease=Lease(database["leases"], "erasures", runtime.instance, _LEASE, clock),
        times=Times(
            timedelta(seconds=settings.erasure_poll_seconds),
            timedelta(days=settings.erasure_deadline_days),
        ),
        backoff=Backoff(random.random, _FIRST_SECONDS, _MOST_SECONDS).after,
        clock=clock,
    )


def _processors(common: Common, closers: Closers) -> dict[ProcessorName, Deleting]:
    found: dict[ProcessorName, Deleting] = {
        ProcessorName.AMPLITUDE: _amplitude(common, closers),
        ProcessorName.SEGMENT: _segment(common, closers),
        ProcessorName.BUGSNAG: _bugsnag(common, closers),
        ProcessorName.BEAMER: NotConfigured("OSTRO_BEAMER_API_KEY_FILE"),
    }
    if (client := beamer.client(common)) is not None:
        found[ProcessorName.BEAMER] = client
        closers.append(client.close)
    return found


def _amplitude(common: Common, closers: Closers) -> Deleting:
    settings = common.runtime.settings
    key = secret_or_none(settings.amplitude_api_key_file)
    secret = secret_or_none(settings.amplitude_secret_key_file)
    if key is None or secret is None:
        return NotConfigured("OSTRO_AMPLITUDE_SECRET_KEY_FILE")
    if settings.amplitude_deletion_requester is None:
        return NotConfigured("OSTRO_AMPLITUDE_DELETION_REQUESTER")
    url = deletion_address(settings, "amplitude_deletion")
    if url is None:
        return NotConfigured("OSTRO_PROCESSORS_REGION or OSTRO_AMPLITUDE_DELETION_URL")
    requester = settings.amplitude_deletion_requester
    deletion = AmplitudeDeletion(url, key, secret, requester, common.runtime.clock)
    closers.append(deletion.close)
    return deletion


def _segment(common: Common, closers: Closers) -> Deleting:
    settings = common.runtime.settings
    token = secret_or_none(settings.segment_api_token_file)
    if token is None:
        return NotConfigured("OSTRO_SEGMENT_API_TOKEN_FILE")
    url = deletion_address(settings, "segment_api")
    if url is None:
        return NotConfigured("OSTRO_PROCESSORS_REGION or OSTRO_SEGMENT_API_URL")
    deletion = SegmentDeletion(url, token, common.runtime.clock)
    closers.append(deletion.close)
    return deletion


def _bugsnag(common: Common, closers: Closers) -> Deleting:
    settings = common.runtime.settings
    token = secret_or_none(settings.bugsnag_data_token_file)
    if token is None or settings.bugsnag_project_id is None:
        return NotConfigured("OSTRO_BUGSNAG_DATA_TOKEN_FILE, OSTRO_BUGSNAG_PROJECT_ID")
    key = secret_or_none(settings.bugsnag_api_key_file) or ""
    realm = SECONDARY if key.startswith(SECOND_REALM_PREFIX) else PRIMARY
    url = str(settings.bugsnag_data_url or realm)
    deletion = BugsnagDeletion(url, token, settings.bugsnag_project_id, common.runtime.clock)
    closers.append(deletion.close)
    return deletion
