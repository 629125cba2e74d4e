"""An exception in each of the four services arrives at BugSnag as types and our own frames.

The exceptions are real: a document in MongoDB is not what the service wrote. Each holds a planted
word in its message, its locals or its arguments.
"""

import contextlib
import json
import secrets
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from contracts.envelope import Event
from contracts.telemetry import ProcessorName
from contracts.topics import ANONYMOUS_DIAGNOSTIC, DIAGNOSTIC, USAGE
from contracts.usage import ProductEvent, UsageEventName
from kit.clock import SystemClock
from kit.ids import SystemIds
from kit.kafka.client import Names
from kit.kafka.producer import Publisher
from kit.kafka.records import outgoing
from kit.mongo import Database, connect
from services.executions.adapters.mongo.testcycles import COLLECTION
from services.telemetry.adapters.mongo.consent import MongoConsents
from services.telemetry.adapters.mongo.documents import PSEUDONYM_KEYS
from services.telemetry.adapters.mongo.pseudonym_keys import key_id
from services.telemetry.domain.pseudonyms import epoch_of
from services.tenancy.adapters.mongo.documents import TOKENS
from services.testcases.adapters.mongo.testcases import TEST_CASES
from tests.harness.installation import Installation
from tests.harness.operator import Operator, operator
from tests.harness.polling import eventually
from tests.harness.system import client, service
from tests.harness.watch import watching
from tests.integration.telemetry.house import settings_of
from tests.integration.telemetry.standins import Standins

CANARY = f"jane-{secrets.token_hex(10)}"


@dataclass
class Scene:
    """All four services and a tenant that consents to BugSnag, and to nothing else."""

    installation: Installation
    standins: Standins
    tenant: str
    token: str
    http: httpx.AsyncClient
    publisher: Publisher

    async def errors(self) -> list[dict[str, Any]]:
        """Return the errors that BugSnag has."""
        kept = await self.standins.visible("bugsnag")
        return [one for one in kept if one["kind"] == "error"]

    async def arrives(self, service_name: str, place: str) -> dict[str, Any]:
        """Wait for an error of a service at a place."""
        context = f"{service_name} {place}"

        async def found() -> list[dict[str, Any]]:
            return [one for one in await self.errors() if one["context"] == context]

        return (await eventually(found, seconds=30))[0]

    @contextlib.asynccontextmanager
    async def database(self, name: str) -> AsyncIterator[Database]:
        """Open a service's own database, beside it."""
        backends = self.installation.backends
        async with connect(backends.mongodb, self.installation.database(name)) as found:
            yield found


@pytest.fixture(scope="module")
async def scene(installation: Installation, processors: Standins) -> AsyncIterator[Scene]:
    """Start everything."""
    telemetry = settings_of(installation, processors, bugsnag_own_errors=True)
    async with contextlib.AsyncExitStack() as stack:
        found: Operator = await stack.enter_async_context(operator(installation))
        master = installation.secret("master")
        await stack.enter_async_context(service(installation, "tenancy", master_key_file=master))
        for name in ("testcases", "executions"):
            await stack.enter_async_context(service(installation, name))
        await stack.enter_async_context(service(installation, "telemetry", **telemetry))
        tenant = await found.tenant()
        await found.project(tenant)
        headers = await found.headers(tenant)
        http = await stack.enter_async_context(client(installation, headers))
        publisher = Publisher(installation.kafka, client_id="test-errors")
        stack.push_async_callback(publisher.stop)
        token = headers["authorization"].partition(" ")[2]
        scene = Scene(installation, processors, tenant, token, http, publisher)
        async with scene.database("telemetry") as database:
            consents = MongoConsents(database)
            await consents.change(
                tenant, ProcessorName.BUGSNAG, on=True, by="test", clock=SystemClock()
            )
        yield scene


async def made(scene: Scene, path: str, body: dict[str, Any]) -> str:
    """Create something; return its key."""

    async def post() -> httpx.Response:
        # until the directory copies know the new project
        return await scene.http.post(path, json=body)

    answer = await eventually(post, lambda found: found.status_code == 201)
    return str(answer.json()["key"])


async def broken(scene: Scene, owner: str, path: str, collection: str, field: str) -> None:
    """Make a document what no service writes, and ask for it."""
    key = await made(scene, path, {"projectKey": "DEMO", "name": CANARY})
    async with scene.database(owner) as database:
        change = {"$set": {field: {CANARY: CANARY}}}
        changed = await database[collection].update_many({"tenant": scene.tenant}, change)
        assert changed.modified_count == 1
    assert (await scene.http.get(f"{path}/{key}")).status_code == 500


@pytest.mark.long
async def test_an_exception_of_each_service_arrives_without_anything_that_was_in_it(
    scene: Scene,
) -> None:
    await broken(scene, "testcases", "/testcases", TEST_CASES, "created_on")
    await broken(scene, "executions", "/testcycles", COLLECTION, "planned_start")
    async with scene.database("tenancy") as database:
        changed = await database[TOKENS].update_many(
            {"tenant": scene.tenant}, {"$set": {"scopes": [CANARY]}}
        )
        assert changed.modified_count
    answer = await scene.http.get("http://ostro.test/ostro/v1/tenancy/tokens")
    assert answer.status_code == 500
    await a_broken_key(scene)
    found = {
        "testcases": await scene.arrives("testcases", "http"),
        "executions": await scene.arrives("executions", "http"),
        "tenancy": await scene.arrives("tenancy", "http"),
        "telemetry": await scene.arrives("telemetry", "consumer"),
    }
    for name, error in found.items():
        assert error["app"] == {"version": "0.1", "releaseStage": "production", "type": name}
        assert error["unhandled"] is True
        assert set(error) == {
            *("kind", "receivedAt", "exceptions", "unhandled", "severity", "severityReason"),
            *("context", "app", "device", "metaData", "user"),
        }
        frames = error["exceptions"][0]["stacktrace"]
        assert any(frame["file"].startswith(f"services.{name}.") for frame in frames)
        for frame in frames:
            assert set(frame) == {"file", "lineNumber", "method", "inProject"}
            assert frame["file"].partition(".")[0] in {"contracts", "kit", "services"}
    assert len({error["user"]["id"] for error in found.values()}) == 1
    assert found["tenancy"]["exceptions"][0]["errorClass"] == "ValueError"
    await starts_and_spans(scene)
    await nothing_else(scene)


async def a_broken_key(scene: Scene) -> None:
    """Have the anonymizer fail on an event of last month, whose key is no key."""
    before = datetime.now(UTC) - timedelta(days=32)
    epoch = epoch_of(before)
    row = {
        "_id": key_id(scene.tenant, epoch),
        "tenant": scene.tenant,
        "epoch": epoch,
        "sealed": CANARY,
        "created_at": before,
    }
    async with scene.database("telemetry") as database:
        await database[PSEUDONYM_KEYS].insert_one(row)
    event = Event[ProductEvent](
        id=SystemIds().uuid7(),
        source="ostro/executions",
        type=USAGE.type,
        subject=CANARY,
        time=before,
        tenantid=scene.tenant,
        data=ProductEvent(name=UsageEventName.ENABLED_PROJECT, account_id=CANARY),
    )
    topic = Names(scene.installation.prefix).topic(USAGE)
    await scene.publisher.send([outgoing(topic, scene.tenant, event)])


async def starts_and_spans(scene: Scene) -> None:
    """Check the other two: a start of each service, requests by template."""

    async def kept() -> set[tuple[str, str]]:
        found = await scene.standins.visible("bugsnag")
        return {(one["kind"], one["app"]["type"]) for one in found if one["kind"] == "sessions"} | {
            ("span", one["name"]) for one in found if one["kind"] == "span"
        }

    wanted = {("sessions", name) for name in ("testcases", "executions", "tenancy", "telemetry")}
    wanted |= {("span", "POST /v2/testcases"), ("span", "GET /v2/testcycles/:key")}
    await eventually(kept, lambda found: found >= wanted, seconds=40)


async def nothing_else(scene: Scene) -> None:
    """Search what was sent, and what was published anonymously, for what must not be there."""
    sent = json.dumps(await scene.standins.requests("bugsnag"))
    for secret in (CANARY, scene.tenant, scene.token, socket.gethostname(), "site-packages", ".py"):
        assert secret not in sent
    assert await scene.standins.dropped("bugsnag") == []
    # the raw topic holds tenants, and not what was in an exception
    async with watching(scene.installation.kafka) as watch:
        for topic in (DIAGNOSTIC, ANONYMOUS_DIAGNOSTIC):
            found = await watch.records(watch.names.topic(topic), topic.partitions)
            assert found
            assert not any(CANARY.encode() in record.value for record in found)
