"""Liveness and readiness: named checks, each with a deadline."""

import asyncio
from collections.abc import Awaitable, Callable

Check = Callable[[], Awaitable[None]]


class Health:
    """Checks raise to say that something is not ready; the text of the error is not shown."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self._stuck: dict[str, str] = {}

    def add(self, name: str, check: Check) -> None:
        """Register a readiness check."""
        self._checks[name] = check

    def stuck(self, name: str, reason: str | None) -> None:
        """Say that a part has stopped moving on its own (None: it moves again)."""
        if reason is None:
            self._stuck.pop(name, None)
        else:
            self._stuck[name] = reason

    async def ready(self) -> dict[str, str]:
        """Return the failing checks, by name; empty when ready."""
        failed = dict(self._stuck)
        for name, check in self._checks.items():
            try:
                async with asyncio.timeout(3):
                    await check()
            except Exception as error:  # noqa: BLE001  any failure means not ready
                failed[name] = type(error).__name__
        return failed
