"""Each route lets in who holds exactly what it needs, and nobody who lacks a part of it.

Generated: the routes and their needs come from the applications, what to ask comes from the
OpenAPI documents as in ``test_isolation``. One project is enforced; for each need there is an
account that holds just that, and for each part of it one that holds everything else.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import product
from typing import Any

import httpx
import pytest

from contracts.permissions import Entity, Grant, Holder, Right
from contracts.routes import EXECUTIONS, TELEMETRY, TENANCY, TESTCASES, owner_of
from kit.auth.principal import Scope
from kit.directory.permissions import Need, Permission
from tests.faults.attempts import Attempt, attempts
from tests.faults.belongings import ISSUE, ISSUE_KEY, OSTRO, VERSION, Belongings, make
from tests.faults.test_isolation import answer, shape, upload_of, values
from tests.harness.installation import Installation
from tests.harness.jira_issues import JiraIssues, jira_beside_tenancy
from tests.harness.operator import Operator, operator
from tests.harness.polling import eventually
from tests.harness.routes import needs
from tests.harness.system import client, service
from tests.integration.executions.uploading import send
from tools.docs.openapi import public_apps

pytestmark = pytest.mark.long

SERVICES = (TESTCASES, EXECUTIONS, TENANCY, TELEMETRY)
CLIENT = (Scope.READ, Scope.WRITE, Scope.RESULTS)
EVERYTHING = frozenset(product(Entity, Right))
UPLOADS = "/ostro/v1/executions/uploads/{upload}"
"""Its ids do not say the project, so it answers 404 to whoever may not see it."""
LINK = "/v2/links/{linkId}"
NOWHERE = {("versions",), ("issues by key",), ("marks",)}
"""Names that stand in no project: a list that is asked for one shows what may be seen."""
CREATED: Mapping[str, dict[str, Any]] = {
    "/v2/testcases": {"name": "n"},
    "/v2/testcycles": {"name": "n"},
    "/v2/testplans": {"name": "n"},
    "/v2/testexecutions": {
        "testCaseKey": "DEMO-T1",
        "testCycleKey": "DEMO-R1",
        "statusName": "Pass",
    },
    "/v2/folders": {"name": "n", "folderType": "TEST_CASE"},
    "/v2/statuses": {"name": "n", "type": "TEST_CASE"},
    "/v2/priorities": {"name": "n"},
    "/v2/environments": {"name": "n"},
}
"""What creates something, by the path that is posted to."""


@dataclass(frozen=True)
class Route:
    """One route and what it needs."""

    service: str
    method: str
    template: str
    need: Need


@dataclass(frozen=True)
class Cast:
    """Clients by account: who holds just a need, and who holds all but a part of it."""

    owner: httpx.AsyncClient
    exact: Mapping[Need, httpx.AsyncClient]
    lacking: Mapping[Need, tuple[httpx.AsyncClient, ...]]
    owned: Belongings
    documents: Mapping[str, dict[str, Any]]


async def the_routes() -> list[Route]:
    """Return every route that decides by permissions."""
    async with public_apps() as apps:
        return [
            Route(name, method, path, access.need)
            for name, app in apps.items()
            for (method, path), found in sorted(needs(app).items())
            for access in found
        ]


def grants(account: str, held: frozenset[Permission]) -> list[Grant]:
    """Grant an account these permissions."""
    by_entity: dict[Entity, list[Right]] = {}
    for entity, right in sorted(held):
        by_entity.setdefault(entity, []).append(right)
    return [
        Grant(entity=entity, rights=tuple(rights), holder=Holder.USER, id=account)
        for entity, rights in by_entity.items()
    ]


@pytest.fixture(scope="module")
def installation(own_installation: Installation) -> Installation:
    """It runs its own four services."""
    return own_installation


@pytest.fixture(scope="module")
async def jira(installation: Installation) -> AsyncIterator[JiraIssues]:
    """Where the owner's issue is."""
    async with jira_beside_tenancy(installation) as found:
        yield found


@pytest.fixture(scope="module")
async def world(installation: Installation, jira: JiraIssues) -> AsyncIterator[Operator]:
    """All four services, and a Jira."""
    async with (
        operator(installation) as found,
        service(installation, TENANCY, master_key_file=installation.secret("master")),
        service(installation, TESTCASES, tenancy_url=jira.url),
        service(installation, EXECUTIONS, tenancy_url=jira.url),
        service(installation, TELEMETRY, pseudonym_key_file=installation.secret("pseudonyms")),
    ):
        yield found


@pytest.fixture(scope="module")
async def routes() -> list[Route]:
    """Every route that decides by permissions."""
    return await the_routes()


@pytest.fixture(scope="module")
async def cast(
    installation: Installation, world: Operator, routes: list[Route], jira: JiraIssues
) -> AsyncIterator[Cast]:
    """Make the owner's things, then enforce a scheme with an account for each case."""
    async with AsyncExitStack() as stack:
        tenant = await world.tenant()
        project = await world.project(tenant, "DEMO")
        jira.of[tenant] = {ISSUE: ISSUE_KEY}

        async def acting(account: str | None) -> httpx.AsyncClient:
            headers = await world.headers(tenant, CLIENT, account_id=account)
            return await stack.enter_async_context(client(installation, headers))

        owner = await stack.enter_async_context(
            client(installation, await world.headers(tenant, account_id=None))
        )
        await eventually(lambda: reads(owner, "/testcases", projectKey="DEMO"))
        owned = await make(owner)
        owned.add("projects", project)
        owned.add("projects by key", "DEMO")
        owned.add("versions", VERSION)
        owned.add("uploads", await upload_of(installation))
        # an id of a link says which of the rights its removal asks for
        of_links = {route.need for route in routes if route.template == LINK}
        scheme: list[Grant] = []
        exact, lacking = {}, {}
        for number, need in enumerate(dict.fromkeys(route.need for route in routes)):
            # a clause asks for one of several: the first is enough, none of them is not
            enough = None if need in of_links else 1
            just = frozenset(p for clause in need.clauses for p in clause[:enough])
            scheme += grants(f"just-{number}", just)
            exact[need] = await acting(f"just-{number}")
            others = []
            for part, clause in enumerate(need.clauses):
                account = f"but-{number}-{part}"
                scheme += grants(account, EVERYTHING - frozenset(clause))
                others.append(await acting(account))
            lacking[need] = tuple(others)
        await world.permit(tenant, "DEMO", scheme)
        documents = {
            name: (await owner.get(f"{OSTRO}/ostro/v1/{name}/openapi.json")).json()
            for name in SERVICES
        }
        nobody = await acting("nobody")
        for path in ("/testcases", "/testcycles", "/projects/DEMO"):
            await eventually(lambda p=path: is_forbidden(nobody, p))  # type: ignore[misc]
        yield Cast(owner, exact, lacking, owned, documents)


async def reads(http: httpx.AsyncClient, path: str, **params: Any) -> bool:
    return (await http.get(path, params=params)).status_code == 200


async def is_forbidden(http: httpx.AsyncClient, path: str) -> bool:
    params = {} if path.startswith("/projects") else {"projectKey": "DEMO"}
    return (await http.get(path, params=params)).status_code == 403


def tries(cast: Cast, route: Route) -> list[Attempt]:
    """Return the requests to one route, the creations among them."""
    document = cast.documents[route.service]
    only = {"paths": {route.template: {route.method.lower(): operation(document, route)}}}
    # two services remove links, and the id says which
    found = attempts(only, cast.owned)
    return [a for a in found if owner_of(a.path) == route.service]


def operation(document: dict[str, Any], route: Route) -> dict[str, Any]:
    """Return what the document says of a route."""
    found: dict[str, Any] = document["paths"][route.template][route.method.lower()]
    return found


async def test_reads_and_named_writes(cast: Cast, routes: list[Route]) -> None:
    named = 0
    # what removes things comes when nobody wants to read them any more
    for route in sorted(routes, key=lambda r: r.method == "DELETE"):
        for attempt in tries(cast, route):
            for http in cast.lacking[route.need]:
                named += await refused(http, route, attempt)
            found = await answer(cast.exact[route.need], attempt)
            assert found.status_code != 403, (attempt, found.text)
            if attempt.method == "GET":
                assert found.status_code == 200, (attempt, found.text)
    assert named > 50


async def refused(http: httpx.AsyncClient, route: Route, attempt: Attempt) -> int:
    """Check what somebody is told who lacks a part of it; return how many were refused."""
    found = await answer(http, attempt)
    if not attempt.names or attempt.names in NOWHERE:
        # a list over everything: the project is left out of it
        assert found.status_code == 200, (attempt, found.text)
        assert values(found) == [], attempt
        return 0
    if route.template == UPLOADS:
        assert found.status_code == 404, attempt
    else:
        assert found.status_code == 403, (attempt, found.text)
        assert found.json()["errorCode"] == 403
    if attempt.like is not None and "projects" not in "".join(attempt.names):
        # what is not there answers as what is
        unknown = await answer(http, attempt.like)
        assert shape(found, attempt) == shape(unknown, attempt.like), attempt
    return 1


async def test_creations(cast: Cast, routes: list[Route]) -> None:
    posts = [r for r in routes if r.method == "POST" and r.template.startswith("/v2")]
    # what names something in its path was tried above
    creations = [
        r for r in posts if not r.template.startswith("/v2/automations/") and "{" not in r.template
    ]
    assert {r.template for r in creations} == set(CREATED)
    for route in creations:
        body = {"projectKey": "DEMO"} | CREATED[route.template]
        for http in cast.lacking[route.need]:
            found = await http.post(OSTRO + route.template, json=body)
            assert found.status_code == 403, (route, found.text)
        made = await cast.exact[route.need].post(OSTRO + route.template, json=body)
        assert made.status_code == 201, (route, made.text)


FILES = {
    "junit": "<testsuite><testcase name='by {name}'/></testsuite>",
    "cucumber": '[{{"name": "f", "elements": [{{"name": "by {name}", "type": "scenario",'
    ' "steps": [{{"result": {{"status": "passed"}}}}]}}]}}]',
    "custom": '{{"version": 1, "executions": [{{"source": "by {name}", "result": "Passed",'
    ' "testCase": {{"name": "by {name}"}}}}]}}',
}


async def test_uploads_need_rights_on_executions_cycles_and_for_new_cases_on_cases(
    cast: Cast, routes: list[Route]
) -> None:
    uploads = [r for r in routes if r.template.startswith("/v2/automations/executions/")]
    assert {r.template.rpartition("/")[2] for r in uploads} == set(FILES)
    for route in uploads:
        fmt = route.template.rpartition("/")[2]
        before = await names(cast.owner)
        new = FILES[fmt].format(name=f"nobody {fmt}")
        for http in cast.lacking[route.need]:
            for create in (True, False):
                assert (await send(http, new, fmt=fmt, create=create)).status_code == 403
        # exactly what is needed: no case is made, not even provisionally
        just = cast.exact[route.need]
        assert (await send(just, new, fmt=fmt, create=True)).status_code == 403
        assert await names(cast.owner) == before
        # and nothing matches, which is no matter of rights
        assert (await send(just, new, fmt=fmt, create=False)).status_code == 400
    (just,) = {cast.exact[route.need] for route in uploads}
    known = "<testsuite><testcase name='DEMO-T1 known'/></testsuite>"
    assert (await send(just, known, create=False)).status_code == 200


async def names(http: httpx.AsyncClient) -> list[str]:
    """Return the names of all cases."""
    page = (await http.get("/testcases", params={"maxResults": 999})).json()
    return sorted(case["name"] for case in page["values"])
