"""The seed's table, row by row, through the real system: a change where the value comes from (the
Jira stand-in, the browser) changes what a processor's stand-in gets, or must not."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from contracts.topics import ANONYMOUS
from tests.harness.installation import Installation
from tests.harness.polling import eventually
from tests.harness.system import service
from tests.integration.telemetry.house import AMPLITUDE, CONSENT, Watcher, settings_of
from tests.integration.telemetry.standins import Standins
from tests.integration.tenancy.jira_site import hs256
from tests.integration.tenancy.standin_house import House, standin_house

USER, OTHER_USER = "6a2ba123e12f789c1234c4ef", "6a2ba123e12f789c1234c4ee"
PATH, TIER, KIND, SEN = "/jira/browse/ABC-123", "2000 users", "COMMERCIAL", "SEN-1234566"
APP, INSTANCE, JIRA, AGENT = "7.1.1", "JHYU-AS8U-ASDF-BHJ7", "8.14.0", "Mozilla/5.0"
EVENT = "Viewed test player"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"


@dataclass
class Journey:
    """Jira, tenancy, telemetry and the processors, and a page in somebody's browser."""

    house: House
    http: httpx.AsyncClient
    processors: Standins
    watcher: Watcher
    user: str = USER
    agent: str = AGENT
    instance: str = INSTANCE
    seen: set[str] = field(default_factory=set)

    async def at_jira(self, **licence: Any) -> None:
        """Set the site's facts as the table has them, but for ``licence``; tenancy reads them."""
        self.house.site.cloud_id = self.instance
        order = {"state": "active", "type": KIND, "support_entitlement_number": SEN} | licence
        await self.house.control("sites/demo/licence", **order)
        await self.house.world.core.jira.facts.refresh(self.house.tenant)

    async def version(self, text: str) -> None:
        """Change Jira's version."""
        await self.house.control("sites/demo/version", version=text)
        await self.at_jira()

    async def tier(self, text: str | None) -> None:
        """Change the tier where it would come in: no interface of Jira tells it."""
        jira = self.house.world.core.jira
        tenant = await jira.facts.known(self.house.tenant)
        changed = replace(tenant, facts=replace(tenant.facts, licence_tier=text))
        await jira.facts._store.store(changed)

    async def report(self, **event: Any) -> dict[str, Any]:
        """Report from the page; return what Amplitude shows of it."""
        site = self.house.site
        (app,) = site.installations.values()
        now = int(self.house.world.clock.now().timestamp())
        claims = {"iss": site.client_key, "sub": self.user, "iat": now, "exp": now + 900}
        token = hs256(
            {"typ": "JWT", "alg": "HS256"}, claims | {"qsh": "context-qsh"}, app.shared_secret
        )
        content = {"name": EVENT, "urlPath": PATH, "appVersion": APP} | event
        answer = await self.http.post(
            "/ostro/v1/telemetry/events",
            json={"events": [content]},
            headers={"authorization": f"JWT {token}", "user-agent": self.agent},
        )
        assert answer.status_code == 202, answer.text
        (shown,) = await eventually(self._new)
        self.seen.add(shown["insert_id"])
        return {
            **shown["event_properties"],
            "user": shown["user_id"],
            "event": shown["event_type"],
        }

    async def _new(self) -> list[dict[str, Any]]:
        found = await self.processors.visible("amplitude")
        # tenancy tells of the install and of the token, too
        of_pages = [event for event in found if event["event_type"].startswith("Viewed")]
        return [event for event in of_pages if event["insert_id"] not in self.seen]

    async def becomes(self, before: dict[str, Any], *names: str) -> dict[str, Any]:
        """Report until nothing but these fields differs, and they do."""

        def changed(found: dict[str, Any]) -> set[str]:
            every = before.keys() | found.keys()
            return {name for name in every if before.get(name) != found.get(name)}

        return await eventually(self.report, lambda found: changed(found) == set(names))


@pytest.fixture
async def journey(installation: Installation, processors: Standins) -> AsyncIterator[Journey]:
    """Start everything; the tenant consents to Amplitude by the API."""
    base = f"http://127.0.0.1:{installation.http_ports['telemetry']}"
    async with contextlib.AsyncExitStack() as stack:
        house = await stack.enter_async_context(standin_house(installation))
        # the page reports until a change has come through
        settings = settings_of(installation, processors, browser_per_minute=5_000)
        await stack.enter_async_context(service(installation, "telemetry", **settings))
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=base, trust_env=False))
        watcher = await stack.enter_async_context(Watcher(installation.kafka))
        await processors.reset()
        headers = await house.world.token(house.tenant)

        async def consented() -> int:
            answer = await http.put(CONSENT, json={"amplitude": True}, headers=headers)
            return answer.status_code

        await eventually(consented, lambda status: status == 200)
        yield Journey(house, http, processors, watcher)


@pytest.mark.long
@pytest.mark.timeout(120)
async def test_each_row_of_the_table_changes_what_arrives_as_its_rule_says(
    journey: Journey,
) -> None:
    await journey.version(JIRA)
    await journey.tier(TIER)
    first = await eventually(journey.report, lambda found: found.get("licence_tier") is not None)
    assert first == {
        "path": "/jira/browse/:issueKey",
        "user": first["user"],
        "licence_tier": "1001-10000",
        "licence_type": "COMMERCIAL",
        "app_version": "7.1",
        "instance": first["instance"],
        "jira_version": "8.14",
        "client": "Other",
        "event": EVENT,
    }
    # of a browser
    other_path = await journey.report(urlPath="/jira/projects?name=bob#bob")
    assert other_path == first | {"path": "/jira/projects"}
    assert await journey.report(urlPath="/jira/browse/XYZ-9?x=bob") == first
    assert await journey.report(appVersion="7.2.5") == first | {"app_version": "7.2"}
    assert await journey.report(name="Viewed report") == first | {"event": "Viewed report"}
    journey.agent = FIREFOX
    assert await journey.report() == first | {"client": "Firefox", "client_major": 131}
    journey.agent = AGENT
    # of a person
    journey.user = OTHER_USER
    other = await journey.report()
    assert other["user"] != first["user"]
    assert other == first | {"user": other["user"]}
    journey.user = USER
    # of Jira; reading it anew forgets the tier, which no site tells
    await journey.tier("25 users")
    smaller = await journey.becomes(first, "licence_tier")
    assert smaller["licence_tier"] == "11-100"
    await journey.at_jira()
    plain = await journey.becomes(smaller, "licence_tier")
    assert "licence_tier" not in plain
    await journey.at_jira(type="ACADEMIC")
    assert (await journey.becomes(plain, "licence_type"))["licence_type"] == "ACADEMIC"
    await journey.version("9.4.1")
    assert (await journey.becomes(plain, "jira_version"))["jira_version"] == "9.4"
    await journey.version(JIRA)
    journey.instance = "ZZZZ-AS8U-ASDF-BHJ7"
    await journey.at_jira()
    moved = await journey.becomes(plain, "instance")
    # the entitlement number is known to us, and changes nothing
    await journey.at_jira(support_entitlement_number="SEN-7654321", type="COMMUNITY")
    await journey.becomes(moved, "licence_type")
    known = await journey.house.world.core.jira.facts.known(journey.house.tenant)
    assert known.facts.support_entitlement == "SEN-7654321"
    await nothing_personal_left(journey)


async def nothing_personal_left(journey: Journey) -> None:
    """No request to a processor holds a value of the table that must not leave."""
    committed, end = await journey.watcher.offsets(AMPLITUDE, ANONYMOUS)
    assert committed <= end
    sent = str([await journey.processors.requests(name) for name in ("amplitude", "segment")])
    personal = (
        USER,
        OTHER_USER,
        "ABC-123",
        "XYZ",
        "SEN-",
        "AS8U",
        "7.1.1",
        "8.14.0",
        "2000",
        "bob",
    )
    assert [text for text in personal if text in sent] == []
    assert journey.house.tenant not in sent
