"""Deletion at the processors' stand-ins: what is asked, and what each answer means."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from contracts.telemetry import ProcessorName
from services.telemetry.adapters.deletions.amplitude import UNKNOWN, AmplitudeDeletion
from services.telemetry.adapters.deletions.bugsnag import BugsnagDeletion
from services.telemetry.adapters.deletions.segment import SegmentDeletion
from services.telemetry.domain.erasure import (
    NOTHING_KNOWN,
    Names,
    State,
    Subject,
    digest_of,
    parts_of,
    suppression_key,
    worst,
)
from services.telemetry.usecases.erasing import NotNow
from tests.harness.fakes import START, ManualClock
from tests.integration.telemetry.standins import API_KEY, Standins, standins

ONE, TWO = "a" * 24, "b" * 24


@pytest.fixture
async def vendors() -> AsyncIterator[Standins]:
    """All stand-ins."""
    async with standins() as found:
        yield found


@pytest.fixture
async def amplitude(vendors: Standins) -> AsyncIterator[AmplitudeDeletion]:
    """Amplitude's."""
    url = f"{vendors.url}/amplitude-deletion"
    found = AmplitudeDeletion(url, API_KEY, "secret-key", "privacy@example.com", ManualClock())
    yield found
    await found.close()


@pytest.fixture
async def segment(vendors: Standins) -> AsyncIterator[SegmentDeletion]:
    """Segment's."""
    found = SegmentDeletion(f"{vendors.url}/segment-regulations", "api-token", ManualClock())
    yield found
    await found.close()


@pytest.fixture
async def bugsnag(vendors: Standins) -> AsyncIterator[BugsnagDeletion]:
    """BugSnag's."""
    found = BugsnagDeletion(f"{vendors.url}/bugsnag-data", "data-token", "p", ManualClock())
    yield found
    await found.close()


async def test_amplitude_joins_a_job_and_is_polled(
    vendors: Standins, amplitude: AmplitudeDeletion
) -> None:
    await vendors.limit("amplitude-deletion", unknown_ids=[TWO])
    asked = await amplitude.request([ONE, TWO])
    assert asked.state is State.PENDING
    assert asked.reference is not None
    (job,) = await vendors.visible("amplitude-deletion")
    assert job["user_ids"] == [ONE]
    # one request a second, also when two are asked at once
    assert (await amplitude.status(asked.reference)).state is State.PENDING
    await vendors.limit("amplitude-deletion", job_seconds=0)
    assert (await amplitude.status(asked.reference)).state is State.DONE
    assert (await amplitude.request([TWO])).reason == UNKNOWN
    assert [r["status"] for r in await vendors.requests("amplitude-deletion")] == [200] * 4


async def test_a_job_that_somebody_revoked_has_failed(amplitude: AmplitudeDeletion) -> None:
    assert (await amplitude.status("2026-12-05")).state is State.FAILED


@pytest.mark.parametrize(
    ("final", "destination", "state", "reason"),
    [
        ("FINISHED", "FINISHED", State.DONE, None),
        ("FAILED", "FAILED", State.FAILED, "source/destination FAILED"),
        ("PARTIAL_SUCCESS", "NOT_SUPPORTED", State.FAILED, "source/destination NOT_SUPPORTED"),
        ("INVALID", "FINISHED", State.FAILED, "INVALID"),
        ("NOT_SUPPORTED", "FINISHED", State.NOT_SUPPORTED, None),
    ],
)
async def test_segments_failures_name_their_destinations(
    vendors: Standins,
    segment: SegmentDeletion,
    final: str,
    destination: str,
    state: State,
    reason: str | None,
) -> None:
    asked = await segment.request([ONE, TWO])
    assert asked.state is State.PENDING
    assert asked.reference is not None
    assert (await segment.status(asked.reference)).state is State.PENDING
    limits: dict[str, Any] = {"final_status": final, "destination_status": destination}
    await vendors.limit("segment-regulations", job_seconds=0, **limits)
    told = await segment.status(asked.reference)
    assert (told.state, told.reason) == (state, reason)


async def test_bugsnag_deletes_after_a_confirmation(
    vendors: Standins, bugsnag: BugsnagDeletion
) -> None:
    asked = await bugsnag.request([ONE])
    assert asked.reference is not None
    states = [(await bugsnag.status(asked.reference)).state for _ in range(2)]
    assert states == [State.PENDING] * 2
    confirmations = [r for r in await vendors.requests("bugsnag-data") if "confirm" in r["path"]]
    assert len(confirmations) == 1
    await vendors.limit("bugsnag-data", job_seconds=0)
    assert (await bugsnag.status(asked.reference)).state is State.DONE


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ({"kind": "status", "status": 401}, "answers 401"),
        ({"kind": "status", "status": 403}, "answers 403"),
        ({"kind": "status", "status": 429, "retry_after": 7}, "status 429"),
        ({"kind": "status", "status": 503}, "status 503"),
        ({"kind": "close"}, "connection"),
        ({"kind": "half"}, "connection"),
        ({"kind": "non_json"}, "unknown answer"),
    ],
)
async def test_what_is_not_said_is_asked_again(
    vendors: Standins, segment: SegmentDeletion, fault: dict[str, Any], cause: str
) -> None:
    await vendors.fail("segment-regulations", **fault)
    with pytest.raises(NotNow, match=cause) as no:
        await segment.request([ONE])
    if "retry_after" in fault:
        assert no.value.wait == 7
    assert (await segment.request([ONE])).state is State.PENDING


async def test_a_body_that_a_processor_refuses_has_failed(segment: SegmentDeletion) -> None:
    assert (await segment.request([])).state is State.FAILED


def test_each_processor_gets_as_many_ids_as_it_takes() -> None:
    users = [f"{n:024x}" for n in range(250)]
    parts = parts_of(Subject.ACCOUNT, Names(users=users), START)
    sizes: dict[ProcessorName, list[int]] = {}
    for part in parts:
        sizes.setdefault(part.processor, []).append(len(part.ids))
    assert sizes[ProcessorName.AMPLITUDE] == [100, 100, 50]
    assert sizes[ProcessorName.SEGMENT] == [250]
    assert sizes[ProcessorName.BEAMER] == [1] * 250
    assert sizes[ProcessorName.BUGSNAG] == sizes[ProcessorName.LAUNCHDARKLY] == [0]
    nothing = parts_of(Subject.TENANT, Names(), START + timedelta(days=1))
    assert {part.reason for part in nothing if part.state is State.DONE} == {NOTHING_KNOWN}
    assert all(part.state.final for part in nothing)


def test_the_worst_state_is_shown() -> None:
    assert worst([State.DONE, State.FAILED, State.PENDING]) is State.FAILED
    assert worst([State.DONE, State.PENDING]) is State.PENDING
    assert worst([State.DONE, State.NOT_SUPPORTED]) is State.DONE
    assert worst([State.NOT_SUPPORTED]) is State.NOT_SUPPORTED


def test_a_digest_says_nothing_without_its_key_and_is_of_one_tenant() -> None:
    key = suppression_key(b"w" * 32)
    assert key != b"w" * 32
    found = digest_of(key, "one", "mia")
    assert found == digest_of(key, "one", "mia")
    assert len({found, digest_of(key, "two", "mia"), digest_of(b"k" * 32, "one", "mia")}) == 3
