"""Webhooks while things break: Jira comes again, nothing is lost, nothing written is kept."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from devstack.standin.serving import Listeners, bind, port_of
from kit.clock import SystemClock
from kit.ids import stable_uuid
from services.tenancy.domain.webhooks import EVENTS
from tests.harness.backends import Backends
from tests.harness.installation import Installation
from tests.harness.namespace import prepared
from tests.harness.own_servers import OwnServer, own_kafka
from tests.harness.polling import eventually
from tests.harness.processes import ServiceProcess, process
from tests.harness.remains import kafka_bytes, metrics_bytes, mongodb_bytes
from tests.harness.secret_scan import leaks
from tests.integration.tenancy.jira_site import FakeServers, JiraSite, Keys
from tests.integration.tenancy.webhook_calls import PATH, headers
from tests.unit.tenancy import webhook_bodies as bodies

pytestmark = pytest.mark.long

TAKE = "services.tenancy.usecases.webhooks:JiraChanges.take"
PUBLISH = "services.tenancy.adapters.kafka.jira_changes:ChangePublisher.publish"


@pytest.fixture(scope="module")
async def kafka(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OwnServer]:
    """A broker that only this module uses."""
    async with own_kafka(tmp_path_factory.mktemp("kafka")) as found:
        yield found


@pytest.fixture(scope="module")
async def installation(
    servers: Backends, kafka: OwnServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    """An installation on it."""
    backends = replace(servers, kafka=kafka.address)
    async with prepared(backends, tmp_path_factory.mktemp("own")) as found:
        yield found


@dataclass
class Scene:
    """A site that calls tenancy, which is a process of its own."""

    installation: Installation
    site: JiraSite
    http: httpx.AsyncClient
    settings: dict[str, Any]

    def running(self, *command: str) -> contextlib.AbstractAsyncContextManager[ServiceProcess]:
        return process(
            self.installation, "tenancy", role="api", command=command or None, **self.settings
        )

    async def install(self) -> None:
        answer = await self.http.post(
            "/connect/installed",
            content=self.site.body("installed"),
            headers={"authorization": self.site.authorization("installed")},
        )
        assert answer.status_code == 204, answer.text

    async def deliver(self, name: str, body: Any = None) -> httpx.Response:
        content = json.dumps(bodies.of("jira:issue_deleted") if body is None else body)
        return await self.http.post(PATH, content=content, headers=headers(self.site, name))

    async def told(self) -> list[bytes]:
        """Every byte that Kafka has, in pieces."""
        return await kafka_bytes(self.installation.kafka)


@pytest.fixture
async def scene(installation: Installation) -> AsyncIterator[Scene]:
    keys, listeners, sock = Keys(), Listeners(), bind("127.0.0.1", 0)
    servers_url = f"http://127.0.0.1:{port_of(sock)}"
    base = f"http://127.0.0.1:{installation.http_ports['tenancy']}"
    settings: dict[str, Any] = {
        "master_key_file": installation.secret("master"),
        "public_url": base,
        "jira_key_servers": f"{servers_url}/keys",
        "jira_hosts": "127.0.0.1",
        "jira_allow_http": True,
    }
    async with contextlib.AsyncExitStack() as stack:
        await listeners.serve(FakeServers(keys).app, sock)
        stack.push_async_callback(listeners.stop)
        http = await stack.enter_async_context(
            httpx.AsyncClient(base_url=base, trust_env=False, timeout=60)
        )
        site = JiraSite(keys, SystemClock(), base, servers_url)
        yield Scene(installation, site, http, settings)


def event_id(scene: Scene, told: list[bytes], name: str) -> str:
    """The id that a delivery's event must have: of whichever tenant the site became."""
    tenants = {part.partition(b"/")[0].decode() for part in told if b"/issue/" in part[:40]}
    (found,) = {t for t in tenants if any(stable_uuid(t, name).encode() in p for p in told)}
    return stable_uuid(found, name)


@pytest.mark.timeout(120)
async def test_kafka_away(scene: Scene, kafka: OwnServer) -> None:
    async with scene.running():
        await scene.install()
        assert (await scene.deliver("before")).status_code == 200
        kafka.freeze()
        try:
            answers = await asyncio.gather(*(scene.deliver(f"during-{n}") for n in range(3)))
            # what needs no broker works meanwhile
            assert (await scene.http.get("/.well-known/jwks.json")).status_code == 200
        finally:
            kafka.thaw()
        for answer in answers:
            assert answer.status_code == 503
            assert answer.json()["errorCode"] == 503
            assert int(answer.headers["retry-after"]) > 0
        names = ["before"]
        for number in range(3):
            name = f"during-{number}"

            async def again(name: str = name) -> httpx.Response:
                return await scene.deliver(name)

            await eventually(again, lambda a: a.status_code == 200, seconds=30)
            names.append(name)
        told = await scene.told()
    for name in names:
        assert event_id(scene, told, name)


@pytest.mark.parametrize(
    "point", [f"{TAKE}:before", f"{PUBLISH}:before", f"{PUBLISH}:after", f"{TAKE}:after"]
)
async def test_killed_between_receipt_and_answer(scene: Scene, point: str) -> None:
    async with scene.running("-m", "tests.faults.killed_tenancy", point, "api") as deadly:
        await scene.install()
        with pytest.raises(httpx.HTTPError):
            await scene.deliver(point)
        assert await deadly.ended() == -9
    async with scene.running():
        assert (await scene.deliver(point)).status_code == 200
        told = await scene.told()
    wanted = event_id(scene, told, point).encode()
    values = [part for part in told if part.startswith(b"{") and wanted in part]
    # once, or twice with the same id: whoever reads it cannot tell
    assert len(values) in {1, 2}
    assert len({json.dumps(json.loads(v) | {"traceparent": None}) for v in values}) == 1


async def test_nothing_that_a_person_wrote_is_kept(scene: Scene) -> None:
    written = {f"text {n}": f"canary-{n}-{word}" for n, word in enumerate(_WORDS)}
    async with scene.running() as running:
        await scene.install()
        for event in EVENTS:
            body = _planted(bodies.of(event), iter(written.values()))
            assert (await scene.deliver(f"clean-{event}", body)).status_code == 200
        unusable = {"webhookEvent": written["text 0"], written["text 1"]: [written["text 2"]]}
        assert (await scene.deliver("odd", unusable)).status_code == 200
        broken = f'{{"issue": "{written["text 3"]}'.encode()
        answer = await scene.http.post(PATH, content=broken, headers=headers(scene.site))
        assert answer.status_code == 400
        refused = await scene.http.post(PATH, content=broken, headers={"authorization": "JWT x"})
        assert refused.status_code == 401
        metrics = await metrics_bytes(running.internal_url)
    told, stored = await scene.told(), await mongodb_bytes(scene.installation)
    places = {
        "Kafka": told,
        "MongoDB": stored,
        "metrics": [metrics],
        "log": [running.log.read_bytes()],
        "answers": [answer.content, refused.content],
    }
    assert leaks({k: v.encode() for k, v in written.items()}, places) == []
    assert any(b"/version/10200" in part for part in told)


_WORDS = ("Ostermann", "Überweisung", "kündigen", "mia@example.com", "password=hunter2", "Ω" * 4)


def _planted(value: Any, words: Any, name: str = "") -> Any:
    """Every text but ids, keys and the event's name becomes a canary."""
    cycle = list(words) if not isinstance(words, list) else words
    if isinstance(value, dict):
        return {k: _planted(v, cycle, k) for k, v in value.items()}
    if isinstance(value, list):
        return [_planted(v, cycle) for v in value]
    if not isinstance(value, str) or name in {"id", "accountId", "webhookEvent"}:
        return value
    return cycle[len(value) % len(cycle)]
