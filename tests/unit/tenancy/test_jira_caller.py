"""Calls to Jira in virtual time: what is tried again, what is signed, what never leaves."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable

import httpx
import pytest

from kit.errors import Forbidden, OstroError, TooManyRequests, Unavailable
from services.tenancy.adapters.jira.caller import SiteCaller
from services.tenancy.adapters.jira.signed import Base
from services.tenancy.domain.forge import ApiHosts
from services.tenancy.domain.secret import Secret
from services.tenancy.domain.sites import SiteRules
from services.tenancy.usecases.jira import (
    ConnectSecret,
    CredentialRefused,
    JiraSite,
    SystemTokenInHand,
)
from tests.harness.fakes import ManualClock, SeededIds

SITE = JiraSite("t1", "https://acme.atlassian.net", ConnectSecret(Secret(b"s" * 40), 1))
GATEWAY = "https://api.atlassian.com/ex/jira/4c0ffee5"
FORGE = JiraSite("t2", GATEWAY, SystemTokenInHand(Secret(b"the-system-token"), 7))
Step = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class Time:
    """Seconds that pass only by sleeping, and by what a step of the script takes."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.now = 1000.0
        self.slept: list[float] = []

    def seconds(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passes(seconds)

    def passes(self, seconds: float) -> None:
        self.now += seconds
        self._clock.advance(seconds=seconds)


class Jira:
    """A site that follows a script; the last step repeats."""

    def __init__(self, *script: Step) -> None:
        self._script = list(script)
        self.requests: list[httpx.Request] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        step = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if isinstance(step, Exception):
            raise step
        return step if isinstance(step, httpx.Response) else step(request)


class Store:
    """The store's newest word on the site."""

    def __init__(self, site: JiraSite | None = SITE) -> None:
        self.site = site
        self.reads = 0

    async def find(self, tenant: str) -> JiraSite | None:
        assert tenant in {"t1", "t2"}
        self.reads += 1
        return self.site


class World:
    def __init__(self, store: Store | None = None) -> None:
        self.clock = ManualClock()
        self.time = Time(self.clock)
        self.store = store or Store()

    def caller(self, jira: Jira) -> SiteCaller:
        return SiteCaller(
            "io.ostro.test",
            SiteRules(),
            ApiHosts(),
            self.store,
            self.clock,
            SeededIds(),
            pace=self.time,
            transport=httpx.MockTransport(jira),
        )


@pytest.fixture
async def world() -> World:
    return World()


def status(code: int, **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: httpx.Response(code, headers=named, json={"summary": "never shown"})


OK = status(200)


def claims(request: httpx.Request) -> dict[str, object]:
    body = request.headers["authorization"].removeprefix("JWT ").split(".")[1]
    found: dict[str, object] = json.loads(base64.urlsafe_b64decode(body + "=="))
    return found


@pytest.mark.parametrize("code", [429, 502, 503, 504])
@pytest.mark.parametrize("failures", [1, 2])
async def test_tried_again_and_signed_anew(world: World, code: int, failures: int) -> None:
    jira = Jira(*[status(code)] * failures, OK)
    answer = await world.caller(jira).request(SITE, "GET", "/rest/api/3/serverInfo")
    assert answer.status == 200
    assert len(jira.requests) == failures + 1
    assert len(world.time.slept) == failures
    assert all(pause <= 0.5 for pause in world.time.slept)


@pytest.mark.parametrize(
    ("error", "once"),
    [
        (httpx.ConnectError("x"), False),
        (httpx.ReadTimeout("x"), False),
        (httpx.RemoteProtocolError("x"), False),
        (TimeoutError(), False),
    ],
)
async def test_a_connection_that_fails_is_tried_three_times(
    world: World, error: Exception, once: bool
) -> None:
    jira = Jira(error)
    with pytest.raises(Unavailable) as raised:
        await world.caller(jira).request(SITE, "GET", "/rest/api/3/serverInfo")
    assert len(jira.requests) == 3
    assert raised.value.headers["Retry-After"] == "5"


@pytest.mark.parametrize("code", [400, 410, 500, 501, 302, 301])
async def test_other_answers_are_final(world: World, code: int) -> None:
    jira = Jira(status(code, location="http://169.254.169.254/latest/meta-data"))
    with pytest.raises(Unavailable):
        await world.caller(jira).request(SITE, "GET", "/rest/api/3/serverInfo")
    assert len(jira.requests) == 1


async def test_no_longer_than_eight_seconds_in_all(world: World) -> None:
    def slow(_: httpx.Request) -> httpx.Response:
        world.time.passes(4.9)
        return httpx.Response(503)

    jira = Jira(slow)
    with pytest.raises(Unavailable):
        await world.caller(jira).request(SITE, "GET", "/rest/api/3/serverInfo")
    assert len(jira.requests) == 2
    assert world.time.now - 1000 < 10


@pytest.mark.parametrize(
    ("header", "slept"), [("2", 2), ("Tue, 24 Nov 2026 12:00:03 GMT", 3), ("0", 0.25)]
)
async def test_retry_after_is_waited_for(world: World, header: str, slept: float) -> None:
    jira = Jira(status(429, retry_after=header), OK)
    await world.caller(jira).request(SITE, "GET", "/rest/api/3/serverInfo")
    assert len(world.time.slept) == 1
    assert world.time.slept[0] <= slept if slept < 1 else world.time.slept[0] == slept


@pytest.mark.parametrize(
    ("code", "kind"), [(429, TooManyRequests), (503, Unavailable)], ids=["busy", "down"]
)
@pytest.mark.parametrize(
    ("header", "told"),
    [("30", "30"), ("Tue, 24 Nov 2026 12:05:00 GMT", "300"), ("86400", "3600"), ("x", "5")],
)
async def test_a_long_wait_is_the_callers(
    world: World, code: int, kind: type[OstroError], header: str, told: str
) -> None:
    jira = Jira(status(code, retry_after=header))
    with pytest.raises(kind) as raised:
        await world.caller(jira).request(SITE, "GET", "/rest/api/3/serverInfo")
    assert raised.value.headers["Retry-After"] == told
    assert len(jira.requests) == (3 if header == "x" else 1)
    assert "never shown" not in raised.value.message


async def test_what_may_not_be_sent_twice_is_not(world: World) -> None:
    for step, tries in (
        (status(503), 1),
        (httpx.ReadTimeout("x"), 1),
        (httpx.ConnectError("x"), 3),
    ):
        jira = Jira(step)
        with pytest.raises(Unavailable):
            await world.caller(jira).request(SITE, "POST", "/rest/api/3/webhook", json={})
        assert len(jira.requests) == tries
    jira = Jira(status(503), OK)
    caller = world.caller(jira)
    await caller.request(SITE, "POST", "/rest/api/3/permissions/check", json={}, idempotent=True)
    assert len(jira.requests) == 2


async def test_what_is_signed_is_what_is_sent(world: World) -> None:
    jira = Jira(OK)
    await world.caller(jira).request(
        SITE,
        "GET",
        "/rest/api/3/issue/A%2FB",
        query=[("accountId", "557058:a b"), ("fields", "project"), ("fields", "é~*,+")],
    )
    request = jira.requests[0]
    sent = request.url.raw_path.decode()
    assert sent == (
        "/rest/api/3/issue/A%2FB?accountId=557058%3Aa%20b&fields=project&fields=%C3%A9~%2A%2C%2B"
    )
    canonical = (
        "GET&/rest/api/3/issue/A%2FB&accountId=557058%3Aa%20b&fields=project,%C3%A9~%2A%2C%2B"
    )
    found = claims(request)
    now = int(world.clock.now().timestamp())
    assert found == {
        "iss": "io.ostro.test",
        "iat": now,
        "exp": now + 180,
        "qsh": hashlib.sha256(canonical.encode()).hexdigest(),
    }
    assert request.headers["accept-encoding"] == "identity"


async def test_forge_calls_carry_the_system_token_to_the_gateway_only(world: World) -> None:
    jira = Jira(OK)
    caller = world.caller(jira)
    await caller.request(FORGE, "GET", "/rest/api/3/serverInfo")
    await caller.request(FORGE, "GET", "/forge/installation/v1/license", base=Base.ORIGIN)
    assert [str(r.url) for r in jira.requests] == [
        f"{GATEWAY}/rest/api/3/serverInfo",
        "https://api.atlassian.com/forge/installation/v1/license",
    ]
    assert {r.headers["authorization"] for r in jira.requests} == {"Bearer the-system-token"}


async def test_an_open_path_gets_no_credential(world: World) -> None:
    jira = Jira(OK)
    caller = world.caller(jira)
    await caller.request(SITE, "GET", "/_edge/tenant_info", base=Base.OPEN)
    assert "authorization" not in jira.requests[0].headers
    refused = Jira(status(401))
    with pytest.raises(Unavailable):
        await world.caller(refused).request(SITE, "GET", "/_edge/tenant_info", base=Base.OPEN)
    assert len(refused.requests) == 1
    assert world.store.reads == 0


@pytest.mark.parametrize(
    "site",
    [
        JiraSite("t1", "https://evil.example", SITE.credential),
        JiraSite("t1", "http://acme.atlassian.net", SITE.credential),
        JiraSite("t1", "https://acme.atlassian.net@evil.example", SITE.credential),
        JiraSite("t1", "https://127.0.0.1", SITE.credential),
        JiraSite("t1", GATEWAY, SITE.credential),
        JiraSite("t2", "https://acme.atlassian.net", FORGE.credential),
        JiraSite("t2", "https://api.atlassian.com", FORGE.credential),
        JiraSite("t2", "https://api.atlassian.com/ex/jira/../admin", FORGE.credential),
        JiraSite("t2", "https://api.atlassian.com.evil.example/ex/jira/a", FORGE.credential),
        JiraSite("t2", "http://api.atlassian.com/ex/jira/a", FORGE.credential),
    ],
)
async def test_a_host_that_is_not_allowed_is_not_called(world: World, site: JiraSite) -> None:
    jira = Jira(OK)
    with pytest.raises(Forbidden):
        await world.caller(jira).request(site, "GET", "/rest/api/3/serverInfo")
    assert jira.requests == []


@pytest.mark.parametrize("path", ["@evil.example/", "evil", "", ".evil.example/"])
async def test_a_path_cannot_change_the_host(world: World, path: str) -> None:
    with pytest.raises(ValueError, match="slash"):
        await world.caller(Jira(OK)).request(SITE, "GET", path)


async def test_a_401_after_a_rotation_elsewhere_is_asked_once_more(world: World) -> None:
    world.store.site = JiraSite("t1", SITE.base_url, ConnectSecret(Secret(b"n" * 40), 2))
    jira = Jira(status(401), OK)
    assert (await world.caller(jira).request(SITE, "GET", "/rest/api/3/myself")).status == 200
    one, two = (r.headers["authorization"] for r in jira.requests)
    assert one.split(".")[:2] == two.split(".")[:2]
    assert one != two
    assert world.store.reads == 1


async def test_a_401_with_the_newest_secret_is_final(world: World) -> None:
    jira = Jira(status(401))
    with pytest.raises(CredentialRefused):
        await world.caller(jira).request(SITE, "GET", "/rest/api/3/myself")
    assert len(jira.requests) == 1
    world.store.site = JiraSite("t1", SITE.base_url, ConnectSecret(Secret(b"n" * 40), 2))
    with pytest.raises(CredentialRefused):
        await world.caller(jira).request(SITE, "GET", "/rest/api/3/myself")
    assert len(jira.requests) == 3
    world.store.site = None
    with pytest.raises(CredentialRefused):
        await world.caller(jira).request(SITE, "GET", "/rest/api/3/myself")
    assert len(jira.requests) == 4


async def test_a_site_that_is_down_is_left_alone_for_a_while(world: World) -> None:
    jira = Jira(httpx.ConnectError("x"))
    caller = world.caller(jira)
    for _ in range(3):
        with pytest.raises(Unavailable):
            await caller.request(SITE, "GET", "/rest/api/3/serverInfo")
    asked = len(jira.requests)
    assert asked == 8
    with pytest.raises(Unavailable):
        await caller.request(SITE, "GET", "/rest/api/3/serverInfo")
    assert len(jira.requests) == asked
    # another tenant's site is not meant
    with pytest.raises(Unavailable):
        await caller.request(FORGE, "GET", "/rest/api/3/serverInfo")
    assert len(jira.requests) == asked + 3
    world.time.passes(2)
    jira._script = [OK]
    for _ in range(2):
        await caller.request(SITE, "GET", "/rest/api/3/serverInfo")


async def test_a_slow_site_takes_its_own_lanes_only(world: World) -> None:
    free, busy = asyncio.Event(), 0

    class Slow(Jira):
        async def __call__(self, request: httpx.Request) -> httpx.Response:
            nonlocal busy
            if request.url.host == "acme.atlassian.net":
                busy += 1
                await free.wait()
            return httpx.Response(200)

    caller = world.caller(Slow(OK))
    waiting = [
        asyncio.ensure_future(caller.request(SITE, "GET", "/rest/api/3/myself")) for _ in range(40)
    ]
    await asyncio.wait_for(caller.request(FORGE, "GET", "/rest/api/3/myself"), 20)
    assert busy == 16
    free.set()
    assert {answer.status for answer in await asyncio.gather(*waiting)} == {200}


async def test_nothing_of_an_answer_is_logged_or_shown(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    for code in (302, 400, 401, 403, 429, 500, 503):
        with pytest.raises(OstroError) as raised:
            await world.caller(Jira(status(code))).request(SITE, "GET", "/rest/api/3/myself")
        assert "never shown" not in str(raised.value)
    answer = await world.caller(Jira(OK)).request(SITE, "GET", "/rest/api/3/myself")
    assert "never shown" not in repr(answer)
    with pytest.raises(Unavailable):
        answer.read(list[int])
    assert "never shown" not in caplog.text
    assert "Jira call failed" in caplog.text
