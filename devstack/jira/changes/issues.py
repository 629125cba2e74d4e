"""Issues and the links between them."""

from typing import Any

from devstack.jira.changes import bodies, projects
from devstack.jira.changes.happening import Happening
from devstack.jira.content import Issue, IssueLink
from devstack.jira.model import Site
from devstack.jira.world import World

_TYPE_OF = {
    "jira:issue_created": "issue_created",
    "jira:issue_updated": "issue_generic",
    "jira:issue_deleted": "issue_deleted",
}
# Our field name: field id and name in a changelog.
_FIELDS = {
    "summary": "summary",
    "description": "description",
    "status": "status",
    "priority": "priority",
    "reporter": "reporter",
    "assignee": "assignee",
    "labels": "labels",
}
_PEOPLE = frozenset({"reporter", "assignee"})


def _told(
    world: World,
    site: Site,
    event: str,
    issue: Issue,
    actor: str | None,
    items: list[dict[str, Any]] | None = None,
    *,
    bulk: bool = False,
) -> None:
    moved = any(item["field"] == "Key" for item in items or [])
    body: dict[str, Any] = {
        "issue_event_type_name": "issue_moved" if moved else _TYPE_OF[event],
        "user": bodies.user(site, actor),
        "issue": bodies.issue(site, issue),
    }
    if items is not None:
        number = site.next_number("changelog", first=20_001)
        body["changelog"] = {"id": str(number), "items": items}
    if bulk:
        body["bulkOperationMetaData"] = {"bulkOperation": True, "bulkNotificationSupported": True}
    variables = projects.variables(site.projects[issue.project_id])
    variables |= {"issue.id": str(issue.id), "issue.key": issue.key}
    changed = frozenset(item["fieldId"] for item in items or [])
    world.publish(
        site, Happening(event, body, actor, issue.model_copy(deep=True), changed, variables, bulk)
    )


def next_key(site: Site, project_id: int) -> str:
    """The next key of the project; no number is ever used again."""
    prefix = f"{site.projects[project_id].key}-"
    used = [
        int(key.rpartition("-")[2])
        for issue in site.issues.values()
        for key in (issue.key, *issue.former_keys)
        if key.startswith(prefix)
    ]
    return f"{prefix}{site.next_number(f'issue-number/{project_id}', used)}"


def create(world: World, site: Site, values: dict[str, Any], actor: str | None) -> Issue:
    """`values` need project_id and summary; the other fields of an issue are optional."""
    now = world.jira_time()
    issue = Issue(
        **values,
        id=site.next_number("issue", site.issues, 10_001),
        key=next_key(site, values["project_id"]),
        created=now,
        updated=now,
    )
    site.issues[issue.id] = issue
    _told(world, site, "jira:issue_created", issue, actor)
    return issue


def _words(site: Site, name: str, value: Any) -> tuple[str | None, str | None]:
    """The raw value and the one people read; for a person that is the display name."""
    if name in _PEOPLE:
        person = site.users.get(value or "")
        return value, person.display_name if person else None
    if name in ("status", "priority"):
        return str(value).lower().replace(" ", "-"), value
    return None, " ".join(value) if isinstance(value, list) else value


def _item(site: Site, name: str, old: Any, new: Any) -> dict[str, Any]:
    before, before_text = _words(site, name, old)
    after, after_text = _words(site, name, new)
    item: dict[str, Any] = {
        "field": _FIELDS[name],
        "fieldtype": "jira",
        "fieldId": _FIELDS[name],
        "from": before,
        "fromString": before_text,
        "to": after,
        "toString": after_text,
    }
    if name in _PEOPLE:
        item |= {"tmpFromAccountId": before, "tmpToAccountId": after}
    return item


def _move(site: Site, issue: Issue, project_id: int) -> list[dict[str, Any]]:
    old_project, old_key = site.projects[issue.project_id], issue.key
    new_project = site.projects[project_id]
    issue.key = next_key(site, project_id)
    issue.former_keys.append(old_key)
    issue.project_id = project_id
    changes = (
        ("project", str(old_project.id), old_project.name, str(project_id), new_project.name),
        ("Key", None, old_key, None, issue.key),
    )
    names = ("field", "from", "fromString", "to", "toString")
    return [
        dict(zip(names, change, strict=True))
        | {"fieldtype": "jira", "fieldId": "issuekey" if change[0] == "Key" else change[0]}
        for change in changes
    ]


def update(
    world: World,
    site: Site,
    issue: Issue,
    values: dict[str, Any],
    actor: str | None,
    *,
    bulk: bool = False,
) -> None:
    """Change fields; another project_id moves it. Told unless nothing has changed."""
    items = []
    target = values.get("project_id", issue.project_id)
    if target != issue.project_id:
        items += _move(site, issue, target)
    for name, value in values.items():
        old = getattr(issue, name)
        if name == "project_id" or old == value:
            continue
        if name in _FIELDS:
            items.append(_item(site, name, old, value))
        setattr(issue, name, value)
    issue.updated = world.jira_time()
    if items:
        _told(world, site, "jira:issue_updated", issue, actor, items, bulk=bulk)


def delete(world: World, site: Site, issue: Issue, actor: str | None) -> None:
    """Its links go first, each with its own event."""
    for link in [*site.links.values()]:
        if issue.id in (link.source_id, link.destination_id):
            unlink(world, site, link, actor)
    del site.issues[issue.id]
    _told(world, site, "jira:issue_deleted", issue, actor)


def link(world: World, site: Site, wanted: IssueLink, actor: str | None) -> None:
    site.links[wanted.id] = wanted
    body = {"issueLink": bodies.issue_link(wanted)}
    world.publish(site, Happening("issuelink_created", body, actor))


def unlink(world: World, site: Site, known: IssueLink, actor: str | None) -> None:
    del site.links[known.id]
    body = {"issueLink": bodies.issue_link(known)}
    world.publish(site, Happening("issuelink_deleted", body, actor))
