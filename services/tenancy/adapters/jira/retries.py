"""When a call to Jira is tried again, and how long to wait. Source: facts.md 2.7."""

import asyncio
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

from kit.ids import Ids

TRIES = 3
TOTAL_SECONDS = 8.0
"""A caller waits no longer for one answer, tries and pauses together."""
RETRIED = frozenset({429, 502, 503, 504})
MAX_RETRY_AFTER = 3600
_BASE_SECONDS = 0.25
_MOST_SECONDS = 2.0


class Pace(Protocol):
    """Time as it passes, apart from the clock that people set."""

    def seconds(self) -> float:
        """Return seconds since some moment."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class LoopPace:
    """The event loop's own time."""

    def seconds(self) -> float:
        """Return the loop's time."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


def pause_after(attempt: int, ids: Ids) -> float:
    """Return a random pause before the next try, in seconds: full jitter, doubling from 0.25."""
    longest = min(_MOST_SECONDS, _BASE_SECONDS * 2.0**attempt)
    return ids.below(int(longest * 1000) + 1) / 1000


def retry_after(header: str | None, now: datetime) -> int | None:
    """Return the whole seconds of a Retry-After header, at most an hour; None for no such time.

    Both forms are read: seconds, and an HTTP date.
    """
    text = (header or "").strip()
    if text.isascii() and text.isdecimal():
        return min(int(text[:9]), MAX_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = -(-(moment - now).total_seconds() // 1)
    return int(min(max(seconds, 0), MAX_RETRY_AFTER))
