"""Everything goes wrong on the way to Amplitude and Segment, kill -9 included: nothing is lost.

Events are counted where the vendor would show them. Each refuses some by their ids, so that the
same ones are refused whenever they are sent.
"""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx
import pytest

from contracts.topics import ANONYMOUS, USAGE
from kit.kafka.producer import Publisher
from tests.devstack.standin_process import standin
from tests.harness.installation import Installation
from tests.harness.polling import eventually
from tests.harness.processes import ServiceProcess, process
from tests.harness.tenancy_world import TenancyWorld, tenancy_world
from tests.integration.telemetry.house import (
    AMPLITUDE,
    ANONYMIZER,
    SEGMENT,
    House,
    Watcher,
    settings_of,
)
from tests.integration.telemetry.standins import API_KEY, WRITE_KEY, Standins

BATCH = 6_000
"""Most events that one death, or one request without an answer, makes come twice."""
USERS = 97
REFUSED = {"amplitude": "0[0-9a-c]", "segment": "000|001|002"}
"""Ids that begin so: 13 of 256 (5 %), and 3 of 4096: Segment's 400 names no event, so that each of
them takes a search by halves."""
ID_FIELD = {"amplitude": "insert_id", "segment": "messageId"}
GROUP = {"amplitude": AMPLITUDE, "segment": SEGMENT}
THROTTLED = "[0-3]"
"""First hex digit of the users whom Amplitude throttles twice."""


def faults(processor: str, requests: int) -> list[dict[str, Any]]:
    """Script what befalls a processor over so many requests; ``late`` stands in the middle.

    ``skip`` counts the requests that a fault sees, so those of the front come in order.
    """
    step = max(1, requests // 8)
    own = [{"kind": "throttle", "pattern": THROTTLED, "times": 2, "skip": step}]
    return [
        {"kind": "close", "skip": step, "times": 2},
        {"kind": "status", "status": 429, "retry_after": 1, "skip": 2 * step},
        {"kind": "close_after_store", "taken": True, "skip": 3 * step, "times": 2},
        {"kind": "late", "taken": True, "seconds": 25, "skip": 4 * step},
        {"kind": "half", "taken": True, "skip": 5 * step},
        {"kind": "status", "status": 503, "skip": 6 * step, "times": 2},
        *(own if processor == "amplitude" else []),
    ]


@pytest.fixture
async def world(installation: Installation) -> AsyncIterator[TenancyWorld]:
    """What tenancy would publish."""
    async with tenancy_world(installation) as found:
        yield found


@pytest.fixture
async def vendors(installation: Installation) -> AsyncIterator[Standins]:
    """The stand-ins, in a process that is not killed."""
    keys = (
        *("--segment-write-key-file", str(installation.secret("segment-write-key", WRITE_KEY))),
        *("--amplitude-api-key-file", str(installation.secret("amplitude-api-key", API_KEY))),
    )
    async with (
        standin("devstack.processors", *keys) as running,
        httpx.AsyncClient(base_url=running.url, trust_env=False, timeout=120) as client,
    ):
        yield Standins(running.url, client)


@pytest.fixture
async def house(
    installation: Installation, world: TenancyWorld, vendors: Standins
) -> AsyncIterator[House]:
    """The surroundings of a service that the test starts itself."""
    publisher = Publisher(installation.kafka, client_id="test-usage")
    base = f"http://127.0.0.1:{installation.http_ports['telemetry']}"
    async with (
        httpx.AsyncClient(base_url=base, trust_env=False, timeout=60) as http,
        Watcher(installation.kafka) as watcher,
    ):
        yield House(installation, world, vendors, publisher, http, watcher)
        await publisher.stop()


@asynccontextmanager
async def service(house: House) -> AsyncIterator[ServiceProcess]:
    """Telemetry; a dead one holds its partitions for six seconds."""
    settings = settings_of(
        house.installation,
        house.standins,
        amplitude_throttle_seconds=0.5,
        kafka_session_seconds=6,
    )
    async with process(house.installation, "telemetry", **settings) as running:
        yield running


async def live_faults(house: House, processor: str, kind: str) -> int:
    """Return how many faults of a kind are still to come."""
    answer = (await house.standins.client.get("/control/faults")).json()
    return sum(fault["kind"] == kind for fault in answer["scripted"][processor])


async def accepted_without_our_hearing(house: House, processor: str) -> None:
    """Wait until the processor has a request whose answer does not come."""
    await eventually(
        lambda: live_faults(house, processor, "late"), lambda left: left == 0, seconds=300
    )


async def arrived(house: House, number: int) -> None:
    """Wait until both groups have committed all events."""
    for group, topic in ((ANONYMIZER, USAGE), (AMPLITUDE, ANONYMOUS), (SEGMENT, ANONYMOUS)):
        await eventually(
            partial(house.offsets, group, topic),
            lambda found: found[0] == found[1] >= number,
            seconds=600,
        )


async def _publish(house: House, tenants: list[str], number: int) -> None:
    for start in range(0, number, 5_000):
        numbers = range(start, min(start + 5_000, number))
        await house.publish(
            *(
                house.event(tenants[n % len(tenants)], account_id=f"account-{n % USERS}")
                for n in numbers
            )
        )


async def _outcome(house: House, processor: str) -> tuple[list[str], list[str], int]:
    """Ids that are visible, ids of dead letters, and how many duplicates the vendor dropped."""
    field = ID_FIELD[processor]
    visible = [event[field] for event in await house.standins.visible(processor)]
    dropped = await house.standins.dropped(processor)
    assert {one["reason"] for one in dropped} <= {f"duplicate {field}"}
    letters = [
        json.loads(letter.value)["data"]["event_id"]
        for letter in await house.letters(GROUP[processor])
    ]
    return visible, letters, len(dropped)


async def _survives(house: House, number: int, requests: dict[str, int]) -> None:
    for processor in ID_FIELD:
        await house.standins.limit(processor, refused_ids=REFUSED[processor])
        for fault in faults(processor, requests[processor]):
            await house.standins.fail(processor, **fault)
    async with service(house) as running:
        tenants = [await house.tenant(amplitude=True, segment=True) for _ in range(3)]
        await _publish(house, tenants, number)
        await accepted_without_our_hearing(house, "amplitude")
        running.kill()
    async with service(house) as running:
        await accepted_without_our_hearing(house, "segment")
        running.kill()
    async with service(house):
        await arrived(house, number)
    for processor in ID_FIELD:
        assert await live_faults(house, processor, "close_after_store") == 0
        visible, letters, twice = await _outcome(house, processor)
        refused = set(letters)
        print(  # noqa: T201  figures, shown with -s
            f"{processor}: {len(visible)} visible, {len(refused)} refused in {len(letters)} "
            f"letters, {twice} sent again after an acceptance nobody heard of"
        )
        assert len(visible) == len(set(visible)), "accepted twice"
        assert len(set(visible) | refused) == number, "lost"
        assert not set(visible) & refused, "refused and accepted"
        bad = re.compile(REFUSED[processor])
        assert all(bad.match(ident) for ident in refused)
        assert not any(bad.match(ident) for ident in visible)
        # each comes from a request that was taken and whose answer did not reach us
        assert 0 < twice <= 5 * BATCH


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_five_thousand_events_survive_everything(house: House) -> None:
    """Small enough for each change."""
    await _survives(house, 5_000, {"amplitude": 8, "segment": 16})


@pytest.mark.slow
@pytest.mark.timeout(1_800)
async def test_a_hundred_thousand_events_survive_everything(house: House) -> None:
    """0 lost, 0 accepted twice, the refused ones exactly in the DLQ."""
    await _survives(house, 100_000, {"amplitude": 100, "segment": 2_000})
