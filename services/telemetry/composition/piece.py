"""What one part of telemetry adds to the process."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from fastapi import APIRouter

from kit.directory.copy import DirectoryCopy
from kit.service import Background, Group, Runtime
from services.telemetry.adapters.mongo.consent import MongoConsents
from services.telemetry.adapters.mongo.handles import MongoHandles
from services.telemetry.adapters.mongo.pseudonym_keys import MongoPseudonymKeys
from services.telemetry.adapters.mongo.suppressions import MongoSuppressions
from services.telemetry.settings import TelemetrySettings
from services.telemetry.usecases.gate import Gate


@dataclass(frozen=True, slots=True)
class Common:
    """What several parts stand on."""

    runtime: Runtime[TelemetrySettings]
    directory: DirectoryCopy
    consents: MongoConsents
    handles: MongoHandles
    keys: MongoPseudonymKeys
    gate: Gate
    suppressions: MongoSuppressions


@dataclass(frozen=True, slots=True)
class Piece:
    """Consumer groups, routes and background work of one part."""

    groups: Mapping[str, Group] = field(default_factory=dict)
    public: Sequence[APIRouter] = ()
    internal: Sequence[APIRouter] = ()
    background: Sequence[Background] = ()
    closers: Sequence[Callable[[], Awaitable[None]]] = ()
