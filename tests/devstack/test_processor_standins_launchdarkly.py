"""LaunchDarkly's stand-in, by LaunchDarkly's own SDK over a real connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from ldclient import Context, LDClient
from ldclient.config import Config

from devstack.processors.app import ProcessorsApp, Setup
from devstack.processors.wire import ClosableProtocol
from devstack.standin.serving import Listeners, bind, port_of
from tests.harness.launchdarkly import drop_refused_sockets
from tests.harness.polling import eventually

KEY = "sdk-key"
NOBODY = Context.builder("nobody").anonymous(True).build()


@pytest.fixture
async def standin() -> AsyncIterator[httpx.AsyncClient]:
    listeners, sock = Listeners(ClosableProtocol), bind("127.0.0.1", 0)
    await listeners.serve(ProcessorsApp(Setup(launchdarkly_sdk_key=KEY)), sock)
    base_url = f"http://127.0.0.1:{port_of(sock)}"
    async with httpx.AsyncClient(base_url=base_url, trust_env=False, timeout=10) as client:
        yield client
    await listeners.stop()


@asynccontextmanager
async def sdk(standin: httpx.AsyncClient, key: str = KEY, **more: Any) -> AsyncIterator[LDClient]:
    """The SDK; its constructor waits for the flags, or for half a second."""
    base = str(standin.base_url.join("/launchdarkly"))
    options: dict[str, Any] = {
        **dict.fromkeys(("stream_uri", "base_uri", "events_uri"), base),
        "send_events": False,
        "diagnostic_opt_out": True,
        **more,
    }
    client = await asyncio.to_thread(LDClient, Config(key, **options), 0.5)
    try:
        yield client
    finally:
        await asyncio.to_thread(client.close)


async def decided(client: LDClient, flag: str) -> Any:
    return await asyncio.to_thread(client.variation, flag, NOBODY, "default")


async def requests(standin: httpx.AsyncClient) -> list[dict[str, Any]]:
    found = (await standin.get("/recorded?processor=launchdarkly")).json()
    return list(found["requests"])


async def test_flags_are_streamed_changed_and_removed(standin: httpx.AsyncClient) -> None:
    await standin.put("/control/flags/colour", json={"value": "red"})
    async with sdk(standin) as client:
        assert client.is_initialized()
        assert await decided(client, "colour") == "red"
        await standin.put("/control/flags/colour", json={"value": "blue"})
        await eventually(lambda: decided(client, "colour"), lambda found: found == "blue")
        rules = {"on": False, "offVariation": 1, "variations": [1, 2]}
        await standin.put("/control/flags/number", json={"rules": rules})
        await eventually(lambda: decided(client, "number"), lambda found: found == 2)
        # a client that lost its stream comes back and gets what it missed
        assert (await standin.post("/control/streams/close")).json() == {"closed": 1}
        assert (await standin.delete("/control/flags/colour")).status_code == 204
        await eventually(lambda: decided(client, "colour"), lambda found: found == "default")
    paths = [(r["method"], r["path"], r["status"]) for r in await requests(standin)]
    assert set(paths) == {("GET", "/all", 200)}

    async def listening() -> int:
        return int((await standin.get("/control/flags")).json()["streams"])

    await eventually(listening, lambda streams: streams == 0)


async def test_another_key_is_refused(standin: httpx.AsyncClient) -> None:
    async with sdk(standin, "another") as client:
        assert not client.is_initialized()
    del client
    drop_refused_sockets()
    assert {r["status"] for r in await requests(standin)} == {401}


async def test_events_and_diagnostics_are_recorded(standin: httpx.AsyncClient) -> None:
    async with sdk(standin, send_events=True, diagnostic_opt_out=False) as client:
        client.track("bought", NOBODY)
    sent = {r["path"]: r for r in await requests(standin) if r["method"] == "POST"}
    assert sent["/bulk"]["status"] == sent["/diagnostic"]["status"] == 202
    visible = (await standin.get("/control/visible/launchdarkly")).json()["events"]
    assert {"custom"} <= {e["event"]["kind"] for e in visible if e["path"] == "/bulk"}
    payload = {"x-launchdarkly-payload-id": "1", "authorization": KEY}
    for _ in range(2):
        answer = await standin.post("/launchdarkly/bulk", json=[{"kind": "x"}], headers=payload)
        assert answer.status_code == 202
    dropped = (await standin.get("/control/dropped/launchdarkly")).json()["dropped"]
    assert [one["events"] for one in dropped] == [1]


async def test_flags_can_be_polled(standin: httpx.AsyncClient) -> None:
    await standin.put("/control/flags/colour", json={"value": "red"})
    path, headers = "/launchdarkly/sdk/latest-all", {"authorization": KEY}
    first = await standin.get(path, headers=headers)
    assert first.json()["flags"]["colour"]["variations"] == ["red"]
    same = {**headers, "if-none-match": first.headers["etag"]}
    assert (await standin.get(path, headers=same)).status_code == 304
    await standin.put("/control/flags/colour", json={"value": "blue"})
    assert (await standin.get(path, headers=same)).status_code == 200
    assert (await standin.post(path, headers=headers)).status_code == 501
    assert (await standin.put("/control/flags/colour", json={"colour": 1})).status_code == 400
    assert (await standin.delete("/control/flags/other")).status_code == 404
