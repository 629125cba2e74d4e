"""Numbers to buckets, licence and version texts to coarse values. None for what we cannot read."""

import re
from bisect import bisect_left, bisect_right
from functools import lru_cache

from contracts.telemetry import CountBucket, DurationBucket, LicenceTier, LicenceType

_COUNTS = (0, 1, 10, 100, 1_000, 10_000)
_COUNT_BUCKETS = tuple(CountBucket)
_DURATIONS_MS = (100, 1_000, 10_000, 60_000)
_DURATION_BUCKETS = tuple(DurationBucket)
_TIERS = (10, 100, 1_000, 10_000)
_TIER_BUCKETS = tuple(LicenceTier)

_TIER = re.compile(r"\A\s*([0-9]{1,7})\s*(?:users?)?\s*\Z", re.IGNORECASE | re.ASCII)
_UNLIMITED = re.compile(r"\A\s*unlimited\s*(?:users?)?\s*\Z", re.IGNORECASE | re.ASCII)
_APP_VERSION = re.compile(r"\A([0-9]{1,3})\.([0-9]{1,3})(?![0-9])")
_JIRA_VERSION = re.compile(r"\A([0-9]{1,4})\.([0-9]{1,2})(?![0-9])")


def count_bucket(number: int) -> CountBucket | None:
    """Bucket a number of things; None below zero."""
    return None if number < 0 else _COUNT_BUCKETS[bisect_left(_COUNTS, number)]


def duration_bucket(milliseconds: int) -> DurationBucket | None:
    """Bucket a span; None below zero."""
    if milliseconds < 0:
        return None
    return _DURATION_BUCKETS[bisect_right(_DURATIONS_MS, milliseconds)]


def licence_tier(text: str) -> LicenceTier | None:
    """Bucket ``2000 users``, ``2000`` or ``Unlimited users``."""
    if _UNLIMITED.match(text):
        return LicenceTier.MORE
    found = _TIER.match(text)
    if found is None or not int(found[1]):
        return None
    return _TIER_BUCKETS[bisect_left(_TIERS, int(found[1]))]


def licence_type(text: str) -> LicenceType | None:
    """Return the known type, whatever its case and its separator."""
    return LicenceType.__members__.get(text.strip().upper().replace(" ", "_").replace("-", "_"))


@lru_cache(maxsize=256)
def app_version(text: str) -> str | None:
    """Return major.minor: a build that one customer got first would single that customer out."""
    return _major_minor(_APP_VERSION, text)


def jira_version(text: str) -> str | None:
    """Return major.minor."""
    return _major_minor(_JIRA_VERSION, text)


def _major_minor(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.match(text)
    return None if found is None else f"{found[1]}.{found[2]}"
