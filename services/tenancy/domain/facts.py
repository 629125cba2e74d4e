"""When a tenant's facts are read from Jira: soon after an install, then daily, spread in time."""

import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta

PERIOD = timedelta(hours=22)
"""At least between two readings that no install comes between."""
_SPREAD = timedelta(hours=2)
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=6)


@dataclass(frozen=True)
class Reading:
    """When a tenant's facts were last read, and when its app was last installed."""

    tenant: str
    read_at: datetime | None
    installed: int
    """``iat`` of the newest signed install, in seconds; 0 without Connect."""

    def due(self, now: datetime) -> bool:
        """Whether it is time: an install came since, or a day is nearly over."""
        if self.read_at is None or self.installed >= int(self.read_at.timestamp()):
            return True
        # by the id: those that were read together drift apart, and each stays within its day
        share = zlib.crc32(self.tenant.encode()) / 2**32
        return now >= self.read_at + PERIOD + share * _SPREAD


def pause_after(failures: int) -> timedelta:
    """Return how long to leave a site alone after so many failures in a row, from 1 on."""
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * float(2 ** min(failures - 1, 10)))
