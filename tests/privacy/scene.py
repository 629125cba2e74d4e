"""The whole system as processes, with Jira and the processors around it, every byte kept."""

import contextlib
import gzip
import json
import secrets
import string
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from devstack.jira.app import Setup as JiraSetup
from devstack.jira.app import StandIn, build
from devstack.jira.demo import ADMIN
from devstack.jira.model import Installation as App
from devstack.processors.app import ProcessorsApp, Setup
from devstack.processors.wire import ClosableProtocol
from devstack.standin.serving import Listeners, bind, port_of
from kit.auth.principal import Scope as TokenScope
from kit.kafka.client import Names
from kit.kafka.producer import Publisher
from kit.mongo import connect
from tests.harness.canary_tokens import Planter
from tests.harness.installation import Installation
from tests.harness.operator import Operator, operator
from tests.harness.polling import eventually
from tests.harness.processes import ServiceProcess, process
from tests.harness.remains import Collector, collector
from tests.harness.system import client
from tests.harness.watch import Watch, watching
from tests.integration.telemetry.house import settings_of
from tests.integration.telemetry.standins import (
    API_KEY,
    BUGSNAG_KEY,
    SDK_KEY,
    WRITE_KEY,
    Standins,
)
from tests.integration.tenancy.jira_site import hs256

SERVICES = ("tenancy", "testcases", "executions", "telemetry")
CONSENT = "http://ostro.test/ostro/v1/telemetry/consent"
CONSENTED = {"amplitude": True, "bugsnag": True, "launchdarkly": True, "segment": True}


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came in, before anybody read or unpacked it."""

    method: str
    target: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    @property
    def bytes(self) -> bytes:
        """All of it."""
        lines = [f"{self.method} {self.target}".encode(), *(b": ".join(h) for h in self.headers)]
        return b"\n".join([*lines, b"", self.body])


@dataclass
class Tap:
    """Stands before the stand-ins and keeps what comes in, apart from their own records."""

    app: ASGIApp
    calls: list[Call] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Keep the request and pass it on."""
        own = scope["type"] == "http" and scope["path"].startswith(("/control", "/recorded"))
        if scope["type"] != "http" or own:
            await self.app(scope, receive, send)
            return
        target = f"{scope['path']}?{scope['query_string'].decode('latin-1')}"
        index = len(self.calls)
        self.calls.append(Call(scope["method"], target, tuple(scope["headers"]), b""))

        async def keeping() -> Message:
            message = await receive()
            call, more = self.calls[index], message.get("body", b"")
            self.calls[index] = Call(call.method, call.target, call.headers, call.body + more)
            return message

        await self.app(scope, keeping, send)


@dataclass
class Scene:
    """Everything that runs, and what was planted in it."""

    installation: Installation
    planter: Planter
    processes: dict[str, ServiceProcess]
    logs: list[Path]
    tap: Tap
    processors: Standins
    jira: httpx.AsyncClient
    standin: StandIn
    operator: Operator
    tenant: str
    http: httpx.AsyncClient
    publisher: Publisher
    watch: Watch
    traces: Collector
    stack: contextlib.AsyncExitStack
    settings: dict[str, dict[str, Any]]
    credentials: dict[str, str] = field(default_factory=dict)
    """Real ones, by what they are."""
    private_key: str = field(
        default_factory=lambda: (
            "Q" + "".join(secrets.choice(string.ascii_uppercase) for _ in "9" * 9)
        )
    )
    """Key of a project in Jira that Ostro is not used for."""

    @property
    def names(self) -> Names:
        """Physical names of topics."""
        return Names(self.installation.prefix)

    @property
    def app(self) -> App:
        """The app at the Jira site."""
        (found,) = self.standin.world.state.sites["demo"].installations.values()
        return found

    async def control(self, lever: str, **order: Any) -> dict[str, Any]:
        """Pull a lever of the Jira stand-in."""
        answer = await self.jira.post(f"/control/{lever}", json=order)
        assert answer.is_success, answer.text
        return dict(answer.json())

    def frame_token(self, sub: str, qsh: str = "context-qsh") -> str:
        """Sign what Jira signs for a page in a frame."""
        key = self.standin.world.state.sites["demo"].client_key
        now = int(time.time())
        claims = {"iss": key, "sub": sub, "iat": now, "exp": now + 900, "qsh": qsh}
        return hs256({"typ": "JWT", "alg": "HS256"}, claims, self.app.shared_secret)

    async def start(self, name: str) -> None:
        """Run a service, again when it has been killed."""
        running = process(self.installation, name, ready=False, **self.settings[name])
        self.processes[name] = await self.stack.enter_async_context(running)
        self.logs.append(self.processes[name].log)

    def har(self, calls: Sequence[Call]) -> str:
        """Return what the processors got as an HTTP archive."""
        entries = [_entry("https://processor.example", call) for call in calls]
        creator = {"name": "ostro", "version": "1"}
        return json.dumps({"log": {"version": "1.2", "creator": creator, "entries": entries}})


def _entry(base: str, call: Call) -> dict[str, Any]:
    headers = [{"name": k.decode(), "value": v.decode("latin-1")} for k, v in call.headers]
    request: dict[str, Any] = {
        "method": call.method,
        "url": base + call.target,
        "httpVersion": "HTTP/1.1",
        "headers": headers,
        "queryString": [],
        "cookies": [],
        "headersSize": -1,
        "bodySize": len(call.body),
    }
    if call.body:
        zipped = dict(call.headers).get(b"content-encoding") == b"gzip"
        text = (gzip.decompress(call.body) if zipped else call.body).decode("utf-8", "replace")
        mime = dict(call.headers).get(b"content-type", b"application/json").decode()
        request["postData"] = {"mimeType": mime, "text": text}
    answer = {"status": 200, "statusText": "", "httpVersion": "HTTP/1.1", "headers": []}
    answer |= {"cookies": [], "content": {"size": 0, "mimeType": ""}, "redirectURL": ""}
    answer |= {"headersSize": -1, "bodySize": 0}
    return {
        "startedDateTime": "2026-11-24T12:00:00Z",
        "time": 1,
        "request": request,
        "response": answer,
        "cache": {},
        "timings": {"send": 0, "wait": 1, "receive": 0},
    }


@contextlib.asynccontextmanager
async def scene(installation: Installation) -> AsyncIterator[Scene]:
    """Start everything, install the app at a Jira site, consent to all processors."""
    listeners, jira_sock, sock = (
        Listeners(ClosableProtocol),
        bind("127.0.0.1", 0),
        bind("127.0.0.1", 0),
    )
    async with contextlib.AsyncExitStack() as stack:
        jira_url = f"http://127.0.0.1:{port_of(jira_sock)}"
        tenancy_url = f"http://127.0.0.1:{installation.http_ports['tenancy']}"
        jira = build(JiraSetup(base_url=jira_url, app_url=tenancy_url))
        tap = Tap(ProcessorsApp(Setup(WRITE_KEY, API_KEY, BUGSNAG_KEY, SDK_KEY)))
        jira_listeners = Listeners()
        await jira_listeners.serve(jira.app, jira_sock)
        stack.push_async_callback(jira_listeners.stop)
        await listeners.serve(tap, sock)
        stack.push_async_callback(listeners.stop)
        stack.push_async_callback(jira.sender.close)
        url = f"http://127.0.0.1:{port_of(sock)}"
        traces = await stack.enter_async_context(collector())
        http = httpx.AsyncClient
        processors = await stack.enter_async_context(http(base_url=url, trust_env=False))
        levers = await stack.enter_async_context(
            http(base_url=jira_url, trust_env=False, timeout=30)
        )
        standins = Standins(url, processors)
        publisher = Publisher(installation.kafka, client_id="test-privacy")
        stack.push_async_callback(publisher.stop)
        found = Scene(
            installation=installation,
            planter=Planter(),
            processes={},
            logs=[],
            tap=tap,
            processors=standins,
            jira=levers,
            standin=jira,
            operator=await stack.enter_async_context(operator(installation)),
            tenant="",
            http=await stack.enter_async_context(client(installation, {})),
            publisher=publisher,
            watch=await stack.enter_async_context(watching(installation.kafka)),
            traces=traces,
            stack=stack,
            settings=_settings(installation, standins, jira_url, tenancy_url, traces),
        )
        for name in SERVICES:
            await found.start(name)
        for one in found.processes.values():
            await one.until_ready()
        await _installed(found)
        yield found


def _settings(
    installation: Installation, standins: Standins, jira: str, tenancy: str, traces: Collector
) -> dict[str, dict[str, Any]]:
    every = {"log_level": "DEBUG", "otlp_endpoint": traces.url}
    configured = settings_of(installation, standins, bugsnag_own_errors=True)
    flags = f"{standins.url}/launchdarkly"
    return {
        "testcases": every,
        "executions": every,
        "tenancy": {
            **every,
            "master_key_file": installation.secret("master"),
            "public_url": tenancy,
            "jira_key_servers": f"{jira}/install-keys,{jira}/install-keys-backup",
            "jira_hosts": "127.0.0.1",
            "jira_allow_http": "true",
        },
        "telemetry": {
            **every,
            **configured,
            "launchdarkly_sdk_key_file": installation.secret("launchdarkly", SDK_KEY),
            "launchdarkly_stream_url": flags,
            "launchdarkly_base_url": flags,
            "launchdarkly_events_url": flags,
            "browser_per_minute": 5_000,
        },
    }


async def _installed(scene: Scene) -> None:
    answer = await scene.jira.post("/control/sites/demo/actions/install", json={})
    assert answer.json()["problems"] == [], answer.text
    name = scene.installation.database("tenancy")
    async with connect(scene.installation.backends.mongodb, name) as database:
        (row,) = await database["tenants"].find({}).to_list(None)
    scene.tenant = row["_id"]
    token = await scene.operator.token(scene.tenant, tuple(TokenScope), account_id=ADMIN)
    scene.http.headers["authorization"] = f"Bearer {token}"
    scene.credentials["API token"] = token
    scene.credentials["shared secret"] = scene.app.shared_secret

    async def enabled() -> str:
        own = "http://ostro.test/ostro/v1/tenancy/projects"
        answer = await scene.http.post(own, json={"key": "DEMO"})
        return "" if answer.is_success else answer.text

    await eventually(enabled, lambda fault: not fault, seconds=30)

    async def consented() -> int:
        return (await scene.http.put(CONSENT, json=CONSENTED)).status_code

    await eventually(consented, lambda status: status == 200, seconds=30)
