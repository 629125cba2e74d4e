"""Time, injected: nothing below the composition root reads the wall clock by itself."""

from datetime import UTC, datetime
from typing import Protocol

_IN_UTC = "+00:00"


class Clock(Protocol):
    """Now, as an aware UTC time. MongoDB keeps milliseconds, so implementations cut to them."""

    def now(self) -> datetime:
        """Return the present."""
        ...


class SystemClock:
    """The wall clock."""

    def now(self) -> datetime:
        """Return the present, cut to milliseconds."""
        return to_millis(datetime.now(UTC))


def to_millis(moment: datetime) -> datetime:
    """Cut to whole milliseconds, so that a time read back from MongoDB equals what was written."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def vendor_time(moment: datetime) -> str:
    """Render as the public API does: UTC, whole seconds, ``yyyy-MM-dd'T'HH:mm:ss'Z'``."""
    # strftime would not fill up the year
    text = moment.isoformat("T", "seconds")
    if not text.endswith(_IN_UTC):
        # dear, and times from MongoDB are in UTC
        text = moment.astimezone(UTC).isoformat("T", "seconds")
    return text.removesuffix(_IN_UTC) + "Z"
