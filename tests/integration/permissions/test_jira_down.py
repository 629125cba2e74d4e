"""Jira down: the last known counts for five minutes more, then writes are denied."""

import pytest

from contracts.permissions import Holder
from devstack.jira.demo import DEVELOPER, MANAGER, TESTER
from tests.harness.grants import everything
from tests.harness.polling import eventually
from tests.integration.permissions.shop import GROUP, READS, Shop

pytestmark = pytest.mark.long


async def test_last_known_then_no_writes_then_all_is_well(shop: Shop) -> None:
    await shop.group(TESTER, MANAGER)
    await shop.settle()
    await shop.permit(*everything(Holder.GROUP, GROUP))
    # until the scheme has arrived everybody may do everything, so members alone prove nothing
    await shop.everywhere(403, "of-another-site")
    await shop.everywhere(200)
    await shop.everywhere(200, MANAGER)
    await shop.jira_down()

    # ten minutes and five more
    await shop.later(minutes=14, seconds=50)
    assert await shop.reads() == dict.fromkeys(READS, 200)
    assert (await shop.writes()).status_code == 201

    await shop.later(seconds=11)
    assert await shop.reads() == dict.fromkeys(READS, 200)
    denied = await shop.writes()
    assert denied.status_code == 403
    assert denied.json() == {
        "errorCode": 403,
        "message": "Your permissions cannot be verified at present, so nothing may be changed; "
        "try again later.",
    }
    # who was never seen cannot be told about
    for path in READS.values():
        answer = await (await shop.as_(DEVELOPER)).get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5"), path
    # what nothing is known of and nobody has enforced goes on
    await shop.permit(*everything(Holder.GROUP, GROUP), enforced=False)
    await eventually(lambda: status_of_write(shop), lambda status: status == 201)
    await shop.permit(*everything(Holder.GROUP, GROUP))
    await eventually(lambda: status_of_write(shop), lambda status: status == 403)

    # even days later reads go on with the last known
    await shop.later(hours=20)
    assert await shop.reads() == dict.fromkeys(READS, 200)

    await shop.jira_up()
    await shop.group(TESTER)
    await eventually(lambda: status_of_write(shop), lambda status: status == 201, seconds=30)
    await shop.everywhere(403, MANAGER, seconds=30)
    await shop.everywhere(403, DEVELOPER)


async def status_of_write(shop: Shop) -> int:
    """Return how a write is answered."""
    return (await shop.writes()).status_code
