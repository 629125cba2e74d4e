"""A local copy of what may leave, for whoever wants to read it: no consent, for nothing leaves."""

from collections.abc import Sequence
from typing import Protocol

from services.telemetry.metrics import SENT, SKIPPED
from services.telemetry.usecases.anonymizing import Anonymised
from services.telemetry.usecases.gate import Closed, Gate

NAME = "file"


class Lines(Protocol):
    """Where lines go."""

    async def append(self, lines: Sequence[bytes]) -> None:
        """Return when they are on disk; raise ``Unavailable``."""
        ...


class Sink:
    """Writes the anonymous events of active tenants, each at least once."""

    def __init__(self, gate: Gate, lines: Lines) -> None:
        self._gate = gate
        self._lines = lines

    async def write(self, items: Sequence[Anonymised]) -> None:
        """Return when the events of active tenants are on disk."""
        inactive = await self._gate.inactive({item.handle for item in items})
        kept = [item for item in items if item.handle not in inactive]
        if kept:
            await self._lines.append([item.event.model_dump_json().encode() for item in kept])
        SENT.labels(NAME).inc(len(kept))
        SKIPPED.labels(NAME, Closed.INACTIVE_TENANT.value).inc(len(items) - len(kept))
