"""What each processor would get of an event, by the very code that sends it, and why it may not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from contracts.catalogue import allowed
from contracts.envelope import Event
from contracts.telemetry import AnonymousEvent, ProcessorName
from contracts.usage import ProductEvent
from services.telemetry.domain.anonymizer import Dropped, DropReason
from services.telemetry.usecases.anonymizing import Anonymised, Anonymizing
from services.telemetry.usecases.delivery import NOT_FOR_IT, Prepared
from services.telemetry.usecases.gate import Gate

NOT_CONFIGURED = "not configured"


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A request as it would leave, with asterisks for the characters of credentials."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


class Previewed(Protocol):
    """A processor that can show what it would send."""

    name: ProcessorName

    def prepare(self, event: AnonymousEvent) -> Prepared:
        """Render one event, the same way each time."""
        ...

    def wire(self, events: Sequence[Prepared]) -> WireRequest:
        """Return the request that ``send`` would send for these, credentials masked."""
        ...


@dataclass(frozen=True, slots=True)
class Shown:
    """One processor. ``withheld`` says why nothing would be sent, None when it would be.

    ``request`` is None for a processor that never gets the event or is not configured.
    """

    withheld: str | None
    request: WireRequest | None


@dataclass(frozen=True, slots=True)
class Shows:
    """The anonymous event, or why there is none; then no processor gets anything."""

    dropped: DropReason | None
    event: AnonymousEvent | None
    processors: Mapping[ProcessorName, Shown]


class Preview:
    """Sends nothing and publishes nothing."""

    def __init__(
        self, anonymizing: Anonymizing, gate: Gate, processors: Sequence[Previewed]
    ) -> None:
        self._anonymizing = anonymizing
        self._gate = gate
        self._processors = {processor.name: processor for processor in processors}

    async def of(self, event: Event[ProductEvent]) -> Shows:
        """Return what would become of an event that happened now."""
        (result,) = await self._anonymizing.anonymise([event])
        if isinstance(result, Dropped):
            return Shows(result.reason, None, {})
        shown = {name: await self._shown(name, result) for name in ProcessorName}
        return Shows(None, result.event, shown)

    async def _shown(self, name: ProcessorName, item: Anonymised) -> Shown:
        if not allowed(item.event.name, name):
            return Shown(NOT_FOR_IT, None)
        processor = self._processors.get(name)
        if processor is None:
            return Shown(NOT_CONFIGURED, None)
        closed = (await self._gate.closed({item.handle}, name)).get(item.handle)
        request = processor.wire([processor.prepare(item.event)])
        return Shown(None if closed is None else closed.value, request)
