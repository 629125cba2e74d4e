"""Webhooks taken per second, against a bare handler that proves and sends the same.

Ours is tenancy's API as a process of its own; the bare handler is served by uvicorn the same way.
The same clients send the same signed webhook of an issue to one after the other.
"""

import base64
import contextlib
import hashlib
import http.server
import json
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pymongo import MongoClient

from bench.consumer import environment
from bench.report import Figure, spread
from bench.stack import Stack
from kit.ids import stable_uuid
from services.tenancy.adapters.kafka.jira_changes import record
from services.tenancy.domain.webhooks import Dropped, minimise

CLIENTS, SECONDS, PAIRS = 32, 3.0, 5
PATH = "/jira/webhooks/dynamic"
_PREFIX, _DATABASE = "benchwebhooks.", f"bench_webhooks_{secrets.token_hex(4)}"
_APP_KEY = "io.ostro.test-management"


def measure(running: Stack) -> list[Figure]:
    """Five alternating pairs."""
    secret, folder = secrets.token_urlsafe(48), running.folder
    body = _body()
    with (
        _ours(running, secret) as (port, tenant),
        _bare(running, tenant, secret, body) as bare_port,
    ):
        request = folder / "webhook.http"
        request.write_bytes(_request(tenant, secret, body))
        ours: list[float] = []
        bare: list[float] = []
        for number in range(PAIRS + 1):
            pair = _rate(bare_port, request), _rate(port, request)
            if number:  # the first pair warms both sides
                bare.append(pair[0])
                ours.append(pair[1])
    ratios = sorted(o / b for o, b in zip(ours, bare, strict=True))
    middle = PAIRS // 2
    return [
        Figure(
            f"webhooks of issues, {len(body)} bytes, {CLIENTS} clients",
            sorted(ours)[middle],
            "webhooks/s",
            ratios[middle],
            "bare handler",
            spread(ours),
        ),
        Figure("bare handler", sorted(bare)[middle], "webhooks/s", spread=spread(bare)),
    ]


def _rate(port: int, request: Path) -> float:
    clients = [sys.executable, "-m", "bench.baselines.webhook_clients"]
    done = subprocess.run(
        [*clients, str(port), str(CLIENTS), str(SECONDS), str(request)],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


@contextlib.contextmanager
def _ours(running: Stack, secret: str) -> Iterator[tuple[int, str]]:
    """Run tenancy's API with one installed site; yield its port and the site's client key."""
    port, client_key = _free_port(), secrets.token_hex(18)
    base_url = f"http://127.0.0.1:{port}"
    with _key_server() as (key, keys_url):
        settings = environment(running, "tenancy", _PREFIX, _DATABASE) | {
            "OSTRO_HTTP_PORT": str(port),
            "OSTRO_MASTER_KEY_FILE": str(_master_key(running.folder)),
            "OSTRO_APP_KEY": _APP_KEY,
            "OSTRO_PUBLIC_URL": base_url,
            "OSTRO_JIRA_KEY_SERVERS": keys_url,
            "OSTRO_JIRA_HOSTS": "127.0.0.1",
            "OSTRO_JIRA_ALLOW_HTTP": "true",
        }
        subprocess.run(
            [sys.executable, "-m", "kit.kafka.topics", "apply"],
            env=settings,
            capture_output=True,
            check=True,
        )
        try:
            with _process("services.tenancy", "--role", "api", env=settings):
                _until_up(port)
                _install(base_url, key, client_key, secret)
                yield port, client_key
        finally:
            _drop(running)


@contextlib.contextmanager
def _bare(running: Stack, tenant: str, secret: str, body: bytes) -> Iterator[int]:
    port = _free_port()
    change = minimise(json.loads(body), datetime.now(UTC))
    assert not isinstance(change, Dropped)
    topic = f"{_PREFIX}ostro.tenancy.jira-change.v1"
    sent = record(topic, tenant[:16], stable_uuid(tenant, "delivery-00000000"), change)
    assert sent.key is not None
    assert sent.value is not None
    headers = [[name, value.decode()] for name, value in sent.headers]
    same = json.dumps({"key": sent.key.decode(), "value": sent.value.decode(), "headers": headers})
    bootstrap = running.demo["KAFKA_BOOTSTRAP"]
    with _process("bench.baselines.webhook_server", str(port), bootstrap, topic, same, secret):
        _until_up(port)
        yield port


@contextlib.contextmanager
def _process(module: str, *arguments: str, env: Mapping[str, str] | None = None) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-m", module, *arguments], env=env)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def _key_server() -> Iterator[tuple[rsa.RSAPrivateKey, str]]:
    """Serve one public key under any kid, as Atlassian's servers of install keys do."""
    key = rsa.generate_private_key(65537, 2048)
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(pem)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield key, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _install(base_url: str, key: rsa.RSAPrivateKey, client_key: str, secret: str) -> None:
    now = int(time.time())
    claims = {
        "iss": client_key,
        "aud": [base_url],
        "iat": now,
        "exp": now + 180,
        "qsh": _qsh("/connect/installed"),
    }
    token = jwt.encode(claims, key, "RS256", headers={"kid": "bench"})
    payload = {
        "key": _APP_KEY,
        "clientKey": client_key,
        "sharedSecret": secret,
        "baseUrl": "http://127.0.0.1:9",
        "productType": "jira",
        "eventType": "installed",
    }
    headers = {"authorization": f"JWT {token}"}
    with httpx.Client(base_url=base_url, trust_env=False) as client:
        client.post("/connect/installed", json=payload, headers=headers).raise_for_status()


def _request(client_key: str, secret: str, body: bytes) -> bytes:
    now = int(time.time())
    claims = {"iss": client_key, "iat": now, "exp": now + 3600, "qsh": _qsh(PATH)}
    lines = [
        f"POST {PATH} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: JWT {jwt.encode(claims, secret, 'HS256')}",
        "Content-Type: application/json; charset=UTF-8",
        "User-Agent: Atlassian Webhook HTTP Client",
        "X-Atlassian-Webhook-Identifier: delivery-@@@@@@@@",
        "X-Atlassian-Webhook-Flow: Primary",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _qsh(path: str) -> str:
    return hashlib.sha256(f"POST&{path}&".encode()).hexdigest()


def _body() -> bytes:
    """An updated issue with thirty fields and what was changed, about as long as Jira's are."""
    person = {
        "accountId": "557058:5b10ac8d82e05b22cc7d4ef5",
        "displayName": "Somebody",
        "avatarUrls": {size: f"https://avatars.example/{size}.png" for size in ("16", "24", "48")},
        "timeZone": "Europe/Berlin",
        "accountType": "atlassian",
        "active": True,
    }
    fields: dict[str, Any] = {f"customfield_{10000 + n}": f"value {n}" * 4 for n in range(30)}
    fields |= {
        "summary": "A summary of usual length for an issue",
        "description": "What happened, and what was expected to happen instead. " * 20,
        "project": {"id": "10000", "key": "DEMO", "name": "Demo"},
        "reporter": person,
        "assignee": person,
    }
    items = [{"field": f"f{n}", "fromString": "before", "toString": "after"} for n in range(3)]
    body = {
        "timestamp": int(time.time() * 1000),
        "webhookEvent": "jira:issue_updated",
        "user": person,
        "issue": {"id": "10042", "key": "DEMO-42", "fields": fields},
        "changelog": {"id": "10300", "items": items},
        "matchedWebhookIds": [1],
    }
    return json.dumps(body).encode()


def _master_key(folder: Path) -> Path:
    path = folder / "bench-master-key"
    path.write_text(base64.b64encode(secrets.token_bytes(32)).decode())
    return path


def _until_up(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if time.monotonic() > deadline:
            raise SystemExit(f"nothing listens on {port}")
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _drop(running: Stack) -> None:
    with MongoClient[dict[str, Any]](running.demo["MONGODB_URI"]) as mongo:
        mongo.drop_database(_DATABASE)
