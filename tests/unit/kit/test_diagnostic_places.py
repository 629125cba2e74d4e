"""Where errors surface: each place notes them, with whose work it was."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI, Response
from pymongo.errors import AutoReconnect

from contracts.diagnostics import OPERATOR
from contracts.topics import UPLOAD
from kit.http import errors
from kit.http.fast import FastRoutes
from kit.http.middleware import Observe
from kit.kafka.consumer import BatchProcessor
from kit.kafka.records import TENANT_HEADER, Outgoing, Poison, Record
from kit.observability.diagnostics import CONCERNED, RECORDER, Recorder
from kit.outbox.relay import Relay, Source
from kit.settings import KafkaSettings
from tests.harness.fakes import ManualClock


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    found = Recorder("executions", ManualClock(), lambda _: 0)
    token = RECORDER.set(found)
    yield found
    RECORDER.reset(token)


def noted(recorder: Recorder) -> list[tuple[str, str, str, bool]]:
    """Return tenant, type, place and whether it was handled."""
    found = [(n.tenant, n.diagnostic.error) for n in recorder.rest()]
    return [(t, e.error_class, e.place, e.handled) for t, e in found if e is not None]


def application(recorder: Recorder) -> FastAPI:
    app = FastAPI(openapi_url=None)

    @app.get("/v2/things/{key}")
    async def thing(key: str) -> None:
        CONCERNED.set("tenant-1")
        raise {"bug": KeyError, "down": AutoReconnect}[key]("jane@example.com")

    @app.get("/v2/open")
    async def everybodys() -> None:
        raise ValueError

    errors.install(app)
    app.add_middleware(Observe, recorder=recorder, edge=True)
    return app


async def test_a_request_that_fails_is_noted_with_its_tenant(recorder: Recorder) -> None:
    transport = httpx.ASGITransport(app=application(recorder))
    async with httpx.AsyncClient(transport=transport, base_url="http://ostro.test") as http:
        assert (await http.get("/v2/things/bug")).status_code == 500
        assert (await http.get("/v2/things/down")).status_code == 503
    notes = recorder.rest()
    spans = [(n.tenant, n.diagnostic.request) for n in notes]
    assert [(t, s.route, s.status // 100) for t, s in spans if s is not None] == [
        ("tenant-1", "/v2/things/{key}", 5)
    ]
    (error,) = [n for n in notes if n.diagnostic.error]
    assert error.tenant == "tenant-1"
    assert "jane" not in error.diagnostic.model_dump_json()


async def test_nobodys_request_is_not_that_of_the_tenant_before(recorder: Recorder) -> None:
    # this client calls in the test's own context, as a connection that is kept may
    transport = httpx.ASGITransport(app=application(recorder))
    async with httpx.AsyncClient(transport=transport, base_url="http://ostro.test") as http:
        await http.get("/v2/things/bug")
        assert CONCERNED.get() == "tenant-1"
        assert (await http.get("/v2/open")).status_code == 500
    assert sorted(noted(recorder)) == [
        (OPERATOR, "ValueError", "http", False),
        ("tenant-1", "KeyError", "http", False),
    ]


async def test_so_is_one_that_is_answered_before_the_application(recorder: Recorder) -> None:
    async def endpoint(*_: Any) -> Response:
        CONCERNED.set("tenant-1")
        raise KeyError

    app = FastRoutes(application(recorder), {("POST", "/v2/fast"): endpoint})
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://ostro.test") as http:
        assert (await http.post("/v2/fast")).status_code == 500
    notes = recorder.rest()
    assert {(n.tenant, n.diagnostic.error is None) for n in notes} == {
        ("tenant-1", True),
        ("tenant-1", False),
    }


async def test_a_record_that_cannot_be_processed_is_noted_with_its_tenant(
    recorder: Recorder,
) -> None:
    async def fail(_: Sequence[Record]) -> Sequence[Poison]:
        raise KeyError("jane@example.com")

    nothing: Any = None  # neither letters nor health are reached
    processor = BatchProcessor("testcases.uploads", fail, nothing, nothing)
    headers: list[Mapping[str, bytes]] = [{TENANT_HEADER: b"tenant-1"}, {}]
    records = [Record(UPLOAD, 0, n, b"k", b"{}", h, 0) for n, h in enumerate(headers)]
    assert len(await processor._one_by_one(records)) == 2
    assert sorted(noted(recorder)) == [
        (OPERATOR, "KeyError", "consumer", False),
        ("tenant-1", "KeyError", "consumer", False),
    ]


async def test_an_event_that_cannot_be_built_is_noted_with_its_tenant(recorder: Recorder) -> None:
    def render(*_: Any) -> Sequence[Outgoing]:
        raise KeyError("jane@example.com")

    nothing: Any = None  # neither database nor lease is reached
    settings = KafkaSettings(kafka_bootstrap="127.0.0.1:9")
    relay = Relay(settings, "executions", nothing, [], nothing)
    document = {"_id": 1, "tenant": "tenant-1", "outbox": []}
    assert relay._render(Source("test_cycles", render), document, {"id": "1"}) is None
    assert noted(recorder) == [("tenant-1", "KeyError", "relay", False)]


@pytest.mark.parametrize(
    ("say", "told"), [(lambda log: log.exception, 1), (lambda log: log.warning, 0)]
)
async def test_a_line_of_log_with_an_exception_is_noted(
    recorder: Recorder, say: Callable[[Any], Callable[..., Any]], told: int
) -> None:
    try:
        raise KeyError("jane@example.com")  # noqa: TRY301  to be logged
    except KeyError as error:
        say(structlog.get_logger(__name__))("it failed", exc_info=error)
    assert noted(recorder) == [(OPERATOR, "KeyError", "log", True)] * told
