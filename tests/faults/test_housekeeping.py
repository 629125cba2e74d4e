"""What dead and aborted uploads leave behind goes away, and never shows meanwhile."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from contracts.topics import RESULT
from services.executions.usecases.housekeeping import LEASE, REMOVE_AFTER
from tests.faults.conftest import Site
from tests.faults.handmade import Hand, Upload, by_hand
from tests.harness.fakes import ManualClock
from tests.harness.installation import Installation
from tests.harness.operator import Operator
from tests.harness.polling import eventually
from tests.harness.system import service
from tests.harness.watch import Watch
from tests.integration.executions.uploading import every

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def installation(own_installation: Installation) -> Installation:
    """Its leases reach into the future."""
    return own_installation


@pytest.fixture(scope="module")
def world(own_world: Operator) -> Operator:
    """Tenancy and testcases in it."""
    return own_world


@pytest.fixture(scope="module")
async def clock() -> ManualClock:
    """The time of executions."""
    return ManualClock(datetime.now(UTC))


@pytest.fixture(scope="module")
async def hand(
    installation: Installation, world: Operator, clock: ManualClock
) -> AsyncIterator[Hand]:
    """Uploads by hand, beside a service whose time the test makes."""
    async with (
        service(installation, "executions", clock=clock),
        by_hand(installation, clock) as found,
    ):
        yield found


async def stored_upload(hand: Hand, site: Site, watch: Watch) -> Upload:
    """An undecided upload of one stored chunk."""
    upload = hand.upload(site.tenant, site.project)
    await upload.open(results=2)
    await upload.chunk(0, rows=2)
    await watch.caught_up("executions.results", RESULT)
    assert (await upload.stored(), await upload.ledger()) == (2, 1)
    return upload


async def left(upload: Upload) -> int:
    """Count everything of it but its row."""
    cycles = upload.hand.database["test_cycles"].count_documents({"upload": upload.id})
    return await upload.stored() + await upload.ledger() + await cycles


async def test_an_upload_whose_process_is_gone_is_aborted_and_removed(
    hand: Hand, site: Site, watch: Watch, clock: ManualClock
) -> None:
    upload = await stored_upload(hand, site, watch)
    rows = hand.database["uploads"]
    clock.advance(seconds=LEASE.total_seconds() + 1)
    await eventually(lambda: rows.count_documents({"_id": upload.id, "state": "aborted"}))
    # a consumer may just be storing a chunk, so that nothing is removed at once
    assert await left(upload) == 4
    clock.advance(seconds=REMOVE_AFTER.total_seconds() + 1)
    await eventually(lambda: left(upload), lambda n: n == 0)
    await eventually(lambda: rows.count_documents({"_id": upload.id, "hidden": {"$exists": False}}))
    # a chunk that comes later still is dropped, also when nothing is left to hide
    await upload.chunk(1, rows=2, first=2)
    await watch.caught_up("executions.results", RESULT)
    assert await left(upload) == 0
    assert await every(site.http, "/testexecutions") == []


@pytest.mark.slow
async def test_an_accepted_upload_is_left_alone(
    hand: Hand, site: Site, watch: Watch, clock: ManualClock
) -> None:
    upload = await stored_upload(hand, site, watch)
    await upload.seal(chunks=1)
    await upload.accept()
    finished = {"_id": upload.id, "stored": {"$exists": False}}
    await eventually(lambda: hand.database["uploads"].count_documents(finished))
    clock.advance(minutes=20)
    swept = await stored_upload(hand, site, watch)
    await swept.abort()
    clock.advance(seconds=REMOVE_AFTER.total_seconds() + 1)
    await eventually(lambda: left(swept), lambda n: n == 0)
    assert await left(upload) == 4
    assert len(await every(site.http, "/testexecutions")) == 2
