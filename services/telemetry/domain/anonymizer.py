"""The only way from a product event to an anonymous one: pure, default deny."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from contracts.catalogue import CATALOGUE
from contracts.envelope import Event
from contracts.telemetry import AnonymousEvent
from contracts.usage import ProductEvent
from services.telemetry.domain.pseudonyms import (
    EVENT_CHARACTERS,
    Domain,
    hour_of,
    plausible,
)
from services.telemetry.domain.rules import Context, fields_of


class DropReason(StrEnum):
    """Why an event goes nowhere; says nothing about its content."""

    UNDECODABLE = "undecodable"
    UNKNOWN_TYPE = "unknown type"
    UNKNOWN_EVENT = "unknown event"
    UNKNOWN_TENANT = "unknown tenant"
    IMPLAUSIBLE_TIME = "implausible time"
    KEY_DESTROYED = "key destroyed"
    SUPPRESSED = "suppressed"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Dropped:
    """The event is forgotten and counted, never forwarded and never dead-lettered."""

    reason: DropReason


def screen(event: Event[ProductEvent], now: datetime) -> Dropped | None:
    """Refuse what needs no key: called first, so that nonsense makes no keys."""
    if event.data.name not in CATALOGUE:
        return Dropped(DropReason.UNKNOWN_EVENT)
    if not plausible(event.time, now):
        return Dropped(DropReason.IMPLAUSIBLE_TIME)
    return None


def anonymize(event: Event[ProductEvent], context: Context) -> AnonymousEvent | Dropped:
    """Build the anonymous event from the allowed fields of its name."""
    if event.data.name not in CATALOGUE:
        return Dropped(DropReason.UNKNOWN_EVENT)
    try:
        fields = fields_of(event.data, context)
        fields["event_id"] = context.pseudonyms.of(Domain.EVENT, event.id, EVENT_CHARACTERS)
        fields["name"] = event.data.name
        fields["hour"] = hour_of(event.time)
        return AnonymousEvent.model_validate(fields)
    except Exception:  # noqa: BLE001  whatever went wrong, the event must not leave
        return Dropped(DropReason.ERROR)
