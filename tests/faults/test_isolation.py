"""Another tenant's ids and keys answer exactly as unknown ones do, over every route there is.

Generated from the OpenAPI document of each running service. Two others try: a twin, whose project
has the same key and the same id, so that nothing but the tenant tells the two apart, and a
stranger without such a project.
"""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from contracts.routes import EXECUTIONS, TELEMETRY, TENANCY, TESTCASES
from kit.ids import SystemIds
from kit.mongo import connect
from tests.faults.attempts import Attempt, attempts
from tests.faults.belongings import (
    ISSUE,
    ISSUE_KEY,
    MARK,
    OSTRO,
    VERSION,
    Belongings,
    make,
)
from tests.faults.bodies import in_bodies
from tests.faults.routes import OTHER_CREDENTIALS
from tests.harness.installation import Installation
from tests.harness.jira_issues import JiraIssues, jira_beside_tenancy
from tests.harness.operator import Operator, operator
from tests.harness.polling import eventually
from tests.harness.system import client, service
from tests.integration.executions.uploading import send

pytestmark = [pytest.mark.long, pytest.mark.timeout(180)]

SERVICES = (TESTCASES, EXECUTIONS, TENANCY, TELEMETRY)
_LAST_USE = re.compile(r'"lastUsedAt":("[^"]*"|null)')
ITS_OWN = {"projects", "projects by key"}
"""What a twin has too, by the same names."""
PROJECT = 271_828


class ChosenProject(SystemIds):
    """The next project gets the id that is set."""

    project = PROJECT

    def below(self, limit: int) -> int:
        """Return the number before it."""
        return self.project - 1


@dataclass(frozen=True)
class Tenants:
    """The owner of everything, and two who have nothing."""

    owner: httpx.AsyncClient
    others: dict[str, httpx.AsyncClient]
    owned: Belongings
    documents: dict[str, dict[str, Any]]
    before: dict[tuple[str, str], list[str]]
    """What each other read from each service when the owner had nothing."""


@pytest.fixture(scope="module")
def installation(own_installation: Installation) -> Installation:
    """It runs its own four services."""
    return own_installation


@pytest.fixture(scope="module")
def ids() -> ChosenProject:
    """The operator's ids."""
    return ChosenProject()


@pytest.fixture(scope="module")
async def jira(installation: Installation) -> AsyncIterator[JiraIssues]:
    """Where the owner's issue is."""
    async with jira_beside_tenancy(installation) as found:
        yield found


@pytest.fixture(scope="module")
async def world(
    installation: Installation, ids: ChosenProject, jira: JiraIssues
) -> AsyncIterator[Operator]:
    """All four services, and a Jira."""
    async with (
        operator(installation, ids) as found,
        service(installation, TENANCY, master_key_file=installation.secret("master")),
        service(installation, TESTCASES, tenancy_url=jira.url),
        service(installation, EXECUTIONS, tenancy_url=jira.url),
        service(installation, TELEMETRY, pseudonym_key_file=installation.secret("pseudonyms")),
    ):
        yield found


@pytest.fixture(scope="module")
async def tenants(
    installation: Installation, world: Operator, ids: ChosenProject, jira: JiraIssues
) -> AsyncIterator[Tenants]:
    """Make the owner's things, and let the others know their own projects."""
    async with AsyncExitStack() as stack:
        clients = {}
        for name, key, number in (
            ("owner", "DEMO", PROJECT),
            ("twin", "DEMO", PROJECT),
            ("stranger", "OTHER", PROJECT + 500),
        ):
            tenant = await world.tenant(name)
            ids.project = number
            assert await world.project(tenant, key) == number
            if name == "owner":
                jira.of[tenant] = {ISSUE: ISSUE_KEY}
            headers = await world.headers(tenant)
            clients[name] = await stack.enter_async_context(client(installation, headers))
            # its project and default options are there
            await eventually(lambda c=clients[name], k=key: options(c, k))  # type: ignore[misc]
        owner = clients.pop("owner")
        documents = {
            name: (await owner.get(f"{OSTRO}/ostro/v1/{name}/openapi.json")).json()
            for name in SERVICES
        }
        # no API token opens these
        for document in documents.values():
            document["paths"] = {
                path: item
                for path, item in document["paths"].items()
                if not path.startswith(OTHER_CREDENTIALS)
            }
        before = {
            (name, who): await everything(http, documents[name])
            for name in SERVICES
            for who, http in clients.items()
        }
        owned = await make(owner)
        owned.add("projects", PROJECT)
        owned.add("projects by key", "DEMO")
        owned.add("versions", VERSION)
        owned.add("uploads", await upload_of(installation))
        erasure = await owner.post(f"{OSTRO}/ostro/v1/telemetry/erasures", json={"accountId": "a"})
        owned.add("erasures", erasure.json()["id"])
        yield Tenants(owner, clients, owned, documents, before)


async def options(http: httpx.AsyncClient, key: str) -> bool:
    """Say whether the project's options can be read."""
    page = await http.get("/statuses", params={"projectKey": key})
    return page.status_code == 200 and bool(page.json()["values"])


async def upload_of(installation: Installation) -> str:
    """Return the id of the only upload."""
    name = installation.database(EXECUTIONS)
    async with connect(installation.backends.mongodb, name) as database:
        row = await database["uploads"].find_one({})
    assert row is not None
    return str(row["_id"])


async def answer(http: httpx.AsyncClient, attempt: Attempt) -> httpx.Response:
    """Send it."""
    content: dict[str, Any] = {} if attempt.method in {"GET", "DELETE"} else {"json": attempt.body}
    url = f"{OSTRO}{attempt.path}"
    params = {} if attempt.sent is not None else attempt.params
    return await http.request(
        attempt.method, url, params=params, headers=attempt.headers, **content
    )


async def everything(http: httpx.AsyncClient, document: dict[str, Any]) -> list[str]:
    """Return what a tenant reads without naming anything."""
    lists = [a for a in attempts(document, Belongings()) if a.method == "GET" and not a.names]
    # looking is a use of its own token
    return [
        _LAST_USE.sub("", f"{a.path} {a.params}: {(await answer(http, a)).text}") for a in lists
    ]


def values(found: httpx.Response) -> list[dict[str, Any]]:
    """Return the rows of a list."""
    body = found.json() if found.status_code == 200 and found.content else {}
    # what is linked to an issue comes without pages
    return list(body if isinstance(body, list) else body.get("values", ()))


def refusal(found: httpx.Response) -> int:
    """Return the status, that of the item where a bulk has one."""
    results = found.json().get("results") if found.status_code == 200 and found.content else None
    return int(results[0]["status"]) if results else found.status_code


COUNTED = {"date", "content-length", "x-ratelimit-remaining", "x-ratelimit-reset"}
"""Headers whose value is another one each time, or follows from what was asked for."""


def shape(found: httpx.Response, attempt: Attempt) -> tuple[int, list[tuple[str, str]], str]:
    """Return status, headers and the text, without what was asked for."""
    text = found.text
    headers = [(k, "" if k in COUNTED else v) for k, v in found.headers.multi_items()]
    for value in attempt.values:
        if len(value) > 3:
            text = text.replace(value, "*")
            headers = [(k, v.replace(value, "*")) for k, v in headers]
    return found.status_code, sorted(headers), text


@pytest.mark.parametrize("name", SERVICES)
async def test_every_route_is_tried_and_shows_the_owner_its_things(
    tenants: Tenants, name: str
) -> None:
    """The attempts are worth something: what they name is there."""
    tried = list(attempts(tenants.documents[name], tenants.owned))
    reads = {t for t, item in tenants.documents[name]["paths"].items() if "get" in item}
    assert {a.template for a in tried if a.method == "GET"} == reads
    writes = {
        (method.upper(), template)
        for template, item in tenants.documents[name]["paths"].items()
        for method in item
        if "{" in template
    }
    assert writes - {(a.method, a.template) for a in tried} == set(), "say what is there for them"
    differs: dict[tuple[str, str], bool] = {}
    for attempt in (a for a in tried if a.method == "GET"):
        found = await answer(tenants.owner, attempt)
        assert found.status_code == 200, attempt
        if attempt.like is not None:
            unknown = await answer(tenants.owner, attempt.like)
            other = shape(found, attempt) != shape(unknown, attempt.like)
            key = (attempt.template, ", ".join(attempt.names))
            differs[key] = differs.get(key, False) or other
    assert [key for key, different in differs.items() if not different] == []


@pytest.mark.parametrize("who", ["twin", "stranger"])
@pytest.mark.parametrize("name", SERVICES)
async def test_what_belongs_to_another_tenant_is_unknown(
    tenants: Tenants, name: str, who: str
) -> None:
    http = tenants.others[who]
    now = await everything(http, tenants.documents[name])
    assert now == tenants.before[name, who]
    assert MARK not in "".join(now)
    for attempt in attempts(tenants.documents[name], tenants.owned):
        if attempt.like is None or (who == "twin" and ITS_OWN.intersection(attempt.names)):
            continue
        found = await answer(http, attempt)
        unknown = await answer(http, attempt.like)
        assert shape(found, attempt) == shape(unknown, attempt.like), attempt
        assert MARK not in found.text, attempt
        assert found.status_code == 404 or values(found) == [], attempt


@pytest.mark.parametrize(("who", "key"), [("twin", "DEMO"), ("stranger", "OTHER")])
@pytest.mark.parametrize("name", SERVICES)
async def test_what_a_body_names_of_another_tenant_is_unknown(
    tenants: Tenants, name: str, who: str, key: str
) -> None:
    http = tenants.others[who]
    for attempt in in_bodies(tenants.documents[name], tenants.owned, key):
        if who == "twin" and ITS_OWN.intersection(attempt.names):
            continue
        assert attempt.like is not None
        found = await answer(http, attempt)
        unknown = await answer(http, attempt.like)
        assert shape(found, attempt) == shape(unknown, attempt.like), attempt
        assert MARK not in found.text, attempt
        assert refusal(found) in {400, 404}, (attempt, found.text)
    now = await everything(http, tenants.documents[name])
    assert now == tenants.before[name, who]


async def test_an_upload_reaches_into_no_other_tenant(tenants: Tenants) -> None:
    stranger, twin = tenants.others["stranger"], tenants.others["twin"]
    file = "<testsuite><testcase name='DEMO-T1 mine'/></testsuite>"
    answers = [await send(stranger, file, project=key, create=True) for key in ("DEMO", "NOPE")]
    assert [a.status_code for a in answers] == [404, 404]
    assert answers[0].text.replace("DEMO", "*") == answers[1].text.replace("NOPE", "*")
    # the case's key is the owner's, and so is the folder
    refused = await send(twin, file, create=True)
    assert (refused.status_code, "DEMO-T1" in refused.text) == (400, True)
    for folder in tenants.owned.ids["folders"]:
        part = {"folderId": folder}
        refused = await send(twin, "<testsuite><testcase name='x'/></testsuite>", cycle=part)
        assert (refused.status_code, "does not exist" in refused.text) == (400, True)
    assert (await twin.get("/testcycles")).json()["values"] == []
    assert (await twin.get("/testcases")).json()["values"] == []


async def test_numbers_are_counted_for_each_tenant_alone(
    tenants: Tenants, installation: Installation, world: Operator, ids: ChosenProject
) -> None:
    tenant = await world.tenant("another twin")
    ids.project = PROJECT
    assert await world.project(tenant, "DEMO") == PROJECT
    async with client(installation, await world.headers(tenant)) as twin:
        made = await twin.post("/testcases", json={"projectKey": "DEMO", "name": "first"})
        assert made.json()["key"] == "DEMO-T1"
        assert MARK in (await tenants.owner.get("/testcases/DEMO-T1")).json()["name"]
        assert (await twin.get("/testcases/DEMO-T1")).json()["name"] == "first"
