"""Erased accounts: their events are dropped from then on, before and after the anonymizer."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from contracts.envelope import Event
from contracts.usage import ProductEvent
from services.telemetry.domain.anonymizer import DropReason
from services.telemetry.domain.erasure import digest_of
from services.telemetry.metrics import DROPPED_EVENTS


class Suppressions(Protocol):
    """Who was erased; what another process wrote shows within a second."""

    async def accounts(self) -> Mapping[str, Collection[str]]:
        """Return digests of erased accounts, by tenant."""
        ...

    async def users(self, identities: Collection[str]) -> Collection[str]:
        """Return those that are pseudonyms of erased accounts."""
        ...


class Anonymizer(Protocol):
    """What comes next; see ``usecases.anonymizing``."""

    async def run(self, events: Sequence[Event[ProductEvent]]) -> None:
        """Publish what may be known of the events."""
        ...


class Suppressing:
    """Stands before the anonymizer."""

    def __init__(self, suppressions: Suppressions, key: bytes, inner: Anonymizer) -> None:
        self._suppressions = suppressions
        self._key = key
        self._inner = inner

    async def run(self, events: Sequence[Event[ProductEvent]]) -> None:
        """Pass on all events but those of erased accounts."""
        erased = await self._suppressions.accounts()
        kept = [event for event in events if not self._of_erased(event, erased)]
        await self._inner.run(kept)
        if len(kept) < len(events):
            DROPPED_EVENTS.labels(DropReason.SUPPRESSED.value).inc(len(events) - len(kept))

    def _of_erased(self, event: Event[ProductEvent], erased: Mapping[str, Collection[str]]) -> bool:
        account, digests = event.data.account_id, erased.get(event.tenantid)
        if account is None or digests is None:
            return False
        return digest_of(self._key, event.tenantid, account) in digests
