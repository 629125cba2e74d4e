"""Flags: from LaunchDarkly's stand-in through telemetry to a process that asks for them."""

import asyncio
import contextlib
import logging
import queue
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from typer.testing import CliRunner

from contracts.flags import EVERYBODY, SEARCH, UPLOAD_RESULTS, UPLOAD_WAIT, Flag
from contracts.tenancy import TenantStatus
from kit.flags import Flags
from kit.kafka.client import Names
from kit.kafka.flag_states import FlagReader
from kit.observability.metrics import REGISTRY
from services.telemetry.__main__ import cli
from services.telemetry.adapters.flags.launchdarkly import Hosts, LaunchDarkly, _config
from services.telemetry.adapters.processors.regions import HOSTS, Region
from tests.harness.installation import Installation
from tests.harness.launchdarkly import drop_refused_sockets
from tests.harness.polling import eventually
from tests.harness.tenancy_world import TenancyWorld
from tests.integration.telemetry.house import House, house
from tests.integration.telemetry.standins import SDK_KEY, Standins


@dataclass
class Flagged:
    """Telemetry with LaunchDarkly, and what another service's process knows of it."""

    house: House
    known: Flags

    @property
    def standins(self) -> Standins:
        """LaunchDarkly among them."""
        return self.house.standins

    async def tenant(self, **consent: bool) -> str:
        """Return a tenant with a licence for 2,000 users."""
        world = self.house.world
        tenant = await world.tenant(licence_tier="2000 users", licence_type="COMMERCIAL")
        if consent:
            await self.house.consent(tenant, **consent)
        return tenant

    async def gets(self, tenant: str, flag: Flag[Any], value: Any) -> None:
        """Wait until a tenant's value is this one."""

        async def found() -> Any:
            return self.known.value(tenant, flag)

        await eventually(found, lambda seen: seen == value, every=0.01)

    async def key(self, tenant: str) -> str:
        """Return the key of a tenant's context."""
        runner = CliRunner(env=self.house.installation.environment("telemetry"))
        command = ["admin", "flags", "key", "--tenant", tenant]
        result = await asyncio.to_thread(runner.invoke, cli, command)
        assert result.exit_code == 0, result.output
        return result.output.strip()


@pytest.fixture(scope="module")
async def running(
    installation: Installation, world: TenancyWorld, processors: Standins
) -> AsyncIterator[House]:
    url = f"{processors.url}/launchdarkly"
    async with house(
        installation,
        world,
        processors,
        launchdarkly_sdk_key_file=installation.secret("launchdarkly", SDK_KEY),
        launchdarkly_stream_url=url,
        launchdarkly_base_url=url,
        launchdarkly_events_url=url,
    ) as found:
        yield found


@pytest.fixture(scope="module")
async def known(installation: Installation) -> AsyncIterator[Flags]:
    flags, names = Flags(), Names(installation.prefix)
    task = asyncio.create_task(FlagReader(installation.kafka, names, flags).run())
    yield flags
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.fixture
async def flagged(running: House, known: Flags) -> AsyncIterator[Flagged]:
    """No flags at first."""
    yield Flagged(running, known)
    # nothing but the stream was ever asked for, and nothing was told
    requests = await running.standins.requests("launchdarkly")
    assert {(r["method"], r["path"], r["body"]) for r in requests} <= {("GET", "/all", None)}
    await running.standins.reset()


def refused(flag: Flag[Any]) -> float:
    """Return how many values of a flag were refused so far, in this process."""
    labels = {"flag": flag.key}
    return REGISTRY.get_sample_value("ostro_flag_values_refused_total", labels) or 0


async def test_a_refused_key_is_told_and_nothing_is_decided(processors: Standins) -> None:
    url, told = f"{processors.url}/launchdarkly", queue.SimpleQueue[str | None]()

    def ignore() -> None:
        """Nothing can change."""

    source = await asyncio.to_thread(
        LaunchDarkly, "another", Hosts(url, url, url), "refused", ignore, told.put
    )
    try:
        reason = await asyncio.to_thread(told.get, timeout=20)
        assert reason is not None
        assert "401" in reason
        assert source.generation is None
    finally:
        await asyncio.to_thread(source.close)
        del source
        drop_refused_sockets()


def test_a_region_moves_every_host_and_nothing_is_ever_sent() -> None:
    eu = HOSTS[Region.EU]
    hosts = Hosts(eu.launchdarkly_stream, eu.launchdarkly_base, eu.launchdarkly_events)
    config = _config(SDK_KEY, hosts)
    assert {config.stream_base_uri, config.base_uri, config.events_uri} == {
        f"https://{host}.eu.launchdarkly.com{path}"
        for host, path in (("stream", ""), ("sdk", ""), ("events", "/bulk"))
    }
    assert not config.send_events
    assert config.diagnostic_opt_out
    assert config.all_attributes_private


async def test_what_is_decided_for_everybody_reaches_every_tenant(flagged: Flagged) -> None:
    await flagged.gets("anybody", UPLOAD_WAIT, UPLOAD_WAIT.default)
    await flagged.standins.flag(UPLOAD_WAIT.key, 3)
    await flagged.standins.flag(SEARCH.key, value=False)
    await flagged.gets("anybody", SEARCH, value=False)
    await flagged.gets("anybody", UPLOAD_WAIT, 3.0)
    await flagged.standins.flag(UPLOAD_WAIT.key, 7.5)
    await flagged.gets("anybody", UPLOAD_WAIT, 7.5)
    assert (await flagged.standins.client.delete(f"/control/flags/{SEARCH.key}")).is_success
    await flagged.gets("anybody", SEARCH, value=True)
    assert flagged.known.states[EVERYBODY] == {UPLOAD_WAIT.key: 7.5}


@pytest.mark.parametrize(
    ("flag", "bad"),
    [(UPLOAD_WAIT, 61), (UPLOAD_WAIT, "3"), (UPLOAD_RESULTS, 10.5), (SEARCH, 0)],
)
async def test_a_bad_value_is_counted_and_the_default_holds(
    flagged: Flagged, flag: Flag[Any], bad: Any
) -> None:
    before = refused(flag)
    other = SEARCH if flag is not SEARCH else UPLOAD_WAIT
    good = flag.accepted(flag.least or 0) if flag is not SEARCH else False
    await flagged.standins.flag(flag.key, good)
    await flagged.gets("anybody", flag, good)
    await flagged.standins.flag(flag.key, bad)
    await flagged.gets("anybody", flag, flag.default)
    assert refused(flag) > before
    # the others hold beside it
    value = False if other is SEARCH else 4.0
    await flagged.standins.flag(other.key, value)
    await flagged.gets("anybody", other, value)


async def test_only_with_consent_a_tenant_is_told_apart(flagged: Flagged) -> None:
    tenant, other = await flagged.tenant(launchdarkly=True), await flagged.tenant(segment=True)
    keys = [await flagged.key(tenant), await flagged.key(other)]
    named = {"contextKind": "organization", "variation": 1, "values": keys}
    rules: dict[str, Any] = {
        "on": True,
        "variations": [20, 1],
        "fallthrough": {"variation": 0},
        "contextTargets": [named],
    }
    await flagged.standins.flag(UPLOAD_WAIT.key, **rules)
    await flagged.gets(tenant, UPLOAD_WAIT, 1.0)
    assert flagged.known.value(other, UPLOAD_WAIT, 0.0) == 20.0
    assert tenant in flagged.known.states
    assert other not in flagged.known.states
    # new ones at once, and as soon as they consent no longer, everybody's
    await flagged.house.consent(other, launchdarkly=True)
    await flagged.gets(other, UPLOAD_WAIT, 1.0)
    await flagged.house.consent(tenant, launchdarkly=False)
    await flagged.gets(tenant, UPLOAD_WAIT, 20.0)


@pytest.mark.long
async def test_a_tenant_that_is_gone_is_no_longer_told_apart(flagged: Flagged) -> None:
    tenant = await flagged.tenant(launchdarkly=True)
    named = {"contextKind": "organization", "variation": 1, "values": [await flagged.key(tenant)]}
    rules = {"on": True, "variations": [20, 1], "fallthrough": {"variation": 0}}
    await flagged.standins.flag(UPLOAD_WAIT.key, **rules, contextTargets=[named])
    await flagged.gets(tenant, UPLOAD_WAIT, 1.0)
    await flagged.house.world.tenant(tenant, status=TenantStatus.UNINSTALLED)
    await flagged.gets(tenant, UPLOAD_WAIT, 20.0)


@pytest.mark.long
async def test_a_patch_reaches_a_process_in_seconds(
    flagged: Flagged, record_property: Callable[[str, object], None]
) -> None:
    loop, times = asyncio.get_running_loop(), []
    for number in range(20):
        began = loop.time()
        await flagged.standins.flag(UPLOAD_WAIT.key, number + 1)
        await flagged.gets("anybody", UPLOAD_WAIT, number + 1.0)
        times.append(loop.time() - began)
    median, slowest = sorted(times)[10], max(times)
    record_property(
        "seconds from a patch to a changed value", f"{median:.3f}, at most {slowest:.3f}"
    )
    logging.getLogger(__name__).warning("heeded in %.3f s, at most %.3f s", median, slowest)
    assert slowest < 5


async def test_rules_may_look_at_the_licence_in_buckets(flagged: Flagged) -> None:
    tenant = await flagged.tenant(launchdarkly=True)
    clauses = [
        {"contextKind": "organization", "attribute": name, "op": "in", "values": values}
        for name, values in (("licenceTier", ["1001-10000"]), ("licenceType", ["COMMERCIAL"]))
    ]
    rules: dict[str, Any] = {
        "on": True,
        "variations": [True, False],
        "fallthrough": {"variation": 0},
        "rules": [{"id": "large", "variation": 1, "clauses": clauses}],
    }
    await flagged.standins.flag(SEARCH.key, **rules)
    await flagged.gets(tenant, SEARCH, value=False)
    await flagged.gets("anybody", SEARCH, value=True)


async def test_what_was_decided_last_holds_while_launchdarkly_is_away(flagged: Flagged) -> None:
    await flagged.standins.flag(UPLOAD_WAIT.key, 2)
    await flagged.gets("anybody", UPLOAD_WAIT, 2.0)
    await flagged.standins.fail("launchdarkly", "status", status=503, times=1, path="/all")
    await flagged.standins.client.post("/control/streams/close")

    async def asked() -> list[tuple[int, str]]:
        requests = await flagged.standins.requests("launchdarkly")
        return [(r["status"], r["headers"]["authorization"]) for r in requests]

    await eventually(asked, lambda found: (503, SDK_KEY) in found)
    assert flagged.known.value("anybody", UPLOAD_WAIT) == 2.0
    # set while nobody listens: it is there with the next connection
    await flagged.standins.flag(UPLOAD_WAIT.key, 9)
    await flagged.gets("anybody", UPLOAD_WAIT, 9.0)
