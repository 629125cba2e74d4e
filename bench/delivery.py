"""From the anonymous topic to a processor that accepts at once, against a bare loop.

Both read the same events from a topic filled beforehand and post the same bytes; the rate is
taken at the processor, between the first and the last request.
"""

import asyncio
import secrets
import socketserver
import subprocess
import sys
import threading
import time
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer
from pymongo import MongoClient

from bench.consumer import environment
from bench.report import Figure, spread
from bench.stack import Stack
from contracts.envelope import Event
from contracts.telemetry import TENANT_HANDLE_HEADER, AnonymousEvent, ClientFamily
from contracts.topics import ANONYMOUS
from contracts.usage import UsageEventName
from kit.directory.copy import TENANTS

EVENTS = 60_000
PAIRS = 5
_TENANT, _HANDLE = "bench", "benchhandle"
_PATIENCE_SECONDS = 120.0


@dataclass
class Processor:
    """Takes whatever comes, and notes when how many events came."""

    wanted: int = EVENTS
    arrivals: list[tuple[float, int]] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    def took(self, body: bytes) -> int:
        """Count the events of a request."""
        count = body.count(b'"insert_id"')
        self.arrivals.append((time.perf_counter(), count))
        if sum(n for _, n in self.arrivals) >= self.wanted:
            self.done.set()
        return count

    def rate(self) -> float:
        """Return events per second after the first request."""
        (first, skipped), (last, _) = self.arrivals[0], self.arrivals[-1]
        return (sum(n for _, n in self.arrivals) - skipped) / (last - first)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    processor = Processor()


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        """Accept."""
        body = self.rfile.read(int(self.headers["content-length"]))
        count = self.server.processor.took(body)
        answer = orjson.dumps({"code": 200, "events_ingested": count})
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def measure(running: Stack) -> list[Figure]:
    """Alternating pairs; the first one warms both sides."""
    ours: list[float] = []
    bare: list[float] = []
    with _Server(("127.0.0.1", 0), _Request) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for number in range(PAIRS + 1):
            pair = _bare(running, server, number), _ours(running, server, number)
            if number:
                bare.append(pair[0])
                ours.append(pair[1])
        server.shutdown()
    ratios = sorted(o / b for o, b in zip(ours, bare, strict=True))
    middle = PAIRS // 2
    return [
        Figure(
            "Kafka to a processor",
            sorted(ours)[middle],
            "events/s",
            ratios[middle],
            "bare loop",
            spread(ours),
        ),
        Figure(
            "bare aiokafka-plus-httpx loop", sorted(bare)[middle], "events/s", spread=spread(bare)
        ),
    ]


def _bare(running: Stack, server: _Server, number: int) -> float:
    prefix = f"bare{number}."
    _apply_topics(environment(running, "telemetry", prefix, "bare"))
    topic = f"{prefix}{ANONYMOUS.name}"
    asyncio.run(_fill(running, topic))
    command = [sys.executable, "-m", "bench.baselines.deliver", running.demo["KAFKA_BOOTSTRAP"]]
    return _rate(server, [*command, topic, f"{_url(server)}/batch", str(EVENTS)], None)


def _ours(running: Stack, server: _Server, number: int) -> float:
    prefix, database = f"sent{number}.", f"bench_telemetry_{number}"
    folder = Path(running.folder)
    (folder / "bench-key").write_text("bench")
    (folder / "bench-pseudonym-key").write_text(b64encode(secrets.token_bytes(32)).decode())
    settings = {
        **environment(running, "telemetry", prefix, database),
        "OSTRO_PSEUDONYM_KEY_FILE": str(folder / "bench-pseudonym-key"),
        "OSTRO_AMPLITUDE_URL": _url(server),
        "OSTRO_AMPLITUDE_API_KEY_FILE": str(folder / "bench-key"),
    }
    _apply_topics(settings)
    asyncio.run(_fill(running, f"{prefix}{ANONYMOUS.name}"))
    with MongoClient[dict[str, Any]](running.demo["MONGODB_URI"]) as mongo:
        _consenting(mongo, database)
        command = [sys.executable, "-m", "services.telemetry", "--role", "consumer"]
        try:
            return _rate(server, command, settings)
        finally:
            mongo.drop_database(database)


def _rate(server: _Server, command: list[str], settings: dict[str, str] | None) -> float:
    server.processor = Processor()
    process = subprocess.Popen(command, env=settings, stderr=subprocess.DEVNULL)
    try:
        if not server.processor.done.wait(_PATIENCE_SECONDS):
            raise SystemExit("the events did not arrive")
        return server.processor.rate()
    finally:
        process.terminate()
        process.wait(30)


def _consenting(mongo: MongoClient[dict[str, Any]], database: str) -> None:
    """Store a tenant that lets Amplitude have its events."""
    held, now = mongo[database], datetime.now(UTC)
    tenant = {"_id": _TENANT, "tenant": _TENANT}
    held[TENANTS].insert_one({**tenant, "seq": 1, "status": "active", "cell": "local"})
    held["tenant_handles"].insert_one({**tenant, "handle": _HANDLE})
    consent = {"processors": ["amplitude"], "changed_at": now, "changed_by": "bench"}
    held["consents"].insert_one({**tenant, **consent})


def _apply_topics(settings: dict[str, str]) -> None:
    command = [sys.executable, "-m", "kit.kafka.topics", "apply"]
    subprocess.run(command, env=settings, capture_output=True, check=True)


async def _fill(running: Stack, topic: str) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=running.demo["KAFKA_BOOTSTRAP"], enable_idempotence=True
    )
    await producer.start()
    headers = [(TENANT_HANDLE_HEADER, _HANDLE.encode())]
    for number in range(EVENTS):
        value = _event(number).model_dump_json().encode()
        await producer.send(topic, value, key=f"{number % 97:024x}".encode(), headers=headers)
    await producer.stop()


def _event(number: int) -> Event[AnonymousEvent]:
    anonymous = AnonymousEvent(
        event_id=f"{number:032x}",
        name=UsageEventName.UPLOADED_AUTOMATION_RESULTS,
        user=f"{number % 97:024x}",
        instance=f"{7:024x}",
        hour=datetime(2026, 11, 24, 10, tzinfo=UTC),
        path="/v2/automations/executions/junit",
        client=ClientFamily.CURL,
        app_version="1.0",
        jira_version="8.14",
    )
    return Event[AnonymousEvent](
        id=anonymous.event_id,
        source="bench",
        type=ANONYMOUS.type,
        subject=f"{number % 97:024x}",
        time=anonymous.hour,
        tenantid="anonymous",
        data=anonymous,
    )


def _url(server: _Server) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"
