"""What is planted in uploads is found where it may be, and nowhere else.

The services are processes of their own and log everything they ever log.
"""

import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import bson
import httpx
import pytest
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions

from contracts.topics import ANONYMOUS, TOPICS, USAGE
from kit.mongo import connect
from tests.faults import canaries
from tests.faults.canaries import PLACES, Canary, Fate, Nest
from tests.faults.conftest import Site
from tests.harness.installation import Installation
from tests.harness.operator import Operator, operator
from tests.harness.polling import eventually
from tests.harness.processes import ServiceProcess, process
from tests.harness.watch import Watch
from tests.integration.executions.uploading import every
from tests.integration.telemetry.house import settings_of
from tests.integration.telemetry.standins import Standins, standins

NAMES = ("tenancy", "testcases", "executions", "telemetry")
_ANY: CodecOptions[dict[str, Any]] = CodecOptions(uuid_representation=UuidRepresentation.STANDARD)
FORMATS = {"junit": canaries.junit, "cucumber": canaries.cucumber, "custom": canaries.custom}


@dataclass
class Scene:
    """All services as processes, and what was planted in them."""

    processors: Standins
    processes: dict[str, ServiceProcess]
    nest: Nest = field(default_factory=Nest)


@pytest.fixture(scope="module")
def installation(own_installation: Installation) -> Installation:
    """It runs its own four services."""
    return own_installation


@pytest.fixture(scope="module")
async def scene(installation: Installation) -> AsyncIterator[Scene]:
    """Start everything."""
    async with contextlib.AsyncExitStack() as stack:
        processors = await stack.enter_async_context(standins())
        settings: dict[str, dict[str, Any]] = {
            "tenancy": {"master_key_file": installation.secret("master")},
            "telemetry": settings_of(installation, processors),
        }
        running = {
            name: await stack.enter_async_context(
                process(
                    installation, name, ready=False, log_level="DEBUG", **settings.get(name, {})
                )
            )
            for name in NAMES
        }
        for one in running.values():
            await one.until_ready()
        yield Scene(processors, running)


@pytest.fixture(scope="module")
async def world(installation: Installation, scene: Scene) -> AsyncIterator[Operator]:
    """An operator beside them."""
    async with operator(installation) as found:
        yield found


async def post(site: Site, fmt: str, content: bytes, nest: Nest, **params: Any) -> httpx.Response:
    """Upload with a body whose every name is a canary."""
    kind, data = canaries.body(nest, content)
    return await site.http.post(
        f"/automations/executions/{fmt}",
        params={"projectKey": "DEMO", "autoCreateTestCases": True, **params},
        content=data,
        headers={
            "content-type": kind,
            "user-agent": f"{nest.lay(Fate.AGENT, 'user agent')}/1.0",
            "x-request-id": nest.lay(Fate.NOWHERE, "request header"),
            "cookie": f"session={nest.lay(Fate.NOWHERE, 'cookie')}",
        },
    )


async def accepted_uploads(site: Site, nest: Nest) -> None:
    """Each format bare and as a zip."""
    for fmt, build in FORMATS.items():
        suffix = "xml" if fmt == "junit" else "json"
        for content in (build(nest), canaries.zipped(nest, build(nest), suffix)):
            unknown = {nest.lay(Fate.NOWHERE, "query name"): nest.lay(Fate.NOWHERE, "query value")}
            answer = await post(site, fmt, content, nest, **unknown)
            assert answer.status_code == 200, answer.text


async def refused_uploads(site: Site) -> list[Canary]:
    """What is refused leaves nothing at all."""
    nest = Nest()
    nest.planted = [Canary("", "", Fate.NOWHERE)] * 500  # other numbers than the accepted ones
    for fmt, build in FORMATS.items():
        content = build(nest)
        for wrong in (content[:-9], b"{" + content, content.replace(b"time=", b"&;")):
            if wrong != content:
                answer = await post(site, fmt, wrong, nest)
                assert answer.status_code == 400, answer.text
        answer = await post(site, fmt, content, nest, autoCreateTestCases=False)
        assert answer.status_code == 400
        answer = await post(site, fmt, content, nest, projectKey="NOPE")
        assert answer.status_code == 404
    return [Canary(f"refused {c.name}", c.text, Fate.NOWHERE) for c in nest.planted[500:]]


async def kafka(watch: Watch) -> dict[str, bytes]:
    """Return all bytes of each topic, dead letters included."""
    found: defaultdict[str, bytes] = defaultdict(bytes)
    for topic in TOPICS:
        physical = [(watch.names.topic(topic), topic.partitions)]
        physical += [
            (watch.names.dead_letters(topic, s), 1) for s in topic.subscriptions if s.dead_letters
        ]
        for name, partitions in physical:
            for record in await watch.records(name, partitions):
                headers = b"\n".join(k.encode() + (v or b"") for k, v in record.headers)
                parts = (record.key or b"", record.value or b"", headers)
                found[name.removeprefix(watch.names.topic(topic)[: -len(topic.name)])] += (
                    b"\n".join(parts)
                )
    return found


async def mongodb(installation: Installation) -> dict[str, bytes]:
    """Return all bytes of each collection."""
    found: defaultdict[str, bytes] = defaultdict(bytes)
    for service in NAMES:
        name = installation.database(service)
        async with connect(installation.backends.mongodb, name) as database:
            for collection in await database.list_collection_names():
                async for row in database[collection].find():
                    found[f"{service}.{collection}"] += bson.encode(row)
    return found


async def journal(installation: Installation) -> bytes:
    """Return what the oplog has kept of this installation's writes."""
    mine = f"^{installation.prefix.rstrip('.')}_"
    async with connect(installation.backends.mongodb, "local") as local:
        wanted = {"$or": [{"ns": {"$regex": mine}}, {"o.applyOps.ns": {"$regex": mine}}]}
        rows = local["oplog.rs"].find(wanted)
        return b"".join([bson.encode(row, codec_options=_ANY) async for row in rows])


def where(canary: Canary, places: dict[str, bytes]) -> set[str]:
    """Return the places that hold it, whatever the case of its letters."""
    text = canary.text.lower().encode()
    return {place for place, content in places.items() if text in content.lower()}


@pytest.mark.timeout(180)
@pytest.mark.long
async def test_what_is_planted_is_found_only_where_it_may_be(
    installation: Installation, scene: Scene, site: Site, watch: Watch
) -> None:
    consent = {"segment": True, "amplitude": True}
    url = "http://ostro.test/ostro/v1/telemetry/consent"

    async def consented() -> bool:
        return (await site.http.put(url, json=consent)).status_code == 200

    await eventually(consented)
    nest = scene.nest
    await accepted_uploads(site, nest)
    planted = [*nest.planted, *await refused_uploads(site)]
    assert len(await every(site.http, "/testcycles")) == 6
    await eventually(lambda: arrived(scene), lambda n: n >= 6)
    await watch.caught_up("telemetry.anonymizer", USAGE)
    for group in ("telemetry.segment", "telemetry.amplitude"):
        await watch.caught_up(group, ANONYMOUS)
    await eventually(lambda: waiting(installation), lambda n: n == 0)
    places = await kafka(watch) | await mongodb(installation)
    wrong = {
        canary.name: found.symmetric_difference(PLACES[canary.fate])
        for canary in planted
        if (found := where(canary, places)) != PLACES[canary.fate]
    }
    assert wrong == {}
    elsewhere = {
        "journal": await journal(installation),
        "processors": await requests(scene),
        **{f"log of {n}": p.log.read_bytes() for n, p in scene.processes.items()},
        **{f"metrics of {n}": await metrics(p) for n, p in scene.processes.items()},
    }
    leaks = {
        canary.name: found
        for canary in planted
        if (found := where(canary, elsewhere)) - ({"journal"} if PLACES[canary.fate] else set())
    }
    assert leaks == {}
    # the search is worth something only where there is something
    assert all(len(content) > 100 for content in elsewhere.values())
    assert places[ANONYMOUS.name]


async def arrived(scene: Scene) -> int:
    """Count the uploads that a processor knows of."""
    found = await scene.processors.visible("segment")
    return sum("Uploaded" in str(event) for event in found)


async def waiting(installation: Installation) -> int:
    """Count documents with something in their outbox."""
    total = 0
    for service in NAMES:
        name = installation.database(service)
        async with connect(installation.backends.mongodb, name) as database:
            for collection in await database.list_collection_names():
                pending = {"outbox.seq": {"$gt": 0}}
                total += await database[collection].count_documents(pending)
    return total


async def requests(scene: Scene) -> bytes:
    """Return everything that the processors got."""
    found = [await scene.processors.requests(p) for p in ("segment", "amplitude")]
    return str(found).encode()


async def metrics(one: ServiceProcess) -> bytes:
    """Return what the process counts."""
    async with httpx.AsyncClient(trust_env=False) as http:
        return (await http.get(f"{one.internal_url}/metrics")).content
