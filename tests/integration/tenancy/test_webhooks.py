"""Webhooks: what is taken, what is refused, what Kafka has of it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kit.ids import stable_uuid
from kit.service import Role
from services.tenancy.domain.webhooks import EVENTS
from tests.harness.backends import Backends
from tests.harness.installation import Installation
from tests.harness.namespace import prepared
from tests.harness.polling import eventually
from tests.integration.tenancy.jira_site import JiraSite, qsh
from tests.integration.tenancy.webhook_calls import PATH, changes, deliver, headers
from tests.integration.tenancy.world import World, running_world
from tests.unit.tenancy import webhook_bodies as bodies


@pytest.fixture
async def apart(servers: Backends, tmp_path: Path) -> AsyncIterator[Installation]:
    """An installation of this test alone."""
    async with prepared(servers, tmp_path) as found:
        yield found


async def test_each_event_is_in_kafka_when_it_is_answered(world: World) -> None:
    site, tenant = await world.installed()
    before = await world.stored()
    for event in EVENTS:
        answer = await deliver(world, site, bodies.of(event), identifier=event)
        assert (answer.status_code, answer.content) == (200, b"")
    found = {e.id: e for e in await changes(world, tenant)}
    for event, (entity, action) in EVENTS.items():
        told = found[stable_uuid(tenant, event)]
        assert (told.data.entity, told.data.action) == (entity, action)
        assert told.subject == f"{entity.value}/{told.data.id}"
        assert told.time == told.data.at
    assert len(found) == len(EVENTS)
    assert await world.stored() == before


async def test_both_paths_and_a_query(world: World) -> None:
    site, tenant = await world.installed()
    path = f"{PATH}/dynamic"
    assert (await deliver(world, site, bodies.of("user_created"), path=path)).status_code == 200
    signed = headers(site) | {"authorization": site.symmetric("w", qsh=qsh("POST", PATH))}
    answer = await world.http.post(f"{PATH}?a=1", json=bodies.of("user_created"), headers=signed)
    assert answer.status_code == 401
    assert len(await changes(world, tenant)) == 1


async def test_a_repeat_gets_the_same_event_id(world: World) -> None:
    site, tenant = await world.installed()
    other_site, other = await world.installed()
    body = bodies.of("jira:issue_deleted")
    for _ in range(3):
        assert (await deliver(world, site, body, identifier="same")).status_code == 200
        world.clock.advance(seconds=1)
    await deliver(world, other_site, body, identifier="same")
    await deliver(world, site, body, identifier=None)
    await deliver(world, site, body, identifier=None)
    ids = [e.id for e in await changes(world, tenant)]
    assert len(ids) == 5
    assert len(set(ids)) == 2
    assert not set(ids) & {e.id for e in await changes(world, other)}


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"nope", b"\xff\xfe", b'{"a": NaN}', b"[" * 5000, b'{"webhookEvent": "\xff"}'],
)
async def test_a_broken_body_is_400_and_quotes_nothing(world: World, body: bytes) -> None:
    site, tenant = await world.installed()
    answer = await deliver(world, site, body)
    assert answer.status_code == 400
    assert answer.json() == {"errorCode": 400, "message": "The request body is not valid JSON."}
    assert await changes(world, tenant) == []


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"webhookEvent": "sprint_started", "sprint": {"id": 1}},
        {"webhookEvent": "jira:issue_created"},
        {"webhookEvent": "jira:issue_created", "issue": "10042"},
    ],
)
async def test_what_is_of_no_use_is_taken_and_forgotten(world: World, body: Any) -> None:
    site, tenant = await world.installed()
    assert (await deliver(world, site, body)).status_code == 200
    assert await changes(world, tenant) == []


async def test_no_other_credential_is_taken(world: World) -> None:
    site, tenant = await world.installed()
    good = headers(site)
    body = bodies.of("user_created")
    bare = {k: v for k, v in good.items() if k != "authorization"}
    token = good["authorization"].removeprefix("JWT ")
    api_token = await world.token(tenant)
    attempts = {
        "none": (PATH, bare),
        "in the query": (f"{PATH}?jwt={token}", bare),
        "bearer": (PATH, bare | {"authorization": f"Bearer {token}"}),
        "an API token": (PATH, bare | api_token),
        "RS256": (PATH, bare | {"authorization": site.signed("w", qsh=qsh("POST", PATH))}),
        "context": (PATH, bare | {"authorization": site.symmetric("w", qsh="context-qsh")}),
        "of another path": (PATH, bare | {"authorization": site.symmetric("enabled")}),
        "of another site": (
            PATH,
            bare | {"authorization": world.site().symmetric("w", qsh=qsh("POST", PATH))},
        ),
    }
    for name, (path, sent) in attempts.items():
        answer = await world.http.post(path, json=body, headers=sent)
        assert answer.status_code == 401, name
        assert set(answer.json()) == {"error"}
        assert answer.headers["www-authenticate"].startswith("JWT realm=")
    assert (await world.http.get(PATH, headers=good)).status_code == 404
    assert await changes(world, tenant) == []


async def test_a_site_without_the_app_is_403(world: World) -> None:
    site, tenant = await world.installed()
    world.clock.advance(seconds=1)
    assert (await world.call(site, "uninstalled")).status_code == 204
    answer = await eventually(
        lambda: deliver(world, site, bodies.of("user_created"), identifier="late"),
        lambda a: a.status_code != 200,
    )
    assert answer.status_code == 403
    world.clock.advance(seconds=1)
    site.new_secret()
    await world.installed(site)
    assert (await deliver(world, site, bodies.of("user_created"))).status_code == 200
    assert {e.tenantid for e in await changes(world, tenant)} == {tenant}


async def test_a_secret_is_rotated_between_event_and_retry(world: World) -> None:
    site, tenant = await world.installed()
    body = bodies.of("jira:version_deleted")
    assert (await deliver(world, site, body, identifier="kept")).status_code == 200
    replaced = site.secret
    site.new_secret()
    world.clock.advance(seconds=1)
    await world.installed(site)
    # signed with the new secret the moment after: a copy of the old one must not decide
    assert (await deliver(world, site, body, identifier="kept")).status_code == 200
    late = headers(site, "kept") | {
        "authorization": site.symmetric("w", secret=replaced, qsh=qsh("POST", PATH))
    }
    answer = await world.http.post(PATH, json=body, headers=late)
    assert answer.status_code == 200
    assert len({e.id for e in await changes(world, tenant)}) == 1


async def test_a_long_body_is_bounded(apart: Installation) -> None:
    caps: dict[str, Any] = {"webhook_max_bytes": 2048, "webhook_buffer_bytes": 4096}
    async with running_world(apart, Role.ALL, **caps) as world:
        site, tenant = await world.installed()
        body = bodies.of("user_created")
        for padding, status in ((100, 200), (5000, 413)):
            answer = await deliver(world, site, {**body, "padding": "x" * padding})
            assert answer.status_code == status
        # without a length in front, too
        sent = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal sent
            for _ in range(1000):
                sent += 1000
                yield b" " * 1000

        with contextlib.suppress(httpx.WriteError):
            answer = await world.http.post(PATH, content=endless(), headers=headers(site))
            assert answer.status_code == 413
        assert len(await changes(world, tenant)) == 1
        assert (await deliver(world, site, body)).status_code == 200


class Slow:
    """A delivery whose body stops half way until told to go on."""

    def __init__(self, world: World, site: JiraSite, name: str) -> None:
        self.name = name
        self._world = world
        self._head = headers(site, name)

    async def begin(self) -> None:
        """Send the head and half of the body."""
        url = self._world.http.base_url
        self._reader, self._writer = await asyncio.open_connection(url.host, url.port)
        self._body = json.dumps(bodies.of("jira:issue_updated")).encode()
        lines = [f"POST {PATH} HTTP/1.1", f"host: {url.host}", f"content-length: {len(self._body)}"]
        lines += [f"{name}: {value}" for name, value in self._head.items()]
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + self._body[:100])
        await self._writer.drain()

    async def status(self) -> int:
        """Wait for the answer."""
        return int((await self._reader.readline()).split()[1])

    async def end(self) -> None:
        """Send the other half."""
        self._writer.write(self._body[100:])
        await self._writer.drain()

    def close(self) -> None:
        self._writer.close()


async def test_a_flood_of_one_site_leaves_the_rest_usable(apart: Installation) -> None:
    limit = 10
    caps: dict[str, Any] = {
        "webhook_max_in_flight": 2 * limit,
        "webhook_max_in_flight_per_tenant": limit,
    }
    async with running_world(apart, Role.ALL, **caps) as world:
        site, tenant = await world.installed()
        calm_site, calm = await world.installed()
        reader = await world.token(calm)
        flood = [Slow(world, site, f"flood-{n}") for n in range(10 * limit)]
        await asyncio.gather(*(one.begin() for one in flood))
        waits = {asyncio.create_task(one.status()): one for one in flood}
        refused, held = set(waits), set(waits)
        # those that have a place wait for the rest of their body; the others are answered at once
        while len(held) > limit:
            _, held = await asyncio.wait(held, return_when=asyncio.FIRST_COMPLETED, timeout=10)
        refused -= held
        assert {task.result() for task in refused} == {429}
        usable = await asyncio.gather(
            world.http.get("/v2/projects", headers=reader),
            world.http.get("/v2/healthcheck", headers=reader),
            deliver(world, calm_site, bodies.of("jira:issue_updated")),
        )
        assert [a.status_code for a in usable] == [200, 200, 200]
        again = await deliver(world, site, bodies.of("jira:issue_updated"))
        assert again.status_code == 429
        assert again.headers["retry-after"] == "30"
        await asyncio.gather(*(waits[task].end() for task in held))
        assert {await task for task in held} == {200}
        # Jira comes again with what was refused: all of it is there in the end, once
        for task in refused:
            name = waits[task].name
            answer = await deliver(world, site, bodies.of("jira:issue_updated"), identifier=name)
            assert answer.status_code == 200
        for one in flood:
            one.close()
        wanted = {stable_uuid(tenant, one.name) for one in flood}
        assert {e.id for e in await changes(world, tenant)} == wanted
