"""Keyed pseudonyms: HMAC-SHA256 under a random key per tenant and epoch, one domain per kind.

Without a key every member of a site could hash the ids of all others in seconds. The epoch comes
from the event's own time, so that a repeat gets the same pseudonym whenever it is processed.
"""

import hmac
from datetime import UTC, datetime, timedelta
from enum import StrEnum

KEY_BYTES = 32
ID_CHARACTERS = 24
EVENT_CHARACTERS = 32

_SEPARATOR = b"\x1f"
# an event older than a month was held back by no outage that we know of
OLDEST = timedelta(days=35)
NEWEST = timedelta(hours=1)


class Domain(StrEnum):
    """What is hashed: equal ids of different kinds get different pseudonyms."""

    USER = "user"
    INSTANCE = "instance"
    EVENT = "event"


def pseudonym(key: bytes, domain: Domain, value: str, characters: int = ID_CHARACTERS) -> str:
    """Return the first hex characters of ``HMAC-SHA256(key, domain 0x1f value)``."""
    message = domain.value.encode() + _SEPARATOR + value.encode("utf-8", "surrogatepass")
    return hmac.digest(key, message, "sha256").hex()[:characters]


def epoch_of(moment: datetime) -> str:
    """Return the calendar month in UTC, ``2026-11``."""
    return moment.astimezone(UTC).strftime("%Y-%m")


def hour_of(moment: datetime) -> datetime:
    """Truncate to the hour in UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def plausible(moment: datetime, now: datetime) -> bool:
    """Whether an event of this time may get a pseudonym; else any date would make a new key."""
    return moment.tzinfo is not None and now - OLDEST <= moment <= now + NEWEST
