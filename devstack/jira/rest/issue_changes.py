"""Changing issues and their links through REST, as an app does; events follow as for people."""

from collections.abc import Callable
from typing import Any

from devstack.jira.changes import issues as changes
from devstack.jira.content import Issue, IssueLink
from devstack.jira.rest.issues import NOT_FOUND, find
from devstack.jira.rest.operation import Ask, BadRequest, Operation, Reply, Unsupported, errors
from devstack.jira.rest.projects import find as find_project


def _text(value: Any) -> str:
    """Plain text of a document in Atlassian Document Format."""
    if not isinstance(value, dict):
        raise BadRequest("description: Operation value must be an Atlassian Document")
    parts = [_text(child) for child in value.get("content", []) if isinstance(child, dict)]
    return str(value.get("text", "")) + "".join(parts)


def _account(value: Any) -> str | None:
    return value.get("accountId") if isinstance(value, dict) else None


READERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "summary": ("summary", str),
    "description": ("description", _text),
    "labels": ("labels", list),
    "priority": ("priority", lambda value: value["name"]),
    "assignee": ("assignee", _account),
    "reporter": ("reporter", _account),
    "issuetype": ("issue_type", lambda value: value.get("name", "Story")),
}


def _values(fields: dict[str, Any]) -> dict[str, Any]:
    unknown = [name for name in fields if name not in READERS and name != "project"]
    if unknown:
        raise Unsupported(f"issue field {unknown[0]}")
    return {
        READERS[name][0]: READERS[name][1](value)
        for name, value in fields.items()
        if name in READERS
    }


def _fields(ask: Ask) -> dict[str, Any]:
    body = ask.json()
    fields = body.get("fields")
    if set(body) - {"fields"} or not isinstance(fields, dict):
        raise Unsupported("an issue body with anything but fields")
    return fields


def _actor(ask: Ask) -> str | None:
    return ask.user or (ask.app.account_id if ask.app else None)


def create(ask: Ask) -> Reply:
    fields = _fields(ask)
    wanted = fields.get("project") or {}
    project = find_project(ask, str(wanted.get("id") or wanted.get("key") or ""))
    problems = {}
    if project is None:
        problems["project"] = "Specify a valid project ID or key"
    if not fields.get("summary"):
        problems["summary"] = "You must specify a summary of the issue."
    if project is None or problems:
        return Reply(400, {"errorMessages": [], "errors": problems})
    values = {"reporter": _actor(ask)} | _values(fields) | {"project_id": project.id}
    issue = changes.create(ask.world, ask.site, values, _actor(ask))
    ask.world.save()
    link = ask.link(f"/rest/api/3/issue/{issue.id}")
    return Reply(201, {"id": str(issue.id), "key": issue.key, "self": link})


def edit(ask: Ask) -> Reply:
    issue = find(ask, ask.path["issueIdOrKey"])
    if issue is None:
        return errors(404, NOT_FOUND)
    changes.update(ask.world, ask.site, issue, _values(_fields(ask)), _actor(ask))
    ask.world.save()
    return Reply(204)


def delete(ask: Ask) -> Reply:
    issue = find(ask, ask.path["issueIdOrKey"])
    if issue is None:
        return errors(404, NOT_FOUND)
    changes.delete(ask.world, ask.site, issue, _actor(ask))
    ask.world.save()
    return Reply(204)


def _end(ask: Ask, body: dict[str, Any], name: str) -> Issue | None:
    part = body.get(name) or {}
    return find(ask, str(part.get("id") or part.get("key") or ""))


def link(ask: Ask) -> Reply:
    """From the inward issue to the outward one (`source` and `destination` of the event)."""
    body = ask.json()
    source, destination = _end(ask, body, "inwardIssue"), _end(ask, body, "outwardIssue")
    if source is None or destination is None:
        return errors(404, NOT_FOUND)
    made = IssueLink(
        id=ask.site.next_number("link", ask.site.links, 10_500),
        source_id=source.id,
        destination_id=destination.id,
        type=str((body.get("type") or {}).get("name", "Relates")),
    )
    changes.link(ask.world, ask.site, made, _actor(ask))
    ask.world.save()
    return Reply(201)


def unlink(ask: Ask) -> Reply:
    text = ask.path["linkId"]
    known = ask.site.links.get(int(text)) if text.isdecimal() else None
    if known is None:
        return errors(404, f"No issue link with id '{text}' exists.")
    changes.unlink(ask.world, ask.site, known, _actor(ask))
    ask.world.save()
    return Reply(204)


ISSUE = "/rest/api/3/issue/{issueIdOrKey}"
OPERATIONS = (
    Operation("POST", "/rest/api/3/issue", "WRITE", create, anonymous=False),
    Operation("PUT", ISSUE, "WRITE", edit, anonymous=False),
    Operation("DELETE", ISSUE, "DELETE", delete, anonymous=False),
    Operation("POST", "/rest/api/3/issueLink", "WRITE", link, anonymous=False),
    Operation("DELETE", "/rest/api/3/issueLink/{linkId}", "DELETE", unlink, anonymous=False),
)
