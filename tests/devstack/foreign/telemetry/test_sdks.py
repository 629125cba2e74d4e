"""Amplitude's and Segment's own Node clients against the stand-ins, and beside our adapters."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contracts.telemetry import AnonymousEvent, ClientFamily
from contracts.usage import UsageEventName
from kit.clock import SystemClock
from services.telemetry.adapters.processors.amplitude import Amplitude, Api
from services.telemetry.adapters.processors.segment import Segment
from services.telemetry.domain.answers import Accepted
from tests.harness.npm import installed
from tests.integration.telemetry.standins import API_KEY, WRITE_KEY, Standins, standins

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]
HOUR = datetime(2026, 11, 24, 10, tzinfo=UTC)
HERE = Path(__file__).parent
NUMBER = 3
DEADLINE_SECONDS = 60
SDK_ONLY = {
    "segment": {"context", "_metadata", "integrations"},
    "amplitude": {"event_id", "library", "user_agent"},
}
"""What the official clients add: about themselves, and counters of their own."""
OURS_ONLY: dict[str, set[str]] = {"segment": set(), "amplitude": {"$skip_user_properties_sync"}}
ENVELOPES = {
    "segment": ({"writeKey"}, set[str]()),
    "amplitude": ({"options", "client_upload_time", "request_metadata"}, set[str]()),
}
"""The same of the envelopes; Segment's Basic credentials hold the key, too."""


@dataclass
class Foreign:
    """Node, the programs' folder, and the stand-ins."""

    node: str
    folder: Path
    standins: Standins

    async def send(self, vendor: str, *events: dict[str, Any]) -> list[Any]:
        """Send with the vendor's client; return what it says of each event."""
        path, key = "/segment/v1/batch", WRITE_KEY
        if vendor == "amplitude":
            path, key = "/amplitude/2/httpapi", API_KEY
        url = f"{self.standins.url}{path}"
        process = await asyncio.create_subprocess_exec(
            *(self.node, "client.js", vendor, url, key, json.dumps(events)),
            cwd=self.folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), DEADLINE_SECONDS)
        assert process.returncode == 0, err.decode()
        found: list[Any] = json.loads(out)
        return found

    async def statuses(self, vendor: str) -> list[int | None]:
        """Return what each request was answered."""
        return [request["status"] for request in await self.standins.requests(vendor)]


@pytest.fixture
async def foreign() -> AsyncIterator[Foreign]:
    """Skips, and says why, where npm's packages cannot be had."""
    node, folder = await installed(HERE, ("client.js",), "the processors' own clients")
    async with standins() as found:
        yield Foreign(node, folder, found)


def anonymous(number: int) -> AnonymousEvent:
    """Return one of our events."""
    return AnonymousEvent(
        event_id=f"{number:032x}",
        name=UsageEventName.INSTALLED_APP,
        user=f"{number:024x}",
        hour=HOUR,
        path="/v2/testcases",
        client=ClientFamily.CURL,
        client_major=8,
    )


def events(vendor: str) -> list[dict[str, Any]]:
    """Return the same as a caller of the vendor's client would write them."""
    properties: dict[str, Any] = {"path": "/v2/testcases", "client": "curl", "client_major": 8}
    found: list[dict[str, Any]] = []
    for number in range(1, NUMBER + 1):
        event = anonymous(number)
        if vendor == "segment":
            found.append(
                {
                    "messageId": event.event_id,
                    "userId": event.user,
                    "event": str(event.name),
                    "timestamp": HOUR.isoformat(),
                    "properties": properties,
                }
            )
        else:
            found.append(
                {
                    "insert_id": event.event_id,
                    "user_id": event.user,
                    "event_type": str(event.name),
                    "time": int(HOUR.timestamp() * 1000),
                    "event_properties": properties,
                }
            )
    return found


ALL_TAKEN = {"segment": ["delivered"] * NUMBER, "amplitude": [200] * NUMBER}


@pytest.mark.parametrize("vendor", ["segment", "amplitude"])
@pytest.mark.parametrize(
    ("faults", "before"),
    [
        ([], []),
        ([{"kind": "status", "status": 500}], [500]),
        ([{"kind": "status", "status": 429, "retry_after": 1}], [429]),
    ],
    ids=["ok", "500 then ok", "429 then ok"],
)
async def test_it_takes_the_answers_for_the_vendors(
    foreign: Foreign, vendor: str, faults: list[dict[str, Any]], before: list[int]
) -> None:
    for fault in faults:
        await foreign.standins.fail(vendor, **fault)
    assert await foreign.send(vendor, *events(vendor)) == ALL_TAKEN[vendor]
    statuses = await foreign.statuses(vendor)
    assert statuses[: len(before)] == before
    assert set(statuses[len(before) :]) == {200}
    assert len(await foreign.standins.visible(vendor)) == NUMBER


async def test_amplitudes_client_reads_a_partial_400(foreign: Foreign) -> None:
    await foreign.standins.limit("amplitude", refused_ids=f"{2:032x}")
    assert await foreign.send("amplitude", *events("amplitude")) == [200, 400, 200]
    visible = {event["insert_id"] for event in await foreign.standins.visible("amplitude")}
    assert visible == {f"{1:032x}", f"{3:032x}"}


async def test_amplitudes_client_splits_at_413(foreign: Foreign) -> None:
    await foreign.standins.limit("amplitude", http_events=1)
    assert await foreign.send("amplitude", *events("amplitude")) == ALL_TAKEN["amplitude"]
    statuses = await foreign.statuses("amplitude")
    assert statuses[0] == 413
    assert statuses.count(200) == NUMBER


async def test_segments_client_gives_up_on_a_400_and_on_413(foreign: Foreign) -> None:
    await foreign.standins.limit("segment", refused_ids=f"{2:032x}")
    assert await foreign.send("segment", *events("segment")) == ["failed"] * NUMBER
    await foreign.standins.reset()
    await foreign.standins.fail("segment", "status", status=413)
    assert await foreign.send("segment", *events("segment")) == ["failed"] * NUMBER
    assert await foreign.statuses("segment") == [413]


@pytest.mark.parametrize("vendor", ["segment", "amplitude"])
async def test_ours_sends_the_same_body_as_the_vendors_own(foreign: Foreign, vendor: str) -> None:
    await foreign.send(vendor, *events(vendor))
    (theirs,) = await foreign.standins.requests(vendor)
    await foreign.standins.reset()
    clock, base = SystemClock(), f"{foreign.standins.url}/{vendor}"
    processor: Segment | Amplitude
    if vendor == "segment":
        processor = Segment(f"{base}/v1/batch", WRITE_KEY, clock)
    else:
        processor = Amplitude(f"{base}/2/httpapi", API_KEY, Api.HTTP, clock)
    prepared = [processor.prepare(anonymous(number)) for number in range(1, NUMBER + 1)]
    assert await processor.send(prepared, 0) == Accepted()
    await processor.close()
    (ours,) = await foreign.standins.requests(vendor)
    assert ours["headers"]["content-type"] == theirs["headers"]["content-type"]
    assert ours["headers"].get("authorization") == theirs["headers"].get("authorization")
    items = "batch" if vendor == "segment" else "events"
    extra, missing = ENVELOPES[vendor]
    left, right = ours["body"], theirs["body"]
    assert left.keys() - right.keys() == missing
    assert right.keys() - left.keys() <= extra
    for one, other in zip(left[items], right[items], strict=True):
        assert one.keys() - other.keys() == OURS_ONLY[vendor]
        assert other.keys() - one.keys() <= SDK_ONLY[vendor]
        for name in one.keys() & other.keys():
            assert comparable(one[name]) == comparable(other[name]), name


def comparable(value: Any) -> Any:
    """Return moments as moments: the clients write milliseconds."""
    if isinstance(value, str) and value.startswith("2026-11-24T"):
        return datetime.fromisoformat(value)
    return value
