"""A whole service on the chassis: listeners, roles, traces, metrics, faults, start and stop."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from contracts.envelope import Event
from contracts.tenancy import TenantState, TenantStatus
from contracts.topics import TENANT_STATE
from kit.auth.api_tokens import ApiTokens
from kit.clock import SystemClock
from kit.directory.copy import DirectoryCopy
from kit.http.app import internal_app, public_app
from kit.ids import SystemIds
from kit.kafka.records import Poison, Record, outgoing
from kit.observability import tracing
from kit.outbox import entries
from kit.outbox.relay import Source
from kit.service import Background, Group, Parts, Role, Runtime, _until_stopped, running
from kit.settings import ServiceSettings, load
from tests.harness.installation import Installation
from tests.harness.polling import eventually

GROUP = "executions.directory"
CLOCK, IDS = SystemClock(), SystemIds()


class Sample:
    """A service with one route, one consumer group, one outbox and one background task."""

    def __init__(self) -> None:
        self.seen: list[Record] = []
        self.ticks = 0
        self.crash = False

    async def build(self, runtime: Runtime[ServiceSettings]) -> Parts:
        api = APIRouter()

        @api.get("/v2/things/{key}")
        async def thing(key: str, n: int = 0) -> dict[str, str | int]:
            if key == "fault":
                raise KeyError("content of the customer")
            return {"key": key, "n": n}

        @api.post("/v2/things")
        async def write() -> dict[str, str]:
            pending = entries.entry(CLOCK, IDS)
            await runtime.database["things"].insert_one({"_id": pending["id"], "outbox": [pending]})
            return {}

        directory = DirectoryCopy(runtime.database, runtime.peers["tenancy"], runtime.clock)
        tokens = ApiTokens(directory, "local", runtime.clock)
        return Parts(
            public=public_app("executions", [api], tokens),
            internal=internal_app("executions", [], runtime.tokens, runtime.health),
            groups={GROUP: Group(self.handle)},
            outboxes=[Source("things", lambda d, e: [self.render(runtime, d, e)])],
            background=[Background(Role.RELAY, self.tick)],
        )

    async def handle(self, records: Sequence[Record]) -> Sequence[Poison]:
        self.seen += records
        return []

    def render(self, runtime: Runtime[ServiceSettings], document: Any, pending: Any) -> Any:
        state = TenantState(tenant="t", status=TenantStatus.ACTIVE, cell="local")
        event = Event[TenantState](
            id=pending["id"],
            source="ostro/tenancy",
            type=TENANT_STATE.type,
            subject="t",
            time=datetime(2026, 1, 1, tzinfo=UTC),
            tenantid="t",
            traceparent=pending["trace"],
            data=state,
        )
        return outgoing(runtime.names.topic(TENANT_STATE), "t", event)

    async def tick(self) -> None:
        while not self.crash:
            self.ticks += 1
            await asyncio.sleep(0.01)
        raise KeyError("content of the customer")


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """Record spans; the global provider can be set only once, so the tracer is replaced."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_TRACER", provider.get_tracer("test"))
    return exporter


@contextlib.asynccontextmanager
async def sample(
    installation: Installation, role: Role = Role.ALL
) -> AsyncIterator[tuple[Sample, Runtime[ServiceSettings]]]:
    service = Sample()
    settings = installation.settings(ServiceSettings, "executions")
    indexes = {"things": [entries.INDEX]}
    async with running("executions", settings, service.build, indexes, role) as runtime:
        yield service, runtime


def urls(installation: Installation) -> tuple[str, str]:
    public, internal = installation.http_ports, installation.internal_ports
    return f"http://127.0.0.1:{public['executions']}", f"http://127.0.0.1:{internal['executions']}"


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


async def test_one_process_serves_consumes_and_relays(
    installation: Installation, http: httpx.AsyncClient
) -> None:
    public, internal = urls(installation)
    async with sample(installation) as (service, _):
        assert (await http.get(f"{public}/v2/things/a/?n=3")).json() == {"key": "a", "n": 3}
        assert (await http.get(f"{internal}/health/live")).json() == {"status": "live"}
        ready = await http.get(f"{internal}/health/ready")
        assert (ready.status_code, ready.json()) == (200, {"status": "ready", "failed": {}})
        await http.post(f"{public}/v2/things")

        async def seen() -> int:
            return len(service.seen)

        await eventually(seen)
        assert service.ticks
        metrics = (await http.get(f"{internal}/metrics")).text
        assert 'route="/v2/things/{key}",status="200"' in metrics
        assert "/v2/things/a" not in metrics
        # the internal surface is on its own listener
        for path in ("/metrics", "/health/live", "/internal/v1/x"):
            assert (await http.get(f"{public}{path}")).status_code == 404
    with pytest.raises(httpx.ConnectError):
        await http.get(f"{internal}/health/live")


async def test_a_role_does_its_own_work_alone(
    installation: Installation, http: httpx.AsyncClient
) -> None:
    public, internal = urls(installation)
    async with sample(installation, Role.CONSUMER) as (service, _):
        assert (await http.get(f"{internal}/health/ready")).status_code == 200
        with pytest.raises(httpx.ConnectError):
            await http.get(f"{public}/v2/things/a")
        assert not service.ticks
    async with sample(installation, Role.API) as (service, _):
        assert (await http.get(f"{public}/v2/things/a")).status_code == 200
        assert not service.ticks


async def test_one_trace_goes_from_http_through_the_outbox_and_kafka(
    installation: Installation, http: httpx.AsyncClient, spans: InMemorySpanExporter
) -> None:
    public, _ = urls(installation)
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    async with sample(installation) as (service, _runtime):
        headers = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}
        await http.post(f"{public}/v2/things", headers=headers)

        def mine() -> list[Record]:
            wanted = trace_id.encode()
            return [r for r in service.seen if wanted in r.headers.get("traceparent", b"")]

        async def arrived() -> int:
            return len(mine())

        await eventually(arrived)

        async def links() -> set[int]:
            finished: Sequence[ReadableSpan] = spans.get_finished_spans()
            batches = [s for s in finished if s.kind is SpanKind.CONSUMER]
            return {link.context.trace_id for span in batches for link in span.links}

        await eventually(links, lambda ids: int(trace_id, 16) in ids)
    server = [s for s in spans.get_finished_spans() if s.kind is SpanKind.SERVER]
    assert [s.name for s in server] == ["POST /v2/things"]
    assert server[0].context is not None
    assert server[0].context.trace_id == int(trace_id, 16)


async def test_a_fault_is_told_without_its_text(
    installation: Installation, http: httpx.AsyncClient
) -> None:
    public, _ = urls(installation)
    async with sample(installation):
        answer = await http.get(f"{public}/v2/things/fault")
    assert answer.status_code == 500
    assert answer.json() == {"errorCode": 500, "message": "Internal error."}
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_a_dead_background_task_makes_the_process_end(
    installation: Installation, http: httpx.AsyncClient
) -> None:
    _, internal = urls(installation)
    async with sample(installation) as (service, runtime):
        service.crash = True
        await asyncio.wait_for(runtime.failed.wait(), 20)
        ready = await http.get(f"{internal}/health/ready")
        assert ready.status_code == 503
        assert ready.json()["failed"] == {"background": "KeyError"}


async def test_a_taken_port_is_named(installation: Installation) -> None:
    port = installation.http_ports["executions"]
    with socket.create_server(("127.0.0.1", port)), pytest.raises(OSError, match=str(port)):
        async with sample(installation):
            pass


# --- as a process of its own ------------------------------------------------------------------

_PROGRAM = """
import asyncio, typer
from kit.service import run, Parts
from kit.http.app import internal_app, public_app
from kit.auth.api_tokens import ApiTokens
from kit.directory.copy import DirectoryCopy
from kit.settings import ServiceSettings

async def build(runtime):
    directory = DirectoryCopy(runtime.database, runtime.peers["tenancy"], runtime.clock)
    return Parts(
        public=public_app("executions", [], ApiTokens(directory, "local", runtime.clock)),
        internal=internal_app("executions", [], runtime.tokens, runtime.health),
    )

typer.run(run("executions", ServiceSettings, build, {}))
"""


async def _start(environment: dict[str, str]) -> asyncio.subprocess.Process:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("OSTRO_")}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _PROGRAM,
        env=inherited | environment,
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )


async def _ended(process: asyncio.subprocess.Process) -> tuple[int, str]:
    _, errors = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode or 0, errors.decode()


async def test_a_process_stops_on_sigterm_and_logs_json_lines(
    installation: Installation, http: httpx.AsyncClient
) -> None:
    _, internal = urls(installation)
    process = await _start(installation.environment("executions"))

    async def live() -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return (await http.get(f"{internal}/health/live")).status_code == 200
        return False

    await eventually(live)
    process.send_signal(signal.SIGTERM)
    code, errors = await _ended(process)
    assert code == 0
    lines = [json.loads(line) for line in errors.splitlines()]
    assert [line["event"] for line in lines] == ["started", "stopping"]
    assert all(line["service"] == "executions" for line in lines)


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        ("http_port", "99999", "OSTRO_HTTP_PORT: "),
        ("kafka_bootstrap", "localhost", "OSTRO_KAFKA_BOOTSTRAP: "),
        ("mongodb_uri", "postgres://x", "OSTRO_MONGODB_URI: "),
        ("mongodb_uri", "mongodb://", "OSTRO_MONGODB_URI: "),
        ("mongodb_uri", "mongodb://host:port/", "OSTRO_MONGODB_URI: "),
        ("kafka_security", "TLS", "OSTRO_KAFKA_SECURITY: "),
        ("kafka_security", "SASL_SSL", "OSTRO_KAFKA_USERNAME and OSTRO_KAFKA_PASSWORD_FILE"),
        ("log_level", "CHATTY", "OSTRO_LOG_LEVEL: "),
        ("public_url", "not a url", "OSTRO_PUBLIC_URL: "),
        ("service_key_file", "/nowhere/key.pem", "OSTRO_SERVICE_KEY_FILE: cannot read"),
        ("service_key_file", "peers.json", "OSTRO_SERVICE_KEY_FILE: "),
        ("peer_keys_file", "executions.pem", "OSTRO_PEER_KEYS_FILE: "),
        ("mongodb_password_file", "peers.json", "OSTRO_MONGODB_URI must name a user"),
    ],
)
async def test_a_wrong_setting_ends_the_start_by_its_name(
    installation: Installation,
    start: "Start",
    setting: str,
    value: str,
    says: str,
) -> None:
    if (installation.folder / value).exists():
        value = str(installation.folder / value)
    code, errors = await start(**{setting: value})
    assert code in {1, 2}
    assert says in errors


async def test_a_missing_setting_is_named(start: "Start", monkeypatch: pytest.MonkeyPatch) -> None:
    code, errors = await start(mongodb_uri=None)
    assert code == 2
    assert "OSTRO_MONGODB_URI: Field required" in errors


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        ("kafka_bootstrap", "127.0.0.1:9", "Kafka at 127.0.0.1:9 does not answer"),
        ("topic_prefix", "nothing-here.", "python -m kit.kafka.topics apply"),
    ],
)
async def test_a_server_that_is_not_ready_is_named(
    start: "Start", setting: str, value: str, says: str
) -> None:
    code, errors = await start(**{setting: value, "start_timeout_seconds": "0.5"})
    assert code == 1
    assert says in errors


Start = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
def start(
    installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Start:
    """Start the service as ``python -m`` does, until it ends by itself."""

    async def begin(**changes: str | None) -> tuple[int, str]:
        given = {k: v for k, v in changes.items() if v is not None}
        environment = installation.environment("executions", **given)
        for name in changes.keys() - given.keys():
            del environment[f"OSTRO_{name.upper()}"]
        for variable, text in environment.items():
            monkeypatch.setenv(variable, text)
        try:
            settings = load(ServiceSettings)
            code = await _until_stopped("executions", settings, Sample().build, {}, Role.ALL)
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
            sys.stderr.write("" if isinstance(error.code, int) else str(error.code))
        return code, capsys.readouterr().err

    return begin
