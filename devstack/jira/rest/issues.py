"""Reading one issue by id or key."""

from typing import Any

from devstack.jira.content import Issue
from devstack.jira.rest.operation import Ask, Operation, Reply, Unsupported, errors
from devstack.jira.rest.projects import brief, visible
from devstack.jira.rest.users import shown as user_shown

# The same text for "not there" and "not yours to see".
NOT_FOUND = "Issue does not exist or you do not have permission to see it."


def find(ask: Ask, id_or_key: str) -> Issue | None:
    """Keys count in any case; a moved issue is found under its earlier key."""
    for issue in ask.site.issues.values():
        names = [str(issue.id), issue.key, *issue.former_keys]
        if id_or_key.upper() in names:
            seen = not issue.hidden and visible(ask, ask.site.projects[issue.project_id])
            return issue if seen else None
    return None


def _named(ask: Ask, kind: str, name: str) -> dict[str, Any]:
    slug = name.lower().replace(" ", "-")
    return {"self": ask.link(f"/rest/api/3/{kind}/{slug}"), "id": slug, "name": name}


def _person(ask: Ask, account_id: str | None) -> dict[str, Any] | None:
    user = ask.site.users.get(account_id or "")
    return user_shown(ask, user) if user else None


def _document(text: str) -> dict[str, Any] | None:
    """v3 has descriptions in Atlassian Document Format."""
    if not text:
        return None
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
    return {"version": 1, "type": "doc", "content": [paragraph]}


def _fields(ask: Ask, issue: Issue) -> dict[str, Any]:
    return {
        "summary": issue.summary,
        "description": _document(issue.description),
        "labels": issue.labels,
        "issuetype": _named(ask, "issuetype", issue.issue_type) | {"subtask": False},
        "project": brief(ask, ask.site.projects[issue.project_id]),
        "status": _named(ask, "status", issue.status),
        "priority": _named(ask, "priority", issue.priority),
        "reporter": _person(ask, issue.reporter),
        "assignee": _person(ask, issue.assignee),
        "created": issue.created,
        "updated": issue.updated,
    }


def _chosen(fields: dict[str, Any], asked: list[str]) -> dict[str, Any]:
    """`fields` as Jira reads it: names, *all, *navigable, -name; nothing asked gives all."""
    names = [name.strip() for text in asked for name in text.split(",") if name.strip()]
    wanted = {name for name in names if not name.startswith(("-", "*"))}
    unwanted = {name[1:] for name in names if name.startswith("-")}
    everything = not wanted or any(name in ("*all", "*navigable") for name in names)
    return {
        name: value
        for name, value in fields.items()
        if (everything or name in wanted) and name not in unwanted
    }


def read(ask: Ask) -> Reply:
    if ask.one("expand"):
        raise Unsupported(f"expand={ask.one('expand')}")
    issue = find(ask, ask.path["issueIdOrKey"])
    if issue is None:
        return errors(404, NOT_FOUND)
    return Reply(
        200,
        {
            "id": str(issue.id),
            "self": ask.link(f"/rest/api/3/issue/{issue.id}"),
            "key": issue.key,
            "fields": _chosen(_fields(ask, issue), ask.all("fields")),
        },
    )


OPERATIONS = (
    Operation(
        "GET", "/rest/api/3/issue/{issueIdOrKey}", "READ", read, frozenset({"fields", "expand"})
    ),
)
