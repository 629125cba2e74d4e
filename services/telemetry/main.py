"""Composition root of telemetry."""

import secrets
from collections.abc import Mapping

from pymongo import IndexModel

from kit.auth.api_tokens import ApiTokens
from kit.directory import copy as directory_copy
from kit.directory.catch_up import until_trusted
from kit.directory.copy import DirectoryCopy
from kit.http.app import internal_app, public_app
from kit.service import Group, Parts, Role, Runtime
from services.telemetry.adapters.mongo import (
    beamer,
    documents,
    erasures,
    handles,
    sent,
    suppressions,
)
from services.telemetry.adapters.mongo.consent import MongoConsents
from services.telemetry.adapters.mongo.handles import MongoHandles
from services.telemetry.adapters.mongo.pseudonym_keys import MongoPseudonymKeys
from services.telemetry.adapters.mongo.suppressions import MongoSuppressions
from services.telemetry.adapters.sealing import Sealer, read_wrapping_key
from services.telemetry.composition import (
    anonymizing,
    browser,
    bugsnag,
    consent,
    deliveries,
    erasing,
    flags,
    preview,
    sink,
)
from services.telemetry.composition.piece import Common, Piece
from services.telemetry.settings import TelemetrySettings
from services.telemetry.usecases.gate import Gate

SERVICE = "telemetry"
INDEXES: Mapping[str, list[IndexModel]] = {
    **directory_copy.INDEXES,
    documents.TENANT_HANDLES: handles.INDEXES,
    documents.BUGSNAG_SENT: sent.INDEXES,
    documents.ERASURES: erasures.INDEXES,
    **suppressions.INDEXES,
    **beamer.INDEXES,
}

_DIRECTORY_GROUP = "telemetry.directory"


async def build(runtime: Runtime[TelemetrySettings]) -> Parts:
    """Wire adapters to use cases, a piece for each part."""
    common = _common(runtime)
    tokens = ApiTokens(common.directory, runtime.settings.cell, runtime.clock)
    pieces = [
        _directory(common),
        await consent.build(common),
        await preview.build(common),
        await browser.build(common),
        await anonymizing.build(common),
        await deliveries.build(common),
        await sink.build(common),
        await flags.build(common),
        await bugsnag.build(common),
        await erasing.build(common),
    ]
    return Parts(
        public_app(SERVICE, [route for piece in pieces for route in piece.public], tokens),
        internal_app(
            SERVICE,
            [route for piece in pieces for route in piece.internal],
            runtime.tokens,
            runtime.health,
        ),
        groups={name: group for piece in pieces for name, group in piece.groups.items()},
        background=[task for piece in pieces for task in piece.background],
        closers=[close for piece in pieces for close in piece.closers],
    )


def _common(runtime: Runtime[TelemetrySettings]) -> Common:
    database = runtime.database
    directory = DirectoryCopy(database, runtime.peers["tenancy"], runtime.clock)
    consents = MongoConsents(database)
    names = MongoHandles(database, runtime.ids)
    sealer = Sealer(read_wrapping_key(runtime.settings.pseudonym_key_file), secrets.token_bytes)
    period = runtime.settings.pseudonym_period
    keys = MongoPseudonymKeys(database, sealer, secrets.token_bytes, runtime.clock, period)
    erased = MongoSuppressions(database, runtime.clock)
    gate = Gate(names, consents, directory, erased)
    return Common(runtime, directory, consents, names, keys, gate, erased)


def _directory(common: Common) -> Piece:
    runtime = common.runtime
    groups: dict[str, Group] = {}
    if runtime.role.includes(Role.CONSUMER):
        groups[_DIRECTORY_GROUP] = Group(directory_copy.projection(runtime.database).apply)
    return Piece(groups=groups, background=[until_trusted(runtime, common.directory)])
