"""A wrong key stops a group and loses nothing; a processor that is not configured does not run."""

import time

import httpx

from contracts.topics import ANONYMOUS, USAGE
from services.telemetry.metrics import STOPPED
from tests.harness.installation import Installation
from tests.harness.polling import eventually
from tests.harness.tenancy_world import TenancyWorld
from tests.integration.telemetry.house import AMPLITUDE, ANONYMIZER, SEGMENT, house
from tests.integration.telemetry.standins import Standins


async def test_an_invalid_key_stops_the_group_without_moving_its_offsets(
    installation: Installation, world: TenancyWorld, processors: Standins
) -> None:
    wrong = installation.secret("wrong-key", "of somebody else")
    ready = f"http://127.0.0.1:{installation.internal_ports['telemetry']}/health/ready"
    await processors.reset()
    async with (
        house(installation, world, processors, amplitude_api_key_file=wrong) as telemetry,
        httpx.AsyncClient(trust_env=False) as http,
    ):
        tenant = await telemetry.tenant(segment=True, amplitude=True)
        before, _ = await telemetry.offsets(AMPLITUDE, ANONYMOUS)
        await telemetry.publish(telemetry.event(tenant))
        await telemetry.drained(ANONYMIZER, USAGE)
        await telemetry.drained(SEGMENT, ANONYMOUS)

        async def failed() -> dict[str, str]:
            return dict((await http.get(ready)).json()["failed"])

        found = await eventually(failed)
        assert found == {AMPLITUDE: "amplitude: invalid API key"}
        assert STOPPED.labels("amplitude")._value.get() == 1
        committed, end = await telemetry.offsets(AMPLITUDE, ANONYMOUS)
        assert (committed, end) == (before, before + 1)
        assert await telemetry.letters(AMPLITUDE) == []
        stopping = time.monotonic()
    # it waits for an administrator, and still ends at once
    assert time.monotonic() - stopping < 10
    assert len(await processors.visible("segment")) == 1
    assert await processors.visible("amplitude") == []

    async with house(installation, world, processors) as telemetry:
        await telemetry.drained(AMPLITUDE, ANONYMOUS)
        assert len(await processors.visible("amplitude")) == 1
        assert STOPPED.labels("amplitude")._value.get() == 0


async def test_a_processor_that_is_not_configured_does_not_run(
    installation: Installation, world: TenancyWorld, processors: Standins
) -> None:
    await processors.reset()
    async with house(
        installation, world, processors, amplitude_url=None, segment_write_key_file=None
    ) as telemetry:
        tenant = await telemetry.tenant(segment=True, amplitude=True)
        before, _ = await telemetry.offsets(AMPLITUDE, ANONYMOUS)
        await telemetry.publish(telemetry.event(tenant))

        async def waiting() -> int:
            committed, end = await telemetry.offsets(AMPLITUDE, ANONYMOUS)
            return end - committed

        assert await eventually(waiting) == 1
        assert await processors.requests("segment") == []
        assert await processors.requests("amplitude") == []
        assert (await telemetry.offsets(AMPLITUDE, ANONYMOUS))[0] == before
    # what it missed waits in Kafka until it is configured
    async with house(installation, world, processors) as telemetry:
        await telemetry.all_drained()
        assert len(await processors.visible("segment")) == 1
        assert len(await processors.visible("amplitude")) == 1
