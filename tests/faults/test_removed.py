"""What is archived or deleted is unknown to every operation under /v2, and restore brings it back.

Generated from the OpenAPI documents, as in ``test_isolation``: a request that names something
removed answers as one that names nothing, and no list holds it.
"""

import io
import zipfile
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from contracts.routes import EXECUTIONS, TENANCY, TESTCASES
from kit.mongo import connect
from tests.faults.attempts import Attempt, attempts
from tests.faults.belongings import ISSUE, ISSUE_KEY, OSTRO, VERSION, Belongings, make
from tests.faults.test_isolation import answer, shape, values
from tests.harness.installation import Installation
from tests.harness.jira_issues import JiraIssues, jira_beside_tenancy
from tests.harness.operator import Operator, operator
from tests.harness.polling import eventually
from tests.harness.system import client, service

pytestmark = pytest.mark.long

CASES = ("cases", "text cases", "steps", "attachments of cases", "attachments of steps")
RUNS = (
    *("cycles", "executions", "execution steps", "attachments of cycles"),
    *("attachments of executions", "attachments of execution steps", "plans"),
    "attachments of plans",
)
PATHS = {"cases": "testcases/testcases", "folders": "testcases/folders"} | {
    kind: f"executions/test{kind}" for kind in ("cycles", "plans")
}

LISTED = {
    kind: {f"/v2/{path}", f"/v2/{path}/nextgen"}
    for kind, path in (
        ("cases", "testcases"),
        ("cycles", "testcycles"),
        ("plans", "testplans"),
        ("executions", "testexecutions"),
        ("folders", "folders"),
    )
}
"""Lists of things of a kind; ids are unique in each kind alone."""


@pytest.fixture(scope="module")
def installation(own_installation: Installation) -> Installation:
    """Its jobs are hurried."""
    return own_installation


@pytest.fixture(scope="module")
async def jira(installation: Installation) -> AsyncIterator[JiraIssues]:
    """Where the issue is."""
    async with jira_beside_tenancy(installation) as found:
        yield found


@pytest.fixture(scope="module")
async def world(installation: Installation, jira: JiraIssues) -> AsyncIterator[Operator]:
    """Three services, and a Jira."""
    async with (
        operator(installation) as found,
        service(installation, TENANCY, master_key_file=installation.secret("master")),
        service(installation, TESTCASES, tenancy_url=jira.url),
        service(installation, EXECUTIONS, tenancy_url=jira.url),
    ):
        yield found


def _content(answer: httpx.Response) -> str:
    """Return what an answer holds; of an archive not the time at which it was made."""
    if answer.headers.get("content-type") != "application/zip":
        return answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as files:
        return str([(name, files.read(name)) for name in files.namelist()])


@dataclass(frozen=True)
class Owner:
    """Who has one of everything."""

    tenant: str
    http: httpx.AsyncClient
    owned: Belongings
    documents: Sequence[dict[str, Any]]
    installation: Installation

    def tries(self, kinds: Collection[str]) -> list[Attempt]:
        """Return the requests under /v2 that name something of these kinds."""
        found = [a for d in self.documents for a in attempts(d, self.owned)]
        wanted = {*kinds, *(f"{kind} by key" for kind in kinds)}
        return [a for a in found if wanted.intersection(a.names)]

    def lists(self) -> list[Attempt]:
        """Return the requests for lists."""
        found = [a for d in self.documents for a in attempts(d, self.owned)]
        return [a for a in found if a.method == "GET" and "{" not in a.template]

    async def reads(self) -> dict[str, str]:
        """Return everything that can be read."""
        found = [a for d in self.documents for a in attempts(d, self.owned) if a.method == "GET"]
        return {f"{a.path} {a.params}": _content(await answer(self.http, a)) for a in found}

    async def ask(self, method: str, kind: str, more: str = "", **params: Any) -> None:
        """Ask for the same of all things of a kind."""
        ids = self.owned.ids
        named = ids[kind] if kind == "folders" else ids[f"{kind} by key"]
        more_cases = ids["text cases by key"] if kind == "cases" else []
        for value in dict.fromkeys([*named, *more_cases]):
            url = f"{OSTRO}/ostro/v1/{PATHS[kind]}/{value}{more}"
            done = await self.http.request(method, url, params=params)
            assert done.status_code == 200, (url, done.text)

    async def hurry(self) -> None:
        """Let the time come for all that is left to do, and wait for it."""
        past = datetime(2020, 1, 1, tzinfo=UTC)
        for name in (TESTCASES, EXECUTIONS):
            database = self.installation.database(name)
            async with connect(self.installation.backends.mongodb, database) as found:
                jobs = found["jobs"]

                async def done(jobs: Any = jobs) -> bool:
                    await jobs.update_many({}, {"$set": {"due_at": past, "begun_at": past}})
                    return bool(await jobs.count_documents({}) == 0)

                await eventually(done)


@pytest.fixture(scope="module")
async def owner(
    installation: Installation, world: Operator, jira: JiraIssues
) -> AsyncIterator[Owner]:
    """Make everything."""
    async with AsyncExitStack() as stack:
        tenant = await world.tenant()
        project = await world.project(tenant, "DEMO")
        jira.of[tenant] = {ISSUE: ISSUE_KEY}
        http = await stack.enter_async_context(client(installation, await world.headers(tenant)))

        async def there() -> bool:
            return (await http.get("/statuses", params={"projectKey": "DEMO"})).status_code == 200

        await eventually(there)
        owned = await make(http)
        owned.add("projects", project)
        owned.add("projects by key", "DEMO")
        owned.add("versions", VERSION)
        documents = []
        for name in (TESTCASES, EXECUTIONS):
            found = (await http.get(f"{OSTRO}/ostro/v1/{name}/openapi.json")).json()
            paths = {p: item for p, item in found["paths"].items() if p.startswith("/v2/")}
            documents.append({"paths": paths})
        yield Owner(tenant, http, owned, documents, installation)


async def check_unknown(owner: Owner, kinds: Collection[str], *, history: bool = False) -> None:
    """Check that things of these kinds are as if they had never been."""
    tried = owner.tries(kinds)
    assert len(tried) > 10
    for attempt in tried:
        if history and "testCase" in attempt.params:
            continue
        assert attempt.like is not None
        found, unknown = await answer(owner.http, attempt), await answer(owner.http, attempt.like)
        assert shape(found, attempt) == shape(unknown, attempt.like), (attempt, found.text)
    for kind in LISTED.keys() & set(kinds):
        gone = set(owner.owned.ids[kind])
        for attempt in (a for a in owner.lists() if a.template in LISTED[kind]):
            shown = {row["id"] for row in values(await answer(owner.http, attempt))}
            assert shown.isdisjoint(gone), attempt


@pytest.mark.timeout(240)
async def test_the_archived_and_the_deleted(owner: Owner) -> None:
    before = await owner.reads()
    await owner.ask("POST", "cases", "/archive")
    await check_unknown(owner, CASES, history=True)
    # executions of cases that are archived stay, those of cycles do not
    assert (await owner.http.get("/testexecutions")).json()["total"] > 0
    await owner.ask("POST", "cycles", "/archive")
    await owner.ask("POST", "plans", "/archive")
    for settled in (False, True):
        await check_unknown(owner, (*RUNS, "links"))
        if not settled:
            await owner.hurry()
    for kind in ("cases", "cycles", "plans"):
        await owner.ask("POST", kind, "/restore")
    await owner.hurry()
    after = await owner.reads()
    assert {k: v for k, v in after.items() if v != before[k]} == {}

    await owner.ask("DELETE", "plans")
    await owner.ask("DELETE", "cycles", force="true")
    await owner.ask("DELETE", "cases", force="true")
    await check_unknown(owner, (*CASES, *RUNS, "links"))
    await owner.ask("DELETE", "folders", force="true")
    await check_unknown(owner, (*CASES, *RUNS, "links", "folders"))
    await owner.hurry()
    await check_unknown(owner, (*CASES, *RUNS, "links", "folders"))
