"""What the tests of links share: executions and testcases run, tenancy is what it published.

Jira's issues stand behind tenancy's internal address; uploads are made, or made by hand.
"""

import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import jsonschema

from contracts.ids import project_of
from contracts.tenancy import ProjectState
from kit.auth.principal import Scope
from kit.mongo import Database
from tests.faults.handmade import Hand, Upload, by_hand
from tests.harness.installation import Installation
from tests.harness.jira_issues import JiraIssues, jira_issues
from tests.harness.polling import eventually
from tests.harness.system import client, service
from tests.harness.tenancy_world import ACCOUNT, TenancyWorld, tenancy_world
from tests.integration.executions.shapes import CYCLE_LINKS, LINK_MADE, MADE, REFERENCES
from tests.integration.executions.uploading import every, junit, uploaded
from tests.integration.testcases.linking import ISSUE_LINK, URI

EXECUTION_LINKS = {
    "type": "object",
    "properties": {"self": URI, "issues": {"type": "array", "items": ISSUE_LINK}},
    "additionalProperties": False,
}
"""Source: the vendor's API document, components TestCycleLinks and so on."""
FIELDS = "http://ostro.test/ostro/v1/testcases/projects/DEMO/custom-fields"
PAGE = "https://example.org/a?b=c#d"
BODIES = {"issues": {"issueId": 10001}, "weblinks": {"url": PAGE}}
ROUTES = [
    ("testcycles/{cycle}/links/issues", BODIES["issues"]),
    ("testcycles/{cycle}/links/weblinks", BODIES["weblinks"]),
    ("testexecutions/{run}/links/issues", BODIES["issues"]),
]
"""Every way to make one, and a body that is taken."""


@dataclass
class House:
    """What runs."""

    installation: Installation
    world: TenancyWorld
    jira: JiraIssues
    hand: Hand
    stack: contextlib.AsyncExitStack

    @property
    def database(self) -> Database:
        """That of executions."""
        return self.hand.database

    async def client(self, tenant: str, **claims: Any) -> httpx.AsyncClient:
        """Return a client with a fresh token; it is closed with the house."""
        headers = self.world.headers(tenant, **claims)
        return await self.stack.enter_async_context(client(self.installation, headers))

    async def linked(self, *, jira: bool = True, project: int | None = None) -> "Linked":
        """Make a tenant with the project DEMO and issues 10001 and 10002; nothing is uploaded."""
        # the project first: a tenant seen without it would be remembered so for a second
        tenant = f"ten{secrets.token_hex(5)}"
        found = await self.world.project(tenant, "DEMO", id=project)
        await self.world.tenant(tenant, jira=jira)
        http = await self.client(tenant)
        linked = Linked(self, tenant, found, http)
        if jira:
            linked.issues(10001, 10002)
        await linked.until("/testcycles", 200, projectKey="DEMO")
        await linked.until("/statuses", 200, projectKey="DEMO")
        return linked


@dataclass
class Linked:
    """One tenant with a project and issues in Jira."""

    house: House
    tenant: str
    project: ProjectState
    http: httpx.AsyncClient

    def issues(self, *idents: int) -> None:
        """Let Jira have issues; their keys are DEMO-<id>."""
        known = self.house.jira.of.setdefault(self.tenant, {})
        known.update({ident: f"DEMO-{ident}" for ident in idents})

    async def upload(self, results: int = 2) -> tuple[str, list[int]]:
        """Upload results; return the key of the cycle and the ids of the executions."""
        key = str((await uploaded(self.http, junit(results)))["key"])
        rows = await every(self.http, "/testexecutions", testCycle=key)
        return key, [row["id"] for row in rows]

    async def by_hand(self, rows: int = 2) -> Upload:
        """Begin an upload that stays undecided, with its chunk stored."""
        upload = self.house.hand.upload(self.tenant, self.project.id)
        await upload.open(results=rows)
        await upload.chunk(0, rows=rows)
        await eventually(upload.stored, lambda n: n == rows)
        return upload

    async def link(self, path: str, **body: Any) -> int:
        """POST a link; the answer is the vendor's; return the id."""
        answer = await self.http.post(path, json=body)
        assert (answer.status_code, answer.content) == (201, b""), answer.text
        _, found, ident = answer.headers["location"].partition("/v2/links/")
        assert found
        assert project_of(int(ident)) == self.project.id
        return int(ident)

    async def cycle_issue(self, cycle: str | int, issue: int = 10001) -> int:
        """Link a cycle to an issue."""
        return await self.link(f"/testcycles/{cycle}/links/issues", issueId=issue)

    async def cycle_page(self, cycle: str | int, url: str = "https://a.example/", **m: Any) -> int:
        """Link a cycle to a page."""
        return await self.link(f"/testcycles/{cycle}/links/weblinks", url=url, **m)

    async def execution_issue(self, execution: str | int, issue: int = 10001) -> int:
        """Link an execution to an issue."""
        return await self.link(f"/testexecutions/{execution}/links/issues", issueId=issue)

    async def make(self, kind: str, **body: Any) -> Any:
        """POST a cycle or a plan (``kind`` as in the path); return the answer."""
        fields = {"projectKey": "DEMO", "name": "n"} | body
        answer = await self.http.post(f"/{kind}", json=fields)
        assert answer.status_code == 201, answer.text
        jsonschema.validate(answer.json(), MADE)
        return answer.json()

    async def folder(self, kind: str, key: str = "DEMO") -> int:
        """Make a folder; return its id."""
        sent = {"projectKey": key, "folderType": kind, "name": "f"}
        # a project made a moment ago may be unknown yet
        answer = await eventually(
            lambda: self.http.post("/folders", json=sent), lambda a: a.status_code != 404
        )
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    async def define(self, entity: str, kind: str, name: str, **more: Any) -> None:
        """Define a custom field."""
        body = {"entity": entity, "type": kind, "name": name} | more
        answer = await self.http.post(FIELDS, json=body)
        assert answer.status_code == 201, answer.text

    async def put_cycle(self, cycle: Any, /, **changed: Any) -> httpx.Response:
        """PUT what GET showed, with changes; ``...`` leaves a field out."""
        body = {k: v for k, v in (cycle | changed).items() if v is not ...}
        return await self.http.put(f"/testcycles/{cycle['id']}", json=body)

    async def plan_link(self, plan: str | int, kind: str, **body: Any) -> int:
        """Link a plan; the answer is the vendor's; return the id."""
        answer = await self.http.post(f"/testplans/{plan}/links/{kind}", json=body)
        assert answer.status_code == 201, answer.text
        jsonschema.validate(answer.json(), LINK_MADE)
        assert answer.json()["self"].endswith(f"/v2/links/{answer.json()['id']}")
        return int(answer.json()["id"])

    async def read(self, path: str, schema: Any) -> Any:
        """GET what has the vendor's shape."""
        return await self._read(path, schema)

    async def of_cycle(self, cycle: str | int) -> Any:
        """Read the links of a cycle."""
        return await self._read(f"/testcycles/{cycle}/links", CYCLE_LINKS)

    async def of_execution(self, execution: str | int) -> Any:
        """Read the links of an execution."""
        return await self._read(f"/testexecutions/{execution}/links", EXECUTION_LINKS)

    async def to_issue(self, kind: str, key: str = "DEMO-10001") -> list[int]:
        """Read the ids of what is linked to an issue; ``kind`` as in the path."""
        return [r["id"] for r in await self._read(f"/issuelinks/{key}/{kind}", REFERENCES)]

    async def remove(self, link: int | str) -> httpx.Response:
        """DELETE a link."""
        return await self.http.delete(f"/links/{link}")

    async def as_(self, **claims: Any) -> "Linked":
        """Return the same tenant with another token."""
        http = await self.house.client(self.tenant, **claims)
        return Linked(self.house, self.tenant, self.project, http)

    async def permit(self, *grants: Any) -> None:
        """Enforce a scheme, and wait until a stranger is shut out."""
        await self.house.world.membership(self.tenant, ACCOUNT)
        await self.house.world.permissions(self.tenant, self.project, *grants)
        await self.house.world.membership(self.tenant, "nobody")
        nobody = await self.as_(account_id="nobody", scopes=[Scope.READ])
        for path in ("/testcycles", "/testplans", "/testexecutions"):
            await nobody.until(path, 403, projectKey="DEMO")

    async def until(self, path: str, status: int, **params: Any) -> None:
        """Wait until GET answers with a status."""
        await eventually(
            lambda: self.http.get(path, params=params), lambda a: a.status_code == status
        )

    async def document(self, collection: str, ident: int) -> dict[str, Any]:
        """Return a cycle or an execution as it is stored."""
        found = await self.house.database[collection].find_one({"tenant": self.tenant, "id": ident})
        assert found is not None
        return found

    async def _read(self, path: str, schema: Any) -> Any:
        answer = await self.http.get(path)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        jsonschema.validate(found, schema)
        return found


@contextlib.asynccontextmanager
async def house_of_links(installation: Installation) -> AsyncIterator[House]:
    """Run it all."""
    async with contextlib.AsyncExitStack() as stack:
        world = await stack.enter_async_context(tenancy_world(installation))
        jira = await stack.enter_async_context(jira_issues(installation))
        for name in ("testcases", "executions"):
            await stack.enter_async_context(service(installation, name))
        hand = await stack.enter_async_context(by_hand(installation))
        yield House(installation, world, jira, hand, stack)


def fault(answer: httpx.Response) -> tuple[int, str]:
    """Return status and message of a refusal; its shape is checked."""
    body = answer.json()
    assert set(body) == {"errorCode", "message"}, body
    assert body["errorCode"] == answer.status_code
    assert body["message"]
    return answer.status_code, body["message"]
