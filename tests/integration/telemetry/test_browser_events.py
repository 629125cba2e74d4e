"""What pages inside Jira report: tenancy proves who it is, telemetry takes it in."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from contracts.topics import USAGE
from contracts.usage import ProductEvent
from kit.service import Role
from tests.harness.installation import Installation
from tests.harness.polling import eventually
from tests.harness.system import service
from tests.integration.tenancy.browser_calls import MIA, TOM, context_token, iframe_token
from tests.integration.tenancy.jira_site import JiraSite
from tests.integration.tenancy.world import World, running_world

EVENTS = "/ostro/v1/telemetry/events"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"
VIEWED = "Viewed test player"
ONE = '{"name": "Viewed test player"}'


class Page:
    """A page of ours in somebody's browser."""

    def __init__(self, world: World, http: httpx.AsyncClient, site: JiraSite) -> None:
        self.world = world
        self.http = http
        self.site = site

    async def report(
        self, *events: dict[str, Any], token: str | None = None, **request: Any
    ) -> httpx.Response:
        """Send events with Mia's context token."""
        if "content" not in request:
            request["json"] = {"events": list(events)}
        headers = {"authorization": token or context_token(self.site), "user-agent": AGENT}
        return await self.http.post(EVENTS, headers=headers, **request)

    async def published(self, tenant: str) -> list[Any]:
        """Return the tenant's product events of browsers."""
        found = [event for _, event in await self.world.records(USAGE) if event is not None]
        return [e for e in found if e.tenantid == tenant and e.source == "ostro/browser"]


@pytest.fixture(scope="module")
async def surroundings(
    installation: Installation,
) -> AsyncIterator[tuple[World, httpx.AsyncClient]]:
    """Tenancy with Jira around it, and telemetry beside it."""
    base = f"http://127.0.0.1:{installation.http_ports['telemetry']}"
    key = installation.secret("pseudonym-key")
    async with (
        running_world(installation) as world,
        service(
            installation,
            "telemetry",
            role=Role.API,
            pseudonym_key_file=key,
            browser_per_minute=20,
        ),
        httpx.AsyncClient(base_url=base, trust_env=False) as http,
    ):
        yield world, http


@pytest.fixture
async def installed(surroundings: tuple[World, httpx.AsyncClient]) -> tuple[Page, str]:
    """A site of its own, and its tenant."""
    world, http = surroundings
    site, tenant = await world.installed()
    return Page(world, http, site), tenant


async def test_what_a_page_reports_is_a_product_event_of_who_holds_the_token(
    installed: tuple[Page, str],
) -> None:
    page, tenant = installed
    ident = str(uuid.uuid4())
    viewed = {"name": VIEWED, "id": ident, "urlPath": "/jira/browse/ABC-1", "appVersion": "7.1.1"}
    for _ in range(2):
        answer = await page.report(viewed, {"name": VIEWED})
        assert (answer.status_code, answer.json()) == (202, {"accepted": 2}), answer.text
    found = await page.published(tenant)
    assert len(found) == 4
    # the page's own id makes a repeat the same event, for this person only
    assert len({event.id for event in found}) == 3
    assert {event.data for event in found} == {
        ProductEvent(
            name=VIEWED,
            account_id=MIA,
            user_agent=AGENT,
            url_path="/jira/browse/ABC-1",
            app_version="7.1.1",
        ),
        ProductEvent(name=VIEWED, account_id=MIA, user_agent=AGENT),
    }
    other = await page.report(viewed, token=context_token(page.site, sub=TOM))
    assert other.status_code == 202
    assert len({event.id for event in await page.published(tenant)}) == 4


@pytest.mark.parametrize(
    "body",
    [
        '{"events": [{"name": "Viewed run for Bob"}]}',
        '{"events": [{"name": "Uploaded automation results"}]}',
        '{"events": [{"name": "Viewed test player", "email": "bob@example.com"}]}',
        '{"events": [{"name": "Viewed test player", "urlPath": 7}]}',
        '{"events": [{"name": "Viewed test player", "id": "bob"}]}',
        '{"events": []}',
        f'{{"events": [{", ".join([ONE] * 51)}]}}',
        '{"events": {}}',
        "[]",
        "{",
        "",
    ],
)
async def test_what_is_no_event_of_a_page_is_refused_whole(
    installed: tuple[Page, str], body: str
) -> None:
    page, tenant = installed
    answer = await page.report(content=body)
    assert answer.status_code == 400
    assert answer.json()["errorCode"] == 400
    assert "bob" not in answer.text.lower()
    assert not await page.published(tenant)


async def test_only_context_tokens_count(installed: tuple[Page, str]) -> None:
    page, tenant = installed
    good = context_token(page.site)
    refused = [
        "",
        good.removeprefix("JWT "),
        good.replace("JWT", "Bearer"),
        good[:-4] + "AAAA",
        f"JWT {iframe_token(page.site)}",
        context_token(page.site, exp=1),
        context_token(page.world.site()),
        (await page.world.token(tenant))["authorization"],
        "JWT " + "a" * 9_000,
    ]
    for token in refused:
        headers = {"authorization": token} if token else {}
        answer = await page.http.post(EVENTS, headers=headers, json={"events": [{"name": VIEWED}]})
        assert answer.status_code == 401, token
        assert answer.headers["www-authenticate"] == 'JWT realm="ostro"'
    assert not await page.published(tenant)


async def test_a_person_may_send_so_often_and_no_oftener(installed: tuple[Page, str]) -> None:
    page, _ = installed
    answers = await asyncio.gather(*(page.report({"name": VIEWED}) for _ in range(45)))
    statuses = [answer.status_code for answer in answers]
    # a minute may end on the way
    assert statuses.count(202) in range(20, 41)
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert int(refused.headers["retry-after"]) > 0
    other = await page.report({"name": VIEWED}, token=context_token(page.site, sub=TOM))
    assert other.status_code == 202


async def test_a_large_body_is_refused_before_it_is_read(installed: tuple[Page, str]) -> None:
    page, _ = installed
    answer = await page.report(content=b" " * 70_000)
    assert answer.status_code == 413


async def test_a_site_that_left_is_refused(installed: tuple[Page, str]) -> None:
    page, _ = installed
    assert (await page.report({"name": VIEWED})).status_code == 202
    token = context_token(page.site)
    page.world.clock.advance(seconds=1)
    assert (await page.world.call(page.site, "uninstalled")).status_code == 204

    async def status() -> int:
        return (await page.report({"name": VIEWED}, token=token)).status_code

    assert await eventually(status, lambda found: found != 202) in {401, 403}
