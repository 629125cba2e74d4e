"""The fault matrix over a real connection, the records, and the levers."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from devstack.processors.app import ProcessorsApp, Setup
from devstack.processors.wire import ClosableProtocol
from devstack.standin.clock import Clock
from devstack.standin.serving import Listeners, bind, port_of
from tests.devstack.processors_world import NOW, Standins, event, standins, track
from tests.devstack.standin_process import standin

BOTH = pytest.mark.parametrize("name", ["segment", "amplitude"])


@pytest.fixture
async def served() -> AsyncIterator[Standins]:
    """On a real loopback port, where a connection can be closed."""
    listeners, sock = Listeners(ClosableProtocol), bind("127.0.0.1", 0)
    await listeners.serve(ProcessorsApp(Setup(clock=Clock(NOW))), sock)
    base_url = f"http://127.0.0.1:{port_of(sock)}"
    async with httpx.AsyncClient(base_url=base_url, trust_env=False, timeout=10) as client:
        yield Standins(client)
    await listeners.stop()


async def deliver(standin: Standins, name: str) -> httpx.Response:
    return await (standin.segment(track(1)) if name == "segment" else standin.amplitude(event(1)))


@BOTH
@pytest.mark.parametrize("status", [400, 401, 403, 408, 413, 429, 500, 502, 503, 504])
async def test_plain_statuses_keep_nothing(name: str, status: int) -> None:
    async with standins() as running:
        await running.faults(name, {"kind": "status", "status": status, "times": 2})
        seen = [(await deliver(running, name)).status_code for _ in range(3)]
        assert seen == [status, status, 200]
        assert len(await running.visible(name)) == 1


async def test_details_of_a_plain_status() -> None:
    async with standins() as running:
        await running.faults(
            "segment",
            {"kind": "status", "status": 429, "retry_after": 2, "headers": {"X-Extra": "1"}},
            {"kind": "status", "status": 429},
            {"kind": "status", "status": 502, "body": "<html>bad gateway</html>"},
            {"kind": "status", "status": 500, "stored": True},
            {"kind": "status", "status": 503, "path": "/v1/other"},
        )
        first, second, third, fourth, fifth = [await deliver(running, "segment") for _ in range(5)]
        assert (first.headers["retry-after"], first.headers["x-extra"]) == ("2", "1")
        assert "retry-after" not in second.headers
        assert third.headers["content-type"] == "text/html"
        assert fourth.status_code == 500
        assert fifth.status_code == 200
        assert await running.dropped("segment") == ["duplicate messageId"]


@BOTH
async def test_success_that_means_nothing_and_redirects(name: str) -> None:
    async with standins() as running:
        await running.faults(
            name,
            {"kind": "drop"},
            {"kind": "redirect", "location": "http://127.0.0.1:9/elsewhere"},
            {"kind": "non_json", "skip": 1},
        )
        dropped = await deliver(running, name)
        redirected = await deliver(running, name)
        assert await running.visible(name) == []
        skipped = await deliver(running, name)
        html = await deliver(running, name)
        assert [dropped.status_code, redirected.status_code] == [200, 307]
        assert redirected.headers["location"] == "http://127.0.0.1:9/elsewhere"
        assert skipped.json()
        assert html.status_code == 200
        with pytest.raises(json.JSONDecodeError):
            html.json()
        assert len(await running.visible(name)) == 1


async def test_gzip_can_be_refused() -> None:
    async with standins() as running:
        await running.faults("segment", {"kind": "reject_gzip"})
        assert (await deliver(running, "segment")).status_code == 200
        packed = await running.client.post(
            "/segment/v1/batch", content=b"\x1f\x8b", headers={"content-encoding": "gzip"}
        )
        assert packed.status_code == 415


@BOTH
async def test_closed_without_an_answer(served: Standins, name: str) -> None:
    await served.faults(name, {"kind": "close"}, {"kind": "close_after_store"})
    with pytest.raises(httpx.RemoteProtocolError):
        await deliver(served, name)
    assert await served.visible(name) == []
    with pytest.raises(httpx.RemoteProtocolError):
        await deliver(served, name)
    assert len(await served.visible(name)) == 1
    assert (await deliver(served, name)).status_code == 200
    assert len(await served.visible(name)) == 1, "delivered twice, visible once"
    recorded = (await served.recorded(processor=name))["requests"]
    assert [one["status"] for one in recorded] == [None, None, 200]
    assert [one["fault"] for one in recorded] == ["close", "close_after_store", None]


@BOTH
async def test_half_an_answer(served: Standins, name: str) -> None:
    await served.faults(name, {"kind": "half"})
    with pytest.raises(httpx.RemoteProtocolError):
        await deliver(served, name)
    assert len(await served.visible(name)) == 1
    assert (await deliver(served, name)).status_code == 200


async def test_late_and_slow_answers(served: Standins) -> None:
    await served.faults(
        "segment",
        {"kind": "late", "seconds": 0.6},
        {"kind": "slow_body", "seconds": 0.8},
        {"kind": "slow_body", "seconds": 0.2},
    )
    async with httpx.AsyncClient(
        base_url=served.client.base_url,
        trust_env=False,
        timeout=httpx.Timeout(20, read=0.2),
    ) as hasty:
        with pytest.raises(httpx.ReadTimeout):
            await Standins(hasty).segment(track(1))
    assert len(await served.visible("segment")) == 1
    assert (await served.segment(track(1))).json() == {"success": True}
    assert (await served.segment(track(1))).json() == {"success": True}


async def test_in_process_a_closed_connection_is_an_error_too() -> None:
    async with standins() as running:
        await running.faults("segment", {"kind": "close"})
        with pytest.raises(ConnectionResetError):
            await deliver(running, "segment")


async def test_everything_is_recorded_whole() -> None:
    async with standins() as running:
        await running.segment(track(1))
        await running.amplitude(event(1))
        await running.client.post("/segment/v1/batch?x=1", content=b"\x00\xff")
        everything = await running.recorded()
        first, second, third = everything["requests"]
        assert (first["processor"], first["method"], first["path"]) == (
            "segment",
            "POST",
            "/v1/batch",
        )
        assert first["body"]["batch"] == [track(1)]
        assert first["headers"]["authorization"].startswith("Basic ")
        assert first["time"] == "2027-01-15T08:00:00.000+00:00"
        assert second["processor"] == "amplitude"
        assert (third["query"], third["body_base64"], third["status"]) == ("x=1", "AP8=", 400)
        assert (everything["last"], everything["dropped"]) == (3, 0)
        later = await running.recorded(processor="segment", after=1)
        assert [one["seq"] for one in later["requests"]] == [3]


async def test_the_memory_of_requests_is_bounded() -> None:
    async with standins(max_requests=2) as running:
        for number in range(5):
            await running.segment(track(number))
        listing = await running.recorded()
        assert [one["seq"] for one in listing["requests"]] == [4, 5]
        assert (listing["last"], listing["dropped"]) == (5, 3)
    async with standins(max_bytes=5_000) as running:
        for number in range(3):
            await running.segment(track(number, properties={"p": "x" * 2_000}))
        assert (await running.recorded())["dropped"] == 2


async def test_reset_of_one_and_of_all() -> None:
    async with standins() as running:
        await running.segment(track(1))
        await running.amplitude(event(1))
        await running.faults("segment", {"kind": "drop", "times": None})
        await running.control("reset", processor="segment")
        assert await running.visible("segment") == []
        assert len(await running.visible("amplitude")) == 1
        assert len((await running.recorded())["requests"]) == 2
        await running.segment(track(1))
        assert len(await running.visible("segment")) == 1
        await running.control("reset")
        assert (await running.recorded())["requests"] == []
        assert await running.visible("amplitude") == []


@pytest.mark.parametrize(
    ("lever", "body", "status"),
    [
        ("faults", {"processor": "segment", "faults": [{"kind": "explode"}]}, 400),
        ("faults", {"processor": "segment", "faults": [{"kind": "drop", "tims": 1}]}, 400),
        ("faults", {"processor": "mailer", "faults": []}, 404),
        ("limits", {"processor": "segment", "limits": {"speed": 1}}, 400),
        ("limits", {"processor": "amplitude", "limits": {"speed": 1}}, 400),
        ("reset", {"processor": "mailer"}, 404),
    ],
)
async def test_typing_errors_are_told(lever: str, body: dict[str, Any], status: int) -> None:
    async with standins() as running:
        answer = await running.client.post(f"/control/{lever}", json=body)
        assert answer.status_code == status
        assert answer.json()["error"]


async def test_faults_and_health_are_shown() -> None:
    async with standins() as running:
        await running.faults("segment", {"kind": "drop"})
        shown = (await running.client.get("/control/faults")).json()
        assert [fault["kind"] for fault in shown["scripted"]["segment"]] == ["drop"]
        assert "close_after_store" in shown["kinds"]
        health = (await running.client.get("/control/health")).json()
        assert health["processors"] == [
            *("segment", "amplitude", "bugsnag", "launchdarkly", "beamer"),
            *("amplitude-deletion", "segment-regulations", "bugsnag-data"),
        ]
        assert (await running.client.get("/recorded?after=x")).status_code == 400
        assert (await running.client.get("/recorded?processor=x")).status_code == 404


async def test_as_a_process() -> None:
    async with (
        standin("devstack.processors", "--max-requests", "5") as running,
        httpx.AsyncClient(base_url=running.url, trust_env=False, timeout=10) as client,
    ):
        processors = Standins(client)
        assert (await processors.segment(track(1))).status_code == 200
        assert (await processors.amplitude(event(1))).status_code == 200
        await processors.faults("amplitude", {"kind": "close_after_store"})
        with pytest.raises(httpx.RemoteProtocolError):
            await processors.amplitude(event(2))
        assert len(await processors.visible("amplitude")) == 2
