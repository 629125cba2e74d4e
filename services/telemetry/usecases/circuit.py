"""A circuit breaker: while it is open nothing is sent; then one request probes.

The caller sends one request at a time, so whatever goes out after the wait is the only probe; if
it fails, the next wait is longer. An answer of any kind but a failure closes the circuit.
"""

from services.telemetry.metrics import CIRCUIT_OPEN
from services.telemetry.usecases.pace import Backoff, Pace

FAILURES_TO_OPEN = 3
"""In a row. Fewer are waits like any other; from here on an operator should look."""


class Circuit:
    """Failures in a row of one processor, and until when to leave it alone."""

    def __init__(self, name: str, pace: Pace, backoff: Backoff) -> None:
        self._state = CIRCUIT_OPEN.labels(name)
        self._state.set(0)
        self._pace = pace
        self._backoff = backoff
        self.failures = 0
        self.open_until = 0.0

    def failed(self, wait: float | None = None) -> None:
        """Wait longer each time, or as long as the processor asked.

        Asked for 0 (also by a date that our clock has passed) we would send without a pause.
        """
        self.failures += 1
        if self.failures >= FAILURES_TO_OPEN:
            self._state.set(1)
        after = self._backoff.at_least(wait) if wait else self._backoff.after(self.failures)
        self.open_until = self._pace.now() + after

    def hold(self, seconds: float) -> None:
        """Send nothing for so long: it answers, and wants none of it."""
        self.open_until = self._pace.now() + seconds

    def answered(self) -> None:
        """Close: it works."""
        if self.failures:
            self.failures = 0
            self._state.set(0)
