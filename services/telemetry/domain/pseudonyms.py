"""Keyed pseudonyms: HMAC-SHA256 under a random key per tenant and epoch, one domain per kind.

Without a key every member of a site could hash the ids of all others in seconds. The epoch comes
from the event's own time, so that a repeat gets the same pseudonym whenever it is processed.
"""

import hmac
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256

KEY_BYTES = 32
ID_CHARACTERS = 24
EVENT_CHARACTERS = 32

_SEPARATOR = b"\x1f"
_BLOCK_BYTES = 64  # of SHA-256; keys are shorter
# an event older than a month was held back by no outage that we know of
OLDEST = timedelta(days=35)
NEWEST = timedelta(hours=1)
_NO_OFFSET = timedelta()


class Domain(StrEnum):
    """What is hashed: equal ids of different kinds get different pseudonyms."""

    USER = "user"
    INSTANCE = "instance"
    EVENT = "event"
    TENANT = "tenant"


def pseudonym(key: bytes, domain: Domain, value: str, characters: int = ID_CHARACTERS) -> str:
    """Return the first hex characters of ``HMAC-SHA256(key, domain 0x1f value)``."""
    message = domain.value.encode() + _SEPARATOR + value.encode("utf-8", "surrogatepass")
    return hmac.digest(key, message, "sha256").hex()[:characters]


class Pseudonyms:
    """The same under one key, a third of the cost: what never changes is hashed once.

    HMAC as RFC 2104 defines it: ``H(key xor opad, H(key xor ipad, message))``.
    """

    def __init__(self, key: bytes) -> None:
        block = key.ljust(_BLOCK_BYTES, b"\0")
        inner, self._outer = (sha256(bytes(b ^ pad for b in block)) for pad in (0x36, 0x5C))
        self._inner = {domain: inner.copy() for domain in Domain}
        for domain, begun in self._inner.items():
            begun.update(domain.value.encode() + _SEPARATOR)

    def of(self, domain: Domain, value: str, characters: int = ID_CHARACTERS) -> str:
        """Return what ``pseudonym`` returns."""
        inner, outer = self._inner[domain].copy(), self._outer.copy()
        inner.update(value.encode("utf-8", "surrogatepass"))
        outer.update(inner.digest())
        return outer.hexdigest()[:characters]


class Period(StrEnum):
    """How long a key is used. Names of epochs sort by time within one period."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"


def epoch_of(moment: datetime, period: Period = Period.MONTH) -> str:
    """Return the epoch in UTC: ``2026-11-24``, ``2026-W48``, ``2026-11`` or ``2026-Q4``."""
    day = moment if moment.utcoffset() == _NO_OFFSET else moment.astimezone(UTC)
    match period:
        case Period.DAY:
            return day.strftime("%Y-%m-%d")
        case Period.WEEK:
            year, week, _ = day.isocalendar()
            return f"{year}-W{week:02}"
        case Period.MONTH:
            return f"{day.year:04}-{day.month:02}"
        case Period.QUARTER:
            return f"{day.year:04}-Q{(day.month + 2) // 3}"


def end_of(epoch: str) -> date:
    """Return the first day after an epoch; raise ``ValueError`` for a text that names none."""
    year, _, rest = epoch.partition("-")
    if rest.startswith("W"):
        return date.fromisocalendar(int(year), int(rest[1:]), 1) + timedelta(days=7)
    if rest.startswith("Q"):
        return _month_after(date(int(year), 3 * int(rest[1:]), 1))
    if len(rest) == 2:
        return _month_after(date(int(year), int(rest), 1))
    return date.fromisoformat(epoch) + timedelta(days=1)


def _month_after(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)


def late_epochs(now: datetime, period: Period) -> list[str]:
    """Return the epochs that an event may still belong to, whether or not they have a key."""
    days = range((OLDEST + NEWEST).days + 1)
    moments = [now + NEWEST, *(now - timedelta(days=n) for n in days), now - OLDEST]
    return sorted({epoch_of(moment, period) for moment in moments})


def hour_of(moment: datetime) -> datetime:
    """Truncate to the hour in UTC."""
    in_utc = moment if moment.utcoffset() == _NO_OFFSET else moment.astimezone(UTC)
    return in_utc.replace(minute=0, second=0, microsecond=0, tzinfo=UTC)


def plausible(moment: datetime, now: datetime) -> bool:
    """Whether an event of this time may get a pseudonym; else any date would make a new key."""
    return moment.tzinfo is not None and now - OLDEST <= moment <= now + NEWEST
