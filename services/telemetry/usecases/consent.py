"""Consent: per tenant and processor, off until an administrator turns it on."""

from collections.abc import Collection, Mapping
from typing import Protocol

from contracts.telemetry import ProcessorName
from kit.clock import Clock


class Consents(Protocol):
    """Where consent is kept."""

    async def granted(self, tenants: Collection[str]) -> Mapping[str, frozenset[ProcessorName]]:
        """Return the processors that each tenant consents to; absent means none.

        Never from a cache: a withdrawal counts for the very next request to a processor.
        """
        ...

    async def replace(
        self, tenant: str, processors: frozenset[ProcessorName], by: str, clock: Clock
    ) -> None:
        """Replace the processors that a tenant consents to."""
        ...

    async def change(
        self, tenant: str, processor: ProcessorName, *, on: bool, by: str, clock: Clock
    ) -> None:
        """Turn one processor on or off."""
        ...


class Consent:
    """What an administrator does with consent."""

    def __init__(self, consents: Consents, clock: Clock) -> None:
        self._consents = consents
        self._clock = clock

    async def show(self, tenant: str) -> dict[ProcessorName, bool]:
        """Return consent for every processor."""
        granted = (await self._consents.granted([tenant])).get(tenant, frozenset())
        return {processor: processor in granted for processor in ProcessorName}

    async def replace(self, tenant: str, processors: frozenset[ProcessorName], by: str) -> None:
        """Consent to exactly these; ``by`` names the token or tool, never a person."""
        await self._consents.replace(tenant, processors, by, self._clock)

    async def change(self, tenant: str, processor: ProcessorName, *, on: bool, by: str) -> None:
        """Turn one processor on or off, the others stay."""
        await self._consents.change(tenant, processor, on=on, by=by, clock=self._clock)
