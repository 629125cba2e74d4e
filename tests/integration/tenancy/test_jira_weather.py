"""Jira on its bad days, over real HTTP: slow, broken, moved, rotated, and hostile."""

import asyncio
import contextlib
import gzip
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from devstack.standin.serving import bind, port_of
from kit.errors import Forbidden, OstroError, TooManyRequests, Unavailable
from kit.ids import SystemIds
from services.tenancy.adapters.jira.caller import SiteCaller
from services.tenancy.domain.forge import ApiHosts
from services.tenancy.domain.secret import Secret
from services.tenancy.domain.sites import SiteRules
from services.tenancy.main import Core
from services.tenancy.usecases.jira import ConnectSecret, CredentialRefused, JiraSite
from tests.harness.fakes import ManualClock
from tests.harness.installation import Installation
from tests.integration.tenancy.standin_house import House, standin_house

Handler = Callable[[asyncio.StreamWriter], Awaitable[None]]
CREDENTIAL = ConnectSecret(Secret(b"s" * 40), 1)


@pytest.fixture(scope="module")
async def running_house(installation: Installation) -> AsyncIterator[House]:
    async with standin_house(installation) as found:
        yield found


@pytest.fixture
async def house(running_house: House) -> House:
    """The module's house in good weather."""
    running_house.pass_time(900)
    running_house.standin.world.faults.clear()
    running_house.forget_calls()
    return running_house


@pytest.fixture
async def core(house: House) -> AsyncIterator[Core]:
    """A replica that nothing went wrong for yet."""
    found = await house.replica()
    yield found
    await found.jira.close()
    await found.key_ring.close()


async def ask(core: Core, tenant: str) -> int | None:
    site = await core.jira.sites.get(tenant)
    project = await core.jira.projects.find(site, "DEMO")
    return None if project is None else project.id


@pytest.mark.parametrize(
    ("fault", "asked"),
    [
        ({"status": 503}, 2),
        ({"status": 502}, 2),
        ({"status": 429, "headers": {"Retry-After": "1"}}, 2),
        ({"status": 503, "times": 2}, 3),
    ],
)
async def test_a_moment_of_bad_weather_is_waited_out(
    house: House, core: Core, fault: dict[str, object], asked: int
) -> None:
    await house.control("faults", **fault)
    assert await ask(core, house.tenant) == 10000
    assert len(house.calls("project/DEMO")) == asked


async def test_a_long_retry_after_is_told_the_caller(house: House, core: Core) -> None:
    await house.control("faults", status=429, headers={"Retry-After": "120"}, times=None)
    with pytest.raises(TooManyRequests) as raised:
        await ask(core, house.tenant)
    assert raised.value.headers["Retry-After"] == "120"
    assert len(house.calls("project/DEMO")) == 1


async def test_another_replicas_secret_is_read_once_more(house: House, core: Core) -> None:
    old = await core.jira.sites.get(house.tenant)
    house.pass_time(1)
    await house.act("rotate_secret")
    house.forget_calls()
    # this replica holds what it read before the other one took the new secret in
    found = await core.jira.projects.find(old, "DEMO")
    assert found is not None
    assert [status for _, status in house.calls("project/DEMO")] == [401, 200]
    house.forget_calls()
    assert await ask(core, house.tenant) == 10000
    assert [status for _, status in house.calls("project/DEMO")] == [200]


async def test_a_secret_that_jira_does_not_know_is_tried_once(house: House, core: Core) -> None:
    app = next(iter(house.site.installations.values()))
    secret = app.shared_secret
    app.shared_secret = "another one, whose install never arrived"
    app.retired_secrets.clear()
    with pytest.raises(CredentialRefused):
        await ask(core, house.tenant)
    app.shared_secret = secret
    assert [status for _, status in house.calls("project/DEMO")] == [401]
    # one refusal takes nothing away
    assert await ask(core, house.tenant) == 10000


async def test_a_site_that_moved_is_not_followed(house: House, core: Core) -> None:
    here = house.site.base_url
    house.site.base_url = here.replace("127.0.0.1", "localhost")
    house.site.former_base_urls.append(here)
    try:
        with pytest.raises(Unavailable):
            await ask(core, house.tenant)
        assert [status for _, status in house.calls("project/DEMO")] == [302]
    finally:
        house.site.base_url = here
        house.site.former_base_urls.clear()


async def test_a_suspended_site_is_down_not_empty(house: House, core: Core) -> None:
    house.site.suspended = True
    try:
        with pytest.raises(Unavailable):
            await ask(core, house.tenant)
    finally:
        house.site.suspended = False


@contextlib.asynccontextmanager
async def server(handler: Handler) -> AsyncIterator[tuple[JiraSite, list[bytes]]]:
    """A site that answers every request with what the handler writes."""
    requests: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            requests.append(await reader.readuntil(b"\r\n\r\n"))
            await handler(writer)
        writer.close()

    sock = bind("127.0.0.1", 0)
    async with await asyncio.start_server(serve, sock=sock):
        yield JiraSite("t", f"http://127.0.0.1:{port_of(sock)}", CREDENTIAL), requests


class NoStore:
    async def find(self, _: str) -> JiraSite | None:
        return None


@pytest.fixture
async def caller() -> AsyncIterator[SiteCaller]:
    rules = SiteRules(("127.0.0.1",), relaxed=True)
    found = SiteCaller("app", rules, ApiHosts(), NoStore(), ManualClock(), SystemIds())
    yield found
    await found.close()


def written(*pieces: bytes, pause: float = 0) -> Handler:
    async def handler(writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)

    return handler


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
PACKED = gzip.compress(b" " * 4_000_000)
HOSTILE = {
    "truncated": (written(HEAD + b'content-length: 500\r\n\r\n{"id": "1000'), 3),
    "half a head": (written(b"HTTP/1.1 200 O"), 3),
    "no http": (written(b"220 smtp ready\r\n\r\n"), 3),
    "silence": (written(), 3),
    "too much": (written(HEAD + b"content-length: 3000000\r\n\r\n", b" " * 3_000_000), 1),
    "unfolds": (
        written(
            HEAD + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(PACKED), PACKED
        ),
        1,
    ),
    "metadata": (
        written(
            b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/latest/meta-data/\r\n"
            b"content-length: 0\r\n\r\n"
        ),
        1,
    ),
    "elsewhere": (
        written(
            b"HTTP/1.1 307 Moved\r\nlocation: https://evil.example/\r\ncontent-length: 0\r\n\r\n"
        ),
        1,
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_hostile_servers(caller: SiteCaller, kind: str) -> None:
    handler, tries = HOSTILE[kind]
    async with server(handler) as (site, requests):
        with pytest.raises(Unavailable):
            await caller.request(site, "GET", "/rest/api/3/serverInfo")
        assert len(requests) == tries


@pytest.mark.long
@pytest.mark.parametrize("head", [HEAD + b"content-length: 9000\r\n\r\n", b"HTTP/1.1 200 OK\r\n"])
async def test_a_server_that_drips_is_given_eight_seconds(caller: SiteCaller, head: bytes) -> None:
    async with server(written(head, *[b"x"] * 200, pause=0.2)) as (site, _):
        started = time.monotonic()
        with pytest.raises(Unavailable):
            await caller.request(site, "GET", "/rest/api/3/serverInfo")
        assert 4 < time.monotonic() - started < 10


async def test_a_name_on_a_private_address_gets_nothing() -> None:
    # allowed by name, as a site of ours would be, and on this machine by address
    async def here(_: str, __: int) -> list[str]:
        return ["127.0.0.1"]

    async with server(written(HEAD)) as (_, requests):
        caller = SiteCaller(
            "app",
            SiteRules(("site.example",)),
            ApiHosts(),
            NoStore(),
            ManualClock(),
            SystemIds(),
            resolve=here,
        )
        site = JiraSite("t", "https://site.example", CREDENTIAL)
        with pytest.raises(Forbidden) as raised:
            await caller.request(site, "GET", "/rest/api/3/serverInfo")
        await caller.close()
    assert requests == []
    assert "127" not in raised.value.message


async def test_a_dead_site_does_not_slow_another(house: House, core: Core) -> None:
    async def silent(_: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    async with server(silent) as (dead, _):
        calls = [
            asyncio.ensure_future(core.jira.caller.request(dead, "GET", "/rest/api/3/serverInfo"))
            for _ in range(50)
        ]
        await asyncio.sleep(0)
        started = time.monotonic()
        for _ in range(5):
            assert await ask(core, house.tenant) == 10000
        assert time.monotonic() - started < 6  # each of the dead ones takes eight
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(outcome, OstroError) for outcome in outcomes)
