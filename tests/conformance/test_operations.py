"""Each operation does what it should and reads back, and each listed cause has its status."""

import pytest

from tests.conformance.facts import operations
from tests.conformance.performing import fail, succeed
from tests.conformance.stage import Stage
from tests.conformance.walks import WALKS

# the first test waits for four services and what is made in them
pytestmark = [pytest.mark.long, pytest.mark.timeout(180)]


@pytest.mark.parametrize("name", WALKS)
async def test_what_is_sent_is_read(stage: Stage, name: str) -> None:
    await succeed(stage, WALKS[name], operations()[name])


@pytest.mark.parametrize("name", WALKS)
async def test_each_cause_has_its_status(stage: Stage, name: str) -> None:
    await fail(stage, WALKS[name], operations()[name])
