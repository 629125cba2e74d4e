"""Delivery to a scripted processor: order of checks, waits, halves, memory between calls."""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from contracts.telemetry import AnonymousEvent, ProcessorName
from contracts.tenancy import TenantState, TenantStatus
from contracts.usage import UsageEventName
from kit.auth.service_tokens import ServiceTokens
from kit.clock import SystemClock
from kit.directory.copy import TENANTS, DirectoryCopy
from kit.http.client import InternalClient
from kit.ids import SystemIds
from kit.kafka.consumer import GiveBack
from kit.mongo import Database, connect
from services.telemetry.adapters.mongo.consent import MongoConsents
from services.telemetry.adapters.mongo.handles import MongoHandles
from services.telemetry.domain.answers import Accepted, Answer, Partly, Retry, Split, Stop
from services.telemetry.metrics import CIRCUIT_OPEN
from services.telemetry.usecases.anonymizing import Anonymised
from services.telemetry.usecases.consent import Choices
from services.telemetry.usecases.delivery import BUDGET_SECONDS, Delivery, Limits, Prepared
from services.telemetry.usecases.gate import Gate
from services.telemetry.usecases.pace import Backoff
from tests.harness.fakes import ManualClock
from tests.harness.installation import free_port

SEGMENT = ProcessorName.SEGMENT
HOUR = datetime(2026, 11, 24, 12, tzinfo=UTC)


@dataclass
class ManualPace:
    """Time that moves only in pauses."""

    time: float = 1000.0
    pauses: list[float] = field(default_factory=list)
    during: Callable[[], Awaitable[None]] | None = None

    def now(self) -> float:
        """Return the time."""
        return self.time

    async def pause(self, seconds: float) -> None:
        """Pass the time; whatever happens meanwhile happens now."""
        self.pauses.append(round(seconds, 3))
        self.time += seconds
        if self.during is not None:
            await self.during()


@dataclass
class ScriptedProcessor:
    """Answers from a script, then with a rule."""

    script: deque[Answer] = field(default_factory=deque)
    rule: Callable[[Sequence[str]], Answer] = lambda _: Accepted()
    limits: Limits = field(default_factory=lambda: Limits(100, 100_000, 1_000))
    name: ProcessorName = SEGMENT
    sent: list[list[str]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    repeats: list[int] = field(default_factory=list)

    def prepare(self, event: AnonymousEvent) -> Prepared:
        """Render 100 bytes, more for a long path."""
        return Prepared(event.event_id, "somebody", b"x" * (100 + 10 * len(event.path or "")))

    async def send(self, events: Sequence[Prepared], repeats: int) -> Answer:
        """Record and answer."""
        ids = [event.event_id for event in events]
        self.sent.append(ids)
        self.sizes.append(sum(len(event.body) for event in events))
        self.repeats.append(repeats)
        return self.script.popleft() if self.script else self.rule(ids)


@dataclass
class Bench:
    """A delivery with everything around it."""

    delivery: Delivery[AnonymousEvent]
    processor: ScriptedProcessor
    pace: ManualPace
    consents: MongoConsents
    handle: str
    alarms: list[str | None]

    async def consent(self, *processors: ProcessorName) -> None:
        """Replace the tenant's consent."""
        choices = Choices(frozenset(processors))
        await self.consents.replace("tenant", choices, "test", ManualClock())

    def items(self, number: int, first: int = 0) -> list[Anonymised]:
        """Return events with ids 0, 1, 2, ..."""
        return [Anonymised(event(first + n), self.handle) for n in range(number)]


def event(number: int, path: str | None = None) -> AnonymousEvent:
    """Return an event with a readable id."""
    return AnonymousEvent(
        event_id=f"{number:032x}", name=UsageEventName.INSTALLED_APP, hour=HOUR, path=path
    )


def ids(*numbers: int) -> list[str]:
    """Return the ids of events."""
    return [f"{n:032x}" for n in numbers]


@asynccontextmanager
async def directory(database: Database) -> AsyncIterator[DirectoryCopy]:
    """A directory that knows one active tenant, and whose owner is down."""
    state = TenantState(tenant="tenant", status=TenantStatus.ACTIVE, cell="local").model_dump()
    await database[TENANTS].replace_one({"_id": "tenant"}, {"seq": 1, **state}, upsert=True)
    tokens = ServiceTokens("telemetry", "", {}, ManualClock())
    client = InternalClient(f"http://127.0.0.1:{free_port()}", "tenancy", tokens)
    found = DirectoryCopy(database, client, SystemClock())
    found.trust()
    yield found
    await client.close()


@pytest.fixture
async def bench(database: Database) -> AsyncIterator[Bench]:
    """A consenting tenant and a processor that accepts."""
    handles, consents = MongoHandles(database, SystemIds()), MongoConsents(database)
    processor, pace, alarms = ScriptedProcessor(), ManualPace(), list[str | None]()
    async with directory(database) as tenants:
        gate = Gate(handles, consents, tenants)
        delivery = Delivery(processor, gate, pace, Backoff(lambda: 0.5), alarms.append)
        found = Bench(delivery, processor, pace, consents, await handles.handle("tenant"), alarms)
        await found.consent(SEGMENT)
        yield found


async def test_a_batch_is_sent_in_requests_within_the_limits(bench: Bench) -> None:
    bench.processor.limits = Limits(events=3, request_bytes=100_000, event_bytes=1_000)
    assert await bench.delivery.deliver(bench.items(7)) == {}
    assert bench.processor.sent == [ids(0, 1, 2), ids(3, 4, 5), ids(6)]
    bench.processor.sent.clear()
    bench.processor.limits = Limits(events=100, request_bytes=202, event_bytes=1_000)
    assert await bench.delivery.deliver(bench.items(3)) == {}
    assert bench.processor.sent == [ids(0, 1), ids(2)]


async def test_an_event_above_the_limit_is_refused_before_it_is_sent(bench: Bench) -> None:
    large = Anonymised(
        event(9, path="/" + "x" * 40 + "/" + "y" * 40 + "/" + "z" * 40), bench.handle
    )
    refused = await bench.delivery.deliver([*bench.items(1), large])
    assert refused == {ids(9)[0]: "too large for the processor"}
    assert bench.processor.sent == [ids(0)]


async def test_nothing_is_sent_twice_in_a_batch(bench: Bench) -> None:
    assert await bench.delivery.deliver([*bench.items(2), *bench.items(2)]) == {}
    assert bench.processor.sent == [ids(0, 1)]


async def test_halves_find_the_one_that_is_refused(bench: Bench) -> None:
    (bad,) = ids(5)
    bench.processor.rule = lambda sent: Split("too bad") if bad in sent else Accepted()
    assert await bench.delivery.deliver(bench.items(8)) == {bad: "too bad"}
    accepted = [i for sent in bench.processor.sent if bad not in sent for i in sent]
    assert sorted(accepted) == ids(0, 1, 2, 3, 4, 6, 7)
    assert bench.pace.pauses == []


async def test_the_rest_goes_at_once_the_throttled_wait_in_halves(bench: Bench) -> None:
    bench.processor.script.append(Partly({0: "invalid"}, frozenset({1, 2, 3}), 10.0))
    assert await bench.delivery.deliver(bench.items(6)) == {ids(0)[0]: "invalid"}
    assert bench.processor.sent == [ids(*range(6)), ids(4, 5), ids(1, 2), ids(3)]
    assert bench.pace.pauses == [10.5]


async def test_waits_grow_and_what_is_asked_for_is_waited(bench: Bench) -> None:
    bench.processor.script.extend([Retry("a"), Retry("b"), Retry("c", 4.0), Retry("d")])
    assert await bench.delivery.deliver(bench.items(1)) == {}
    assert bench.pace.pauses == [0.5, 1.0, 4.2, 4.0]
    assert bench.processor.repeats == [0, 1, 2, 3, 4]


async def test_a_dead_processor_gets_the_batch_given_back_and_the_wait_goes_on(
    bench: Bench,
) -> None:
    bench.processor.rule = lambda _: Retry("dead")
    with pytest.raises(GiveBack):
        await bench.delivery.deliver(bench.items(1))
    assert sum(bench.pace.pauses) == pytest.approx(BUDGET_SECONDS)
    bench.processor.script.append(Retry("please wait", 300.0))
    for _ in range(5):
        bench.pace.pauses.clear()
        with pytest.raises(GiveBack):
            await bench.delivery.deliver(bench.items(1))
    requests = len(bench.processor.sent)
    bench.processor.rule = lambda _: Accepted()
    assert await bench.delivery.deliver(bench.items(1)) == {}
    assert len(bench.processor.sent) == requests + 1


async def test_what_was_settled_before_is_not_sent_again(bench: Bench) -> None:
    bench.processor.limits = Limits(events=2, request_bytes=100_000, event_bytes=1_000)
    bench.processor.script.extend([Partly({1: "invalid"}, frozenset(), 1.0), Accepted()])
    bench.processor.rule = lambda _: Retry("dead")
    with pytest.raises(GiveBack):
        await bench.delivery.deliver(bench.items(4))
    bench.processor.sent.clear()
    bench.processor.rule = lambda _: Accepted()
    assert await bench.delivery.deliver(bench.items(4)) == {ids(1)[0]: "invalid"}
    assert bench.processor.sent == [ids(2, 3)]


async def test_a_replayed_letter_is_tried_again(bench: Bench) -> None:
    bench.processor.script.append(Partly({0: "invalid"}, frozenset(), 1.0))
    assert await bench.delivery.deliver(bench.items(1)) == {ids(0)[0]: "invalid"}
    assert await bench.delivery.deliver(bench.items(1)) == {}
    assert bench.processor.sent == [ids(0), ids(0)]


async def test_a_refused_configuration_alarms_and_settles_nothing(bench: Bench) -> None:
    bench.processor.rule = lambda _: Stop("invalid API key")
    with pytest.raises(GiveBack):
        await bench.delivery.deliver(bench.items(2))
    assert set(bench.alarms) == {"segment: invalid API key"}
    assert all(sent == ids(0, 1) for sent in bench.processor.sent)
    bench.processor.rule = lambda _: Accepted()
    assert await bench.delivery.deliver(bench.items(2)) == {}
    assert bench.alarms[-1] is None


async def test_consent_is_asked_after_the_wait_and_before_each_request(bench: Bench) -> None:
    bench.processor.script.append(Retry("busy", 5.0))
    bench.pace.during = bench.consent
    assert await bench.delivery.deliver(bench.items(3)) == {}
    assert bench.processor.sent == [ids(0, 1, 2)]


async def test_consent_to_another_processor_and_an_unknown_handle_hold_back(bench: Bench) -> None:
    await bench.consent(ProcessorName.AMPLITUDE)
    stranger = Anonymised(event(1), "unknown handle")
    assert await bench.delivery.deliver([*bench.items(1), stranger]) == {}
    assert bench.processor.sent == []


async def test_keys_in_paths_go_when_the_tenant_keeps_them_no_longer(bench: Bench) -> None:
    kept = Anonymised(event(1, path="/jira/browse/ABC-123"), bench.handle)
    bench.processor.script.append(Retry("busy", 5.0))
    await bench.consents.replace(
        "tenant", Choices(frozenset({SEGMENT}), keep_keys=True), "test", ManualClock()
    )
    bench.pace.during = lambda: bench.consent(SEGMENT)
    assert await bench.delivery.deliver([kept]) == {}
    bare = len("/jira/browse/:issueKey")
    assert bench.processor.sizes == [100 + 10 * len("/jira/browse/ABC-123"), 100 + 10 * bare]


async def test_an_event_of_the_catalogue_goes_to_its_processors_only(bench: Bench) -> None:
    one, two = event(1), event(2).model_copy(update={"name": UsageEventName.CREATED_API_TOKEN})
    assert await bench.delivery.deliver([Anonymised(e, bench.handle) for e in (one, two)]) == {}
    assert bench.processor.sent == [ids(1)]


async def test_when_consent_cannot_be_read_nothing_leaves_and_nothing_moves(
    bench: Bench, database: Database
) -> None:
    async with (
        connect(f"mongodb://127.0.0.1:{free_port()}", "none", timeout_ms=20) as dead,
        directory(database) as tenants,
    ):
        gate = Gate(MongoHandles(database, SystemIds()), MongoConsents(dead), tenants)
        delivery = Delivery(
            bench.processor, gate, bench.pace, Backoff(lambda: 0.5), bench.alarms.append
        )
        with pytest.raises(GiveBack):
            await delivery.deliver(bench.items(1))
    assert bench.processor.sent == []


async def test_the_circuit_opens_at_the_third_failure_and_one_request_probes(
    bench: Bench,
) -> None:
    state = CIRCUIT_OPEN.labels(SEGMENT.value)
    seen: list[tuple[int, float]] = []

    async def look() -> None:
        # nothing goes out while it waits
        seen.append((len(bench.processor.sent), state._value.get()))

    bench.pace.during = look
    bench.processor.script.extend([Retry("status 503")] * 5)
    await bench.delivery.deliver(bench.items(3))
    assert seen == [(1, 0), (2, 0), (3, 1), (4, 1), (5, 1)]
    assert bench.pace.pauses == [0.5, 1.0, 2.0, 4.0, 8.0]
    assert state._value.get() == 0
    # closed again: the next failure is a first one
    bench.processor.script.append(Retry("status 503"))
    await bench.delivery.deliver(bench.items(1, 10))
    assert bench.pace.pauses[-1] == 0.5
