"""Product events to anonymous ones on one core, against reading and writing the same events.

The anonymizer: decode, screen, anonymise, write. The group: all that ``telemetry.anonymizer`` does
with a batch but Kafka and MongoDB, so unknown fields, look-ups and records with envelope and
headers, too. All sides do the same events in turns, by processor time.
"""

import asyncio
import gc
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime

from pydantic import TypeAdapter

from bench.report import Figure, spread
from contracts.envelope import Event
from contracts.tenancy import TenantState, TenantStatus
from contracts.topics import USAGE
from contracts.usage import ProductEvent, UsageEventName
from kit.clock import SystemClock
from kit.directory.view import TenantView
from kit.ids import SystemIds
from kit.kafka.client import Names
from kit.kafka.records import Outgoing, Poison, Record, decode
from services.telemetry.adapters.anonymous_topic import AnonymousTopic
from services.telemetry.consumers.usage import UsageEvents
from services.telemetry.domain.anonymizer import Dropped, anonymize, screen
from services.telemetry.domain.pseudonyms import epoch_of
from services.telemetry.domain.rules import Context
from services.telemetry.usecases.anonymizing import Anonymizing
from services.telemetry.usecases.consent import Choices
from services.telemetry.usecases.keys import TenantEpoch

BATCH, BATCHES, ROUNDS = 500, 20, 7
USERS, CASES = 400, 2_000
BARE = "validate_json and dump_json"
_TENANTS = [f"tenant-{number}" for number in range(5)]
_CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/{}.0.0.0 Safari/537.36"
)
_AGENTS = (
    _CHROME,
    "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0",
    "curl/8.{}.0",
)
_PATHS = (
    "/jira/browse/ACME-{}?focusedId=1",
    "/v2/testcases/ACME-T{}/links",
    "/v2/automations/executions/junit?projectKey=ACME&x={}",
)
_READER = TypeAdapter(Event[ProductEvent])


class _Memory:
    """Keys, handles, tenants, consent and the broker, at no cost; its ports say what for."""

    def __init__(self) -> None:
        self.records = 0

    def epoch(self, moment: datetime) -> str:
        return epoch_of(moment)

    async def key(self, tenant: str, epoch: str) -> bytes:
        return f"{tenant}/{epoch}".encode().ljust(32)

    async def keys(self, wanted: Collection[TenantEpoch]) -> Mapping[TenantEpoch, bytes]:
        return {pair: await self.key(*pair) for pair in wanted}

    async def handle(self, tenant: str) -> str:
        return f"handle-of-{tenant}"

    async def tenant(self, tenant: str) -> TenantView:
        state = TenantState(
            tenant=tenant,
            status=TenantStatus.ACTIVE,
            cell="local",
            licence_tier="2000 users",
            licence_type="COMMERCIAL",
            jira_instance="JHYU-AS8U-ASDF-BHJ7",
            jira_version="8.14.0",
        )
        return TenantView(state, {}, frozenset())

    async def choices(self, _: Collection[str]) -> Mapping[str, Choices]:
        return {}

    async def send(self, records: Sequence[Outgoing]) -> None:
        self.records += len(records)


def measure() -> list[Figure]:
    """Alternating rounds; the first one warms both sides."""
    batches = [[_record() for _ in range(BATCH)] for _ in range(BATCHES)]
    gc.collect()
    gc.freeze()  # what the bench itself holds is nobody's cost
    memory = _Memory()
    outlet = AnonymousTopic(memory, Names())  # type: ignore[arg-type] # wants only what sends
    consumer = UsageEvents(
        Anonymizing(memory, memory, memory, memory, outlet, SystemClock())  # type: ignore[arg-type] # wants only what reads
    )

    async def group(batch: list[Record]) -> None:
        await consumer.handle(batch)

    sides = {"bare": _bare, "anonymizer": _anonymizer, "group": group}
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(ROUNDS + 1):
        for name, side in sides.items():
            rate = asyncio.run(_rate(side, batches))
            if number:
                rates[name].append(rate)
    if memory.records != (ROUNDS + 1) * BATCH * BATCHES:
        raise RuntimeError(f"only {memory.records} records came out")
    return [
        _figure("anonymizer, one core", rates["anonymizer"], rates["bare"]),
        _figure("group telemetry.anonymizer, one core", rates["group"], rates["bare"]),
        _figure(BARE, rates["bare"], None),
    ]


def _figure(name: str, rates: list[float], bare: list[float] | None) -> Figure:
    pairs = [ours / theirs for ours, theirs in zip(rates, bare or rates, strict=True)]
    ratio, against = (None, None) if bare is None else (statistics.median(pairs), BARE)
    return Figure(name, statistics.median(rates), "events/s", ratio, against, spread(rates))


async def _bare(batch: list[Record]) -> None:
    for record in batch:
        _READER.validate_json(record.value or b"").model_dump_json()


async def _anonymizer(batch: list[Record]) -> None:
    memory, now = _Memory(), SystemClock().now()
    contexts = {
        tenant: Context((await memory.tenant(tenant)).tenant, await memory.key(tenant, "2026-11"))
        for tenant in _TENANTS
    }
    for record in batch:
        event = decode(record, _READER)
        if isinstance(event, Poison) or screen(event, now) is not None:
            raise TypeError(event)
        result = anonymize(event, contexts[event.tenantid])
        if isinstance(result, Dropped):
            raise TypeError(result)
        result.model_dump_json()


async def _rate(
    side: Callable[[list[Record]], Awaitable[None]], batches: list[list[Record]]
) -> float:
    began = time.process_time()
    for batch in batches:
        await side(batch)
    return BATCH * BATCHES / (time.process_time() - began)


def _record() -> Record:
    event = Event[ProductEvent](
        id=SystemIds().uuid7(),
        source="ostro/executions",
        type=USAGE.type,
        subject="upload",
        time=SystemClock().now(),
        tenantid=random.choice(_TENANTS),
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        data=ProductEvent(
            name=UsageEventName.UPLOADED_AUTOMATION_RESULTS,
            account_id=f"6a2ba123e12f789c{random.randrange(USERS):08x}",
            url_path=random.choice(_PATHS).format(random.randrange(CASES)),
            user_agent=random.choice(_AGENTS).format(random.randrange(100, 130)),
            app_version="7.1.1",
            format="junit",
            count=random.randrange(1_000),
            duration_ms=random.randrange(60_000),
        ),
    )
    value = event.model_dump_json().encode()
    return Record(USAGE, 0, 0, b"tenant", value, {}, 0)
