"""Keys of pseudonyms: used by those who anonymise, kept in a ring by those who erase."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from kit.clock import Clock
from services.telemetry.domain.pseudonyms import Domain, Period, end_of, late_epochs

TenantEpoch = tuple[str, str]
"""Tenant and epoch."""


class Keys(Protocol):
    """The random keys of pseudonyms."""

    def epoch(self, moment: datetime) -> str:
        """Return the epoch of a moment."""
        ...

    async def key(self, tenant: str, epoch: str) -> bytes | None:
        """Return the key of a tenant and epoch; the first who asks makes it, for everybody.

        None when it was destroyed: what belongs to it must be forgotten.
        """
        ...

    async def keys(self, wanted: Collection[TenantEpoch]) -> Mapping[TenantEpoch, bytes]:
        """Return many at once; those that were destroyed are missing."""
        ...


class KeyRing(Protocol):
    """What erasure asks before the keys are destroyed: afterwards nobody can answer it."""

    async def epochs(self, tenant: str) -> Sequence[str]:
        """Return the epochs whose keys exist."""
        ...

    async def pseudonym_of(
        self, tenant: str, epoch: str, value: str, domain: Domain = Domain.USER
    ) -> str | None:
        """Return the pseudonym of an account, None when the epoch has no key; makes no key."""
        ...


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """One epoch of a tenant. ``destroyed_at`` is None while its key exists."""

    epoch: str
    created_at: datetime | None
    destroyed_at: datetime | None
    destroyed_by: str | None


class KeyRegister(Protocol):
    """Which keys there are, and their end; what the keys are is not asked."""

    async def entries(self, tenant: str) -> Sequence[KeyEntry]:
        """Return every epoch of a tenant that has, or had, a key."""
        ...

    async def destroy(self, tenant: str, epochs: Collection[str], by: str, at: datetime) -> int:
        """Put tombstones in place of keys, also where there was none; return how many keys went."""
        ...


class Shredding:
    """Destroys keys. Running processes use a destroyed key for one second more at most."""

    def __init__(self, register: KeyRegister, clock: Clock) -> None:
        self._register = register
        self._clock = clock

    async def one(self, tenant: str, epoch: str, by: str) -> int:
        """Destroy the key of one epoch; raise ``ValueError`` for a text that names none."""
        end_of(epoch)
        return await self._destroy(tenant, {epoch}, by)

    async def before(self, tenant: str, day: date, by: str) -> int:
        """Destroy the keys of all epochs that were over at the beginning of a day."""
        known = {entry.epoch for entry in await self._register.entries(tenant)}
        over = {epoch for epoch in known | self._late() if end_of(epoch) <= day}
        return await self._destroy(tenant, over, by)

    async def all_of(self, tenant: str, by: str) -> int:
        """Destroy all keys of a tenant that is gone, and those that its late events would make."""
        known = {entry.epoch for entry in await self._register.entries(tenant)}
        return await self._destroy(tenant, known | self._late(), by)

    def _late(self) -> set[str]:
        # whatever the period is, or was before somebody changed it
        now = self._clock.now()
        return {epoch for period in Period for epoch in late_epochs(now, period)}

    async def _destroy(self, tenant: str, epochs: Collection[str], by: str) -> int:
        return await self._register.destroy(tenant, epochs, by, self._clock.now())
