"""Fakes of time and ids: the only things of our own that tests replace."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class ManualClock:
    """A clock that moves when told."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now

    def now(self) -> datetime:
        """Return the set time."""
        return self._now

    def advance(self, **span: float) -> None:
        """Move on, for example ``advance(seconds=61)``."""
        self._now += timedelta(**span)


class SeededIds:
    """Repeatable ids."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)

    def uuid7(self) -> str:
        """Return the next UUID."""
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def token(self, length: int = 16) -> str:
        """Return the next token."""
        return "".join(
            self._random.choice("0123456789abcdefghjkmnpqrstvwxyz") for _ in range(length)
        )

    def below(self, limit: int) -> int:
        """Return the next number."""
        return self._random.randrange(limit)
