"""Notes on their way: in the background, all of them at a stop, dropped rather than waited for."""

import asyncio
import contextlib

import pytest
from pydantic import TypeAdapter

from contracts.diagnostics import OPERATOR, Diagnostic, Place
from contracts.envelope import Event
from contracts.topics import DIAGNOSTIC
from kit.diagnostics import Diagnostics
from kit.ids import SystemIds
from kit.kafka.client import Names
from kit.kafka.producer import Publisher
from kit.observability.diagnostics import Recorder, concerning
from kit.observability.metrics import REGISTRY
from kit.settings import KafkaSettings
from tests.harness.fakes import ManualClock
from tests.harness.installation import free_port
from tests.harness.polling import eventually
from tests.integration.kit.conftest import Namespace

TOPICS = (DIAGNOSTIC,)
_EVENT: TypeAdapter[Event[Diagnostic]] = TypeAdapter(Event[Diagnostic])


@pytest.fixture
def recorder() -> Recorder:
    return Recorder("executions", ManualClock(), lambda _: 0)


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("ostro_diagnostics_total", {"outcome": outcome}) or 0.0


async def told(kafka: Namespace) -> list[tuple[str, str]]:
    """Return tenant and kind of each record."""
    found = []
    for record in await kafka.read(kafka.names.topic(DIAGNOSTIC)):
        event = _EVENT.validate_json(record.value)
        assert (event.source, event.type) == ("ostro/executions", DIAGNOSTIC.type)
        assert (record.key, event.traceparent) == (b"executions", None)
        (kind,) = event.data.model_dump(exclude_none=True).keys() - {"service", "release"}
        found.append((event.tenantid, kind))
    return sorted(found)


async def test_what_is_noted_is_published_and_the_rest_at_a_stop(
    kafka: Namespace, recorder: Recorder
) -> None:
    diagnostics = Diagnostics(recorder, kafka.publisher, kafka.names, SystemIds())
    running = asyncio.create_task(diagnostics.run())
    recorder.started()
    await eventually(lambda: told(kafka), lambda found: found == [(OPERATOR, "starts")])
    with concerning("tenant-1"):
        recorder.error(ValueError(), Place.HTTP, handled=False)
        recorder.request("GET", "/v2/projects", 200, 0.1)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await diagnostics.flush()
    assert await told(kafka) == [
        (OPERATOR, "starts"),
        ("tenant-1", "error"),
        ("tenant-1", "request"),
    ]


async def test_with_kafka_away_notes_are_dropped_and_counted(recorder: Recorder) -> None:
    settings = KafkaSettings(kafka_bootstrap=f"127.0.0.1:{free_port()}")
    publisher = Publisher(settings, "test", timeout=0.2)
    diagnostics = Diagnostics(recorder, publisher, Names(), SystemIds())
    before = counted("dropped")
    recorder.started()
    running = asyncio.create_task(diagnostics.run())

    async def dropped() -> float:
        return counted("dropped")

    await eventually(dropped, lambda found: found == before + 1)
    assert not running.done()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await publisher.stop()
