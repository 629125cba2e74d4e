"""Notes of used tokens: one a minute, in the background, dropped rather than waited for."""

import asyncio
import contextlib

import pytest
from pydantic import TypeAdapter

from contracts.envelope import Event
from contracts.tenancy import TokenUse
from contracts.topics import TOKEN_USE
from kit.auth.principal import Principal
from kit.auth.use import TokenUses
from kit.kafka.client import Names
from kit.kafka.producer import Publisher
from kit.observability.metrics import REGISTRY
from kit.settings import KafkaSettings
from tests.harness.fakes import ManualClock
from tests.harness.installation import free_port
from tests.harness.polling import eventually
from tests.integration.kit.conftest import Namespace

TOPICS = (TOKEN_USE,)
_USE: TypeAdapter[Event[TokenUse]] = TypeAdapter(Event[TokenUse])


def principal(ident: str = "tok", tenant: str = "t1") -> Principal:
    return Principal(tenant, "acc", ident, frozenset())


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("ostro_token_uses_total", {"outcome": outcome}) or 0.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def uses(kafka: Namespace, clock: ManualClock) -> TokenUses:
    return TokenUses(kafka.publisher, kafka.names, "executions", clock, most_notes=5)


async def told(kafka: Namespace) -> list[tuple[str, str]]:
    """Return key and time of each record."""
    found = []
    for record in await kafka.read(kafka.names.topic(TOKEN_USE)):
        event = _USE.validate_json(record.value)
        assert (event.source, event.type) == ("ostro/executions", TOKEN_USE.type)
        found.append((record.key.decode(), event.data.used_at.strftime("%H:%M:%S")))
    return sorted(found)


async def test_one_note_for_each_token_and_minute(
    kafka: Namespace, uses: TokenUses, clock: ManualClock
) -> None:
    running = asyncio.create_task(uses.run())
    for _ in range(3):
        for who in (principal(), principal("other"), principal("tok", "t2")):
            uses.note(who)
        clock.advance(seconds=15)
    await eventually(lambda: told(kafka), lambda found: len(found) == 3)
    clock.advance(seconds=15)
    uses.note(principal())
    assert not running.done()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await uses.flush()
    assert await told(kafka) == [
        ("t1/other", "12:00:00"),
        ("t1/tok", "12:00:00"),
        ("t1/tok", "12:01:00"),
        ("t2/tok", "12:00:00"),
    ]


async def test_notes_are_bounded_and_what_is_too_much_is_counted(
    kafka: Namespace, uses: TokenUses
) -> None:
    before = counted("dropped")
    for number in range(8):
        uses.note(principal(f"tok{number}"))
    assert counted("dropped") == before + 3
    await uses.flush()
    assert len(await told(kafka)) == 5


async def test_with_kafka_away_notes_are_dropped_and_the_task_goes_on(clock: ManualClock) -> None:
    settings = KafkaSettings(kafka_bootstrap=f"127.0.0.1:{free_port()}")
    publisher = Publisher(settings, client_id="test", timeout=2)
    uses = TokenUses(publisher, Names(), "executions", clock)
    dropped, sent = counted("dropped"), counted("sent")
    running = asyncio.create_task(uses.run())
    uses.note(principal())

    async def all_dropped() -> bool:
        return counted("dropped") == dropped + 1

    await eventually(all_dropped)
    assert not running.done()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    clock.advance(minutes=1)
    uses.note(principal())
    started = asyncio.get_running_loop().time()
    await uses.flush()
    assert asyncio.get_running_loop().time() - started < 5
    assert (counted("dropped"), counted("sent")) == (dropped + 2, sent)
    await publisher.stop()
