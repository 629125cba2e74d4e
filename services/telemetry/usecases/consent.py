"""Consent: per tenant and processor, off until an administrator turns it on."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from contracts.telemetry import ProcessorName
from kit.clock import Clock


@dataclass(frozen=True, slots=True)
class Choices:
    """What a tenant chose. ``keep_keys``: issue and test keys may stay in URL paths."""

    processors: frozenset[ProcessorName] = frozenset()
    keep_keys: bool = False


NOTHING_CHOSEN = Choices()


@dataclass(frozen=True, slots=True)
class LastChange:
    """When consent was changed last, and by which token or tool; never by which person."""

    at: datetime
    by: str


class Consents(Protocol):
    """Where consent is kept."""

    async def choices(self, tenants: Collection[str]) -> Mapping[str, Choices]:
        """Return what each tenant chose; absent means nothing. Never from a cache."""
        ...

    async def last_change(self, tenant: str) -> LastChange | None:
        """Return who changed it last, None when nobody ever did."""
        ...

    async def granted(self, tenants: Collection[str]) -> Mapping[str, frozenset[ProcessorName]]:
        """Return the processors that each tenant consents to; absent means none.

        Never from a cache: a withdrawal counts for the very next request to a processor.
        """
        ...

    async def replace(self, tenant: str, choices: Choices, by: str, clock: Clock) -> None:
        """Replace everything that a tenant chose."""
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

    async def show(self, tenant: str) -> Choices:
        """Return what a tenant chose."""
        return (await self._consents.choices([tenant])).get(tenant, NOTHING_CHOSEN)

    async def last_change(self, tenant: str) -> LastChange | None:
        """Return who changed it last."""
        return await self._consents.last_change(tenant)

    async def replace(self, tenant: str, choices: Choices, by: str) -> None:
        """Choose exactly this; ``by`` names the token or tool, never a person."""
        await self._consents.replace(tenant, choices, by, self._clock)

    async def change(self, tenant: str, processor: ProcessorName, *, on: bool, by: str) -> None:
        """Turn one processor on or off, the rest stays."""
        await self._consents.change(tenant, processor, on=on, by=by, clock=self._clock)
