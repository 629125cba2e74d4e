"""What the tests of links share: a site with issues in Jira, and the vendor's schemas."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jsonschema

from contracts.envelope import Event
from contracts.jira import JiraAction, JiraChange, JiraEntity
from contracts.topics import JIRA_CHANGE
from kit.clock import SystemClock
from kit.ids import stable_uuid
from kit.kafka.records import Record, encode
from tests.harness.jira_issues import JiraIssues
from tests.integration.testcases.site import Site

TYPE = {"enum": ["COVERAGE", "BLOCKS", "RELATED"]}
ID = {"type": "integer", "minimum": 1}
URI = {"type": "string", "pattern": "^https?://"}
ISSUE_LINK = {
    "type": "object",
    "required": ["issueId"],
    "properties": {"issueId": ID, "self": URI, "id": ID, "target": URI, "type": TYPE},
    "additionalProperties": False,
}
WEB_LINK = {
    "type": "object",
    "required": ["url"],
    "properties": {
        "description": {"type": "string"},
        "url": {"type": "string"},
        "self": URI,
        "id": ID,
        "type": TYPE,
    },
    "additionalProperties": False,
}
LINKS = {
    "type": "object",
    "properties": {
        "self": URI,
        "issues": {"type": "array", "items": ISSUE_LINK},
        "webLinks": {"type": "array", "items": WEB_LINK},
    },
    "additionalProperties": False,
}
CREATED = {
    "type": "object",
    "properties": {"id": ID, "self": URI},
    "additionalProperties": False,
}
CASES_OF_ISSUE = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"key": {"type": "string"}, "version": {"type": "integer"}, "self": URI},
        "additionalProperties": False,
    },
}
"""Source: the vendor's API document, components TestCaseLinks and so on."""


@dataclass
class Linked:
    """A site with the case DEMO-T1, and its Jira."""

    site: Site
    jira: JiraIssues

    def issues(self, *idents: int) -> None:
        """Let Jira have issues; their keys are DEMO-<id>."""
        known = self.jira.of.setdefault(self.site.tenant, {})
        known.update({ident: f"DEMO-{ident}" for ident in idents})

    async def to_issue(self, issue: int, case: str = "DEMO-T1") -> int:
        """Link a case to an issue; return the link's id."""
        return await self._made(f"/testcases/{case}/links/issues", {"issueId": issue})

    async def to_page(self, url: str, case: str = "DEMO-T1", **more: str) -> int:
        """Link a case to a page; return the link's id."""
        return await self._made(f"/testcases/{case}/links/weblinks", {"url": url} | more)

    async def _made(self, path: str, body: dict[str, Any]) -> int:
        answer = await self.site.post(path, body)
        assert answer.status_code == 201, answer.text
        made = answer.json()
        jsonschema.validate(made, CREATED)
        assert made["self"] == self.site.url(f"/links/{made['id']}")
        return int(made["id"])

    async def links(self, case: str = "DEMO-T1") -> Any:
        """Read the links of a case."""
        found = await self.site.read(f"/testcases/{case}/links")
        jsonschema.validate(found, LINKS)
        return found

    async def issue_ids(self, case: str = "DEMO-T1") -> list[int]:
        """Read which issues a case is linked to."""
        return [link["issueId"] for link in (await self.links(case))["issues"]]

    async def cases_of(self, key: str) -> list[str]:
        """Read which cases are linked to an issue."""
        found = await self.site.read(f"/issuelinks/{key}/testcases")
        jsonschema.validate(found, CASES_OF_ISSUE)
        return [case["key"] for case in found]

    async def row(self, number: int = 1) -> dict[str, Any]:
        """Return a case as it is stored."""
        query = {"tenant": self.site.tenant, "id": self.site.id(number)}
        found = await self.site.library.database["testcases"].find_one(query)
        assert found is not None
        return found


def told(
    tenant: str,
    issue: int | str,
    action: JiraAction = JiraAction.DELETED,
    entity: JiraEntity = JiraEntity.ISSUE,
) -> Event[Any]:
    """Build what tenancy publishes of a change in Jira."""
    now = SystemClock().now()
    return Event(
        id=stable_uuid(tenant, str(issue), action.value),
        source="ostro/tenancy",
        type=JIRA_CHANGE.type,
        subject=f"{entity.value}/{issue}",
        time=now,
        tenantid=tenant,
        data=JiraChange(entity=entity, action=action, id=str(issue), at=now),
    )


def records(events: Sequence[Event[Any]]) -> list[Record]:
    """Build the records of events, as a consumer gets them."""
    return [
        Record(JIRA_CHANGE, 0, n, f"{e.tenantid}/{e.subject}".encode(), encode(e), {}, 0)
        for n, e in enumerate(events)
    ]
