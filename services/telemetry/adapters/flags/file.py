"""Flags from a file: ``{"upload-wait-seconds": 5, "search": false}``, for every tenant.

Nothing leaves the house; LaunchDarkly is not asked.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson
import structlog

from services.telemetry.domain.flags import Subject
from services.telemetry.metrics import FLAGS_STALE

log = structlog.get_logger(__name__)

_MOST_BYTES = 1024 * 1024


class FlagsFile:
    """Implements ``usecases.flags.FlagSource``. One that cannot be read changes nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text: bytes | None = None
        self._values: Mapping[str, object] = {}
        self._unreadable = False
        self.generation: int | None = None

    async def look(self) -> None:
        """Read it again; small enough to do so at each look, whatever its time of change says."""
        try:
            text = await asyncio.to_thread(self._read)
            values = _object(text) if text != self._text else self._values
        except (OSError, ValueError) as error:
            if not self._unreadable:
                log.warning("the flags file cannot be read", cause=type(error).__name__)
            self._stale(unreadable=True)
            return
        self._stale(unreadable=False)
        if text != self._text:
            self._text, self._values = text, values
            self.generation = (self.generation or 0) + 1

    def decide(self, subjects: Sequence[Subject]) -> Sequence[Mapping[str, object]]:
        """Return the same for everybody."""
        return [self._values for _ in subjects]

    def _stale(self, *, unreadable: bool) -> None:
        self._unreadable = unreadable
        FLAGS_STALE.set(unreadable)

    def _read(self) -> bytes:
        with self._path.open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
        if len(text) > _MOST_BYTES:
            raise ValueError("too large")
        return text


def _object(text: bytes) -> Mapping[str, object]:
    values = orjson.loads(text)
    if not isinstance(values, dict):
        raise ValueError("not an object")  # noqa: TRY004  as any other fault of the text
    return values
