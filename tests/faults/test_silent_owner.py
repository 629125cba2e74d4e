"""The owner of the test cases does not answer: uploads end all the same, and it learns of them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from contracts.topics import RESULT
from services.executions.usecases.housekeeping import REMOVE_AFTER
from tests.faults.conftest import Site
from tests.faults.handmade import Hand, by_hand
from tests.harness.fakes import ManualClock
from tests.harness.installation import Installation
from tests.harness.operator import Operator
from tests.harness.polling import eventually
from tests.harness.system import service
from tests.harness.watch import Watch

NOBODY = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def installation(own_installation: Installation) -> Installation:
    """Its leases reach into the future."""
    return own_installation


@pytest.fixture(scope="module")
def world(own_world: Operator) -> Operator:
    """Tenancy and testcases in it."""
    return own_world


@pytest.fixture
async def hand(installation: Installation, world: Operator) -> AsyncIterator[Hand]:
    """Uploads by hand."""
    async with by_hand(installation) as found:
        yield found


@pytest.mark.long
async def test_what_the_owner_must_learn_keeps_nothing_else_waiting(
    installation: Installation, hand: Hand, site: Site, watch: Watch
) -> None:
    rows, clock = hand.database["uploads"], ManualClock(datetime.now(UTC))
    untold, removed, finished = (hand.upload(site.tenant, site.project) for _ in range(3))
    async with service(installation, "executions", clock=clock, testcases_url=NOBODY):
        await untold.open(results=2)
        await rows.update_one({"_id": untold.id}, {"$set": {"created_cases": True}})
        await untold.abort()
        for upload in (removed, finished):
            await upload.open(results=2)
            await upload.chunk(0, rows=2)
        await watch.caught_up("executions.results", RESULT)
        await removed.abort()
        await finished.seal(chunks=1)
        await finished.accept()
        clock.advance(seconds=REMOVE_AFTER.total_seconds() + 60)  # the hand has its own clock
        await eventually(
            lambda: rows.count_documents({"_id": finished.id, "stored": {"$exists": False}})
        )
        await eventually(removed.stored, lambda n: n == 0)
        assert await rows.count_documents({"told": False}) == 1
    # the owner believes no call from the future, and the turn was taken in it
    await hand.database["leases"].delete_many({})
    async with service(installation, "executions"):
        await eventually(lambda: rows.count_documents({"_id": untold.id, "told": True}))
