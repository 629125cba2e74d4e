"""Delivers anonymous events to one processor: all accepted, refused or withheld, or given back.

One instance per consumer group. It waits inside the call, so the consumer polls nothing new while
a processor is down, and gives the batch back before the broker would take the group member for
dead. What was settled before that is remembered, so that each call gets further.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

import structlog

from contracts.catalogue import allowed
from contracts.telemetry import AnonymousEvent, ProcessorName
from kit.kafka.consumer import GiveBack, may_pass
from services.telemetry.domain.answers import Accepted, Answer, Partly, Retry, Split, Stop
from services.telemetry.domain.paths import template_of
from services.telemetry.metrics import PARKED, RETRIES, SENT, SKIPPED, STOPPED
from services.telemetry.usecases.circuit import Circuit
from services.telemetry.usecases.gate import Closed, Gate
from services.telemetry.usecases.pace import Backoff, Pace

log = structlog.get_logger(__name__)

# with one request in flight well below the broker's five minutes between polls
BUDGET_SECONDS = 60.0
STOPPED_SECONDS = 15.0
_BREATH = 100
NOT_FOR_IT = "not for this processor"


class Prepared(NamedTuple):
    """One event as the processor wants it. ``identity`` is the user or device id it counts for."""

    event_id: str
    identity: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Limits:
    """Most events and bytes (JSON of the events and a comma each) of a request; of one event."""

    events: int
    request_bytes: int
    event_bytes: int


class Identified(Protocol):
    """Anything anonymous that is delivered: events, diagnostics."""

    @property
    def event_id(self) -> str:
        """Its id, the same each time it is processed."""
        ...


E = TypeVar("E", bound=Identified)
E_co = TypeVar("E_co", bound=Identified, covariant=True)
E_contra = TypeVar("E_contra", bound=Identified, contravariant=True)


class Item(Protocol[E_co]):
    """One of them and the handle that consent is looked up by."""

    @property
    def event(self) -> E_co:
        """What is sent."""
        ...

    @property
    def handle(self) -> str:
        """Whose it is."""
        ...


class Processor(Protocol[E_contra]):
    """One processor."""

    name: ProcessorName
    limits: Limits

    def prepare(self, event: E_contra) -> Prepared:
        """Render one event, the same way each time."""
        ...

    async def send(self, events: Sequence[Prepared], repeats: int) -> Answer:
        """Send one request and read the answer; a broken connection is ``Retry``."""
        ...


class _Load(NamedTuple):
    handle: str
    prepared: Prepared
    bare: Prepared | None = None
    """The same without keys in its path, for a tenant that keeps them no longer; None: no keys."""

    @property
    def size(self) -> int:
        """Bytes in a request, with a comma."""
        most = len(self.prepared.body)
        return 1 + (most if self.bare is None else max(most, len(self.bare.body)))


@dataclass(frozen=True, slots=True)
class _Attempt:
    loads: Sequence[_Load]
    not_before: float = 0.0


class Delivery(Generic[E]):
    """Sends batch after batch to one processor.

    ``alarm`` gets a reason when our configuration is refused, and None when it is not (any more).
    """

    def __init__(
        self,
        processor: Processor[E],
        gate: Gate,
        pace: Pace,
        backoff: Backoff,
        alarm: Callable[[str | None], None],
    ) -> None:
        self._processor = processor
        self._gate = gate
        self._pace = pace
        self._backoff = backoff
        self._alarm = alarm
        self._name = processor.name.value
        self._circuit = Circuit(self._name, pace, backoff)
        self._queue: deque[_Attempt] = deque()
        self._ahead: _Attempt | None = None
        self._settled: dict[str, str | None] = {}

    async def deliver(self, items: Iterable[Item[E]]) -> dict[str, str]:
        """Return event ids that the processor will never take, and why; all others are done.

        ``items`` are read as they are needed: while a request is on its way, those of the next.
        Raises ``GiveBack`` when the processor does not take the batch in time: nothing may be
        committed then.
        """
        deadline = self._pace.now() + BUDGET_SECONDS
        self._queue.clear()
        self._ahead, fresh = None, self._attempts(items)
        while (attempt := await self._next(fresh)) is not None:
            await self._wait(max(attempt.not_before, self._circuit.open_until), deadline)
            try:
                loads = await self._permitted(attempt.loads)
            except Exception as error:
                if not may_pass(error):
                    raise
                self._hold(attempt.loads, "consent unknown")
                continue
            if loads:
                self._apply(await self._send(loads, fresh), loads)
        refused = {event: reason for event, reason in self._settled.items() if reason is not None}
        # a letter that is replayed later deserves a new try
        self._settled.clear()
        return refused

    async def _next(self, fresh: Iterator[_Attempt | None]) -> _Attempt | None:
        """Return what is due: what was sent before, then what is new, then what must wait."""
        if self._queue and self._queue[0].not_before <= self._pace.now():
            return self._queue.popleft()
        await self._look_ahead(fresh)
        if self._ahead is not None:
            attempt, self._ahead = self._ahead, None
            return attempt
        return self._queue.popleft() if self._queue else None

    async def _send(self, loads: Sequence[_Load], fresh: Iterator[_Attempt | None]) -> Answer:
        prepared = [load.prepared for load in loads]
        sending = asyncio.ensure_future(self._processor.send(prepared, self._circuit.failures))
        try:
            await self._look_ahead(fresh)
            return await sending
        finally:
            sending.cancel()

    async def _look_ahead(self, fresh: Iterator[_Attempt | None]) -> None:
        """Render the next request; others, the request on its way among them, get their turns."""
        while self._ahead is None:
            try:
                self._ahead = next(fresh)
            except StopIteration:
                return
            await asyncio.sleep(0)

    def _attempts(self, items: Iterable[Item[E]]) -> Iterator[_Attempt | None]:
        """Render requests; None after every few events, so that the caller can breathe."""
        limits = self._processor.limits
        loads: list[_Load] = []
        size, seen = 0, set(self._settled)
        for number, item in enumerate(items, 1):
            if number % _BREATH == 0:
                yield None
            if item.event.event_id in seen:
                continue
            seen.add(item.event.event_id)
            if (load := self._rendered(item)) is None:
                continue
            needed = load.size
            if len(loads) == limits.events or size + needed > limits.request_bytes:
                yield _Attempt(loads)
                loads, size = [], 0
            loads.append(load)
            size += needed
        if loads:
            yield _Attempt(loads)

    def _rendered(self, item: Item[E]) -> _Load | None:
        if not _meant_for(item.event, self._processor.name):
            SKIPPED.labels(self._name, NOT_FOR_IT).inc()
            return None
        prepared, bare = self._processor.prepare(item.event), None
        if (without_keys := _bare(item.event)) is not None:
            bare = self._processor.prepare(without_keys)
        load = _Load(item.handle, prepared, bare)
        if load.size > self._processor.limits.event_bytes:
            self._refuse(prepared, "too large for the processor")
            return None
        return load

    async def _wait(self, moment: float, deadline: float) -> None:
        now = self._pace.now()
        if now >= deadline:
            raise GiveBack("the time for one batch is over")
        if moment > now:
            await self._pace.pause(min(moment, deadline) - now)
        if moment > deadline:
            raise GiveBack("the processor is not available")

    async def _permitted(self, loads: Sequence[_Load]) -> list[_Load]:
        closed = await self._gate.closed({x.handle for x in loads}, self._processor.name)
        for load in loads:
            if (reason := closed.get(load.handle)) is not None:
                self._settled[load.prepared.event_id] = None
                SKIPPED.labels(self._name, reason.value).inc()
        return await self._as_chosen(
            await self._unerased([load for load in loads if load.handle not in closed])
        )

    async def _unerased(self, loads: list[_Load]) -> list[_Load]:
        """Take out what was anonymised before its account was erased."""
        erased = await self._gate.erased({load.prepared.identity for load in loads})
        if not erased:
            return loads
        gone = [load for load in loads if load.prepared.identity in erased]
        self._settled |= {load.prepared.event_id: None for load in gone}
        SKIPPED.labels(self._name, Closed.ERASED.value).inc(len(gone))
        return [load for load in loads if load.prepared.identity not in erased]

    async def _as_chosen(self, loads: list[_Load]) -> list[_Load]:
        """Take keys out of paths where the tenant keeps them no longer."""
        handles = {load.handle for load in loads if load.bare is not None}
        if not handles:
            return loads
        keeping = await self._gate.keeping_keys(handles)
        return [
            load if load.bare is None or load.handle in keeping else _Load(load.handle, load.bare)
            for load in loads
        ]

    def _apply(self, answer: Answer, loads: Sequence[_Load]) -> None:
        match answer:
            case Accepted():
                self._settled |= {load.prepared.event_id: None for load in loads}
                SENT.labels(self._name).inc(len(loads))
            case Split(reason):
                self._split(loads, reason)
            case Partly():
                self._sort_out(loads, answer)
            case Retry(cause, wait):
                self._hold(loads, cause, wait)
                return
            case Stop(reason):
                self._stop(loads, reason)
                return
        self._circuit.answered()
        self._calm()

    def _split(self, loads: Sequence[_Load], reason: str) -> None:
        if len(loads) == 1:
            self._refuse(loads[0].prepared, reason)
            return
        RETRIES.labels(self._name, "split").inc()
        self._queue.extendleft(reversed(_halves(loads)))

    def _sort_out(self, loads: Sequence[_Load], answer: Partly) -> None:
        for index, reason in answer.refused.items():
            self._refuse(loads[index].prepared, reason)
        rest = [
            load
            for index, load in enumerate(loads)
            if index not in answer.refused and index not in answer.delayed
        ]
        if rest:
            self._queue.appendleft(_Attempt(rest))
        delayed = [loads[index] for index in sorted(answer.delayed)]
        if delayed:
            RETRIES.labels(self._name, "throttled").inc()
            moment = self._pace.now() + self._backoff.at_least(answer.wait)
            # halved, because more events of one user than its rate allows would never pass
            self._queue.extend(_halves(delayed, moment))

    def _hold(self, loads: Sequence[_Load], cause: str, wait: float | None = None) -> None:
        self._circuit.failed(wait)
        RETRIES.labels(self._name, cause).inc()
        if self._circuit.failures == 1:
            log.warning("delivery interrupted", processor=self._name, cause=cause)
        self._queue.appendleft(_Attempt(loads))

    def _stop(self, loads: Sequence[_Load], reason: str) -> None:
        RETRIES.labels(self._name, "stopped").inc()
        log.error("processor refuses our configuration", processor=self._name, reason=reason)
        STOPPED.labels(self._name).set(1)
        self._alarm(f"{self._name}: {reason}")
        self._circuit.hold(STOPPED_SECONDS)
        self._queue.appendleft(_Attempt(loads))

    def _calm(self) -> None:
        STOPPED.labels(self._name).set(0)
        self._alarm(None)

    def _refuse(self, prepared: Prepared, reason: str) -> None:
        self._settled[prepared.event_id] = reason
        PARKED.labels(self._name).inc()


def _meant_for(event: Identified, processor: ProcessorName) -> bool:
    return not isinstance(event, AnonymousEvent) or allowed(event.name, processor)


def _bare(event: E) -> E | None:
    """Return an event without keys in its path, None for one that has none."""
    if not isinstance(event, AnonymousEvent) or event.path is None:
        return None
    template = template_of(event.path)
    return None if template == event.path else event.model_copy(update={"path": template})


def _halves(loads: Sequence[_Load], not_before: float = 0.0) -> list[_Attempt]:
    """Split in two; a single one stays whole."""
    middle = (len(loads) + 1) // 2
    parts = [loads[:middle], loads[middle:]]
    return [_Attempt(part, not_before) for part in parts if part]
