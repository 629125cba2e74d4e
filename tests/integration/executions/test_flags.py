"""Flags of tenants change what uploads and searches do, while the services run."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any, Protocol

import httpx
import pytest

from contracts.flags import SEARCH, UNSTORED_RESULTS, UPLOAD_RESULTS, UPLOAD_WAIT
from kit.kafka.client import Names
from kit.kafka.producer import Publisher
from kit.service import Role
from tests.harness.flags import flag_state
from tests.harness.installation import Installation
from tests.harness.operator import Operator, operator
from tests.harness.polling import eventually
from tests.harness.system import service
from tests.integration.executions.conftest import Site
from tests.integration.executions.uploading import junit, send


class Decide(Protocol):
    """Publishes what is decided for a tenant; None: nothing any more."""

    async def __call__(self, tenant: str, values: dict[str, Any] | None) -> None: ...


@pytest.fixture(scope="module")
async def world(installation: Installation) -> AsyncIterator[Operator]:
    """Nobody stores results, so that an upload waits for as long as it may."""
    async with (
        operator(installation) as found,
        service(installation, "tenancy", master_key_file=installation.secret("master")),
        service(installation, "testcases"),
        service(installation, "executions", role=Role.API, upload_wait_seconds=600),
    ):
        yield found


@pytest.fixture
async def decide(installation: Installation) -> AsyncIterator[Decide]:
    publisher, names = Publisher(installation.kafka, client_id="flags"), Names(installation.prefix)

    async def publish(tenant: str, values: dict[str, Any] | None) -> None:
        await publisher.send([flag_state(names, values, tenant)])

    yield publish
    await publisher.stop()


async def test_a_shorter_wait_ends_that_of_uploads_which_are_in_it(
    site: Site, other_site: Site, decide: Decide
) -> None:
    waiting = asyncio.create_task(send(site.http, junit(1)))
    patient = asyncio.create_task(send(other_site.http, junit(1)))
    await decide(site.tenant, {UPLOAD_WAIT.key: 0})
    # ten minutes is what the setting says, and what holds for the other one
    answer = await asyncio.wait_for(waiting, 30)
    assert answer.status_code == 200
    assert answer.headers["ostro-upload-state"] == "storing"
    assert not patient.done()
    await decide(other_site.tenant, {UPLOAD_WAIT.key: 0.1})
    assert (await asyncio.wait_for(patient, 30)).status_code == 200


async def test_limits_of_uploads_are_a_tenants_own(site: Site, decide: Decide) -> None:
    def three() -> Awaitable[httpx.Response]:
        return send(site.http, junit(3))

    await decide(site.tenant, {UPLOAD_RESULTS.key: 2, UPLOAD_WAIT.key: 0})
    answer = await eventually(three, lambda a: a.status_code == 413)
    assert UPLOAD_RESULTS.key in answer.text
    await decide(site.tenant, {UNSTORED_RESULTS.key: 1, UPLOAD_WAIT.key: 0})
    # three of them wait, at the latest after the first that is taken
    answer = await eventually(three, lambda a: a.status_code == 429)
    assert "wait for storage" in answer.text


@pytest.mark.parametrize("owner", ["executions", "testcases"])
async def test_searches_can_be_switched_off(
    installation: Installation, site: Site, other_site: Site, decide: Decide, owner: str
) -> None:
    url = f"http://ostro.test/ostro/v1/{owner}/search"

    async def status(of: Site) -> int:
        return (await of.http.get(url)).status_code

    assert await status(site) == 200
    await decide(site.tenant, {SEARCH.key: False})
    await eventually(lambda: status(site), lambda found: found == 503)
    assert (await site.http.get(url)).headers["retry-after"] == "60"
    assert await status(other_site) == 200
    await decide(site.tenant, None)
    await eventually(lambda: status(site), lambda found: found == 200)
