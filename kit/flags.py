"""Feature flags as a service asks for them: every process keeps the whole state in memory.

Telemetry publishes it; while telemetry, LaunchDarkly or Kafka is away the last known state holds,
and where nothing is known the default.
"""

import asyncio
from collections.abc import Callable, Mapping

from contracts.flags import EVERYBODY, FLAGS, Flag, V
from kit.observability.metrics import FLAG_VALUES_REFUSED

Values = Mapping[str, bool | int | float]
"""Accepted values by flag."""


class Flags:
    """What this process knows. Empty, it answers with defaults."""

    def __init__(self) -> None:
        self._states: Mapping[str, Values] = {}
        self._known = asyncio.Event()
        self._changed = asyncio.Event()

    def value(self, tenant: str, flag: Flag[V], otherwise: V | None = None) -> V:
        """Return what holds for a tenant; ``otherwise`` is the setting instead of the default."""
        states = self._states
        state = states.get(tenant)
        found = (states.get(EVERYBODY, {}) if state is None else state).get(flag.key)
        if found is not None:
            return type(flag.default)(found)
        return flag.default if otherwise is None else otherwise

    def replace(self, states: Mapping[str, Values]) -> None:
        """Know exactly this."""
        self._states = states
        self._known.set()
        self._changed.set()

    async def known(self) -> None:
        """Return once everything is known that had been published before the start."""
        await self._known.wait()

    async def until(self, holds: Callable[[Mapping[str, Values]], bool]) -> None:
        """Return once the states fulfil the condition; for one caller at a time."""
        while not holds(self._states):
            self._changed.clear()
            await self._changed.wait()

    @property
    def states(self) -> Mapping[str, Values]:
        """Every state, by tenant, and everybody's; not to be changed."""
        return self._states


def accepted(values: Mapping[str, object]) -> Values:
    """Return the values that their flags take; the others are counted and have their default."""
    taken: dict[str, bool | int | float] = {}
    for flag in FLAGS:
        if flag.key not in values:
            continue
        value = flag.accepted(values[flag.key])
        if value is None:
            FLAG_VALUES_REFUSED.labels(flag.key).inc()
        else:
            taken[flag.key] = value
    return taken
