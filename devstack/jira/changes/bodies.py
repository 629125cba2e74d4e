"""Webhook bodies (facts.md 5.3): the v2 REST shapes, with the personal data real ones carry.

Mail addresses stand in for every user that shows one; the sender takes them out for apps that
were not granted them.
"""

from typing import Any
from urllib.parse import quote

from devstack.jira.content import Component, Issue, IssueLink, Project, User, Version
from devstack.jira.model import Site

_LINK_NAMES = {
    "Relates": ("10003", "relates to", "relates to"),
    "Blocks": ("10000", "is blocked by", "blocks"),
    "Duplicate": ("10002", "is duplicated by", "duplicates"),
}


def _self(site: Site, path: str) -> str:
    return f"{site.base_url}/rest/api/2/{path}"


def user(site: Site, account_id: str | None) -> dict[str, Any] | None:
    """None for nobody. An account that is no person here is the app's own."""
    if account_id is None:
        return None
    known = site.users.get(account_id) or _app_account(site, account_id)
    initials = "".join(word[0] for word in known.display_name.split()[:2])
    picture = f"https://avatars.example/initials/{quote(initials)}-{quote(known.display_name)}"
    bean: dict[str, Any] = {
        "self": _self(site, f"user?accountId={quote(known.account_id, safe='')}"),
        "accountId": known.account_id,
        "avatarUrls": {f"{size}x{size}": f"{picture}-{size}.png" for size in (48, 24, 16, 32)},
        "displayName": known.display_name,
        "active": known.active,
        "timeZone": known.time_zone,
        "accountType": known.account_type,
    }
    if known.email and known.email_visible:
        bean["emailAddress"] = known.email
    return bean


def _app_account(site: Site, account_id: str) -> User:
    names = [app.app_name for app in site.installations.values() if app.account_id == account_id]
    name = names[0] if names else "Unknown"
    return User(account_id=account_id, display_name=name, email="", account_type="app")


def project(site: Site, value: Project) -> dict[str, Any]:
    """As project events have it: the id is a number."""
    return {
        "self": _self(site, f"project/{value.id}"),
        "id": value.id,
        "key": value.key,
        "name": value.name,
        "avatarUrls": {"48x48": _self(site, f"universal_avatar/view/type/project/{value.id}")},
        "projectLead": user(site, value.lead_account_id),
        "assigneeType": "admin.assignee.type.unassigned",
    }


def _named(site: Site, kind: str, name: str) -> dict[str, Any]:
    slug = name.lower().replace(" ", "-")
    return {"self": _self(site, f"{kind}/{slug}"), "id": slug, "name": name}


def issue(site: Site, value: Issue) -> dict[str, Any]:
    owner = site.projects[value.project_id]
    fields = {
        "summary": value.summary,
        "description": value.description or None,
        "labels": list(value.labels),
        "issuetype": _named(site, "issuetype", value.issue_type) | {"subtask": False},
        "project": {
            **project(site, owner),
            "id": str(owner.id),
            "projectTypeKey": "software",
            "simplified": False,
        },
        "status": _named(site, "status", value.status),
        "priority": _named(site, "priority", value.priority),
        "creator": user(site, value.reporter),
        "reporter": user(site, value.reporter),
        "assignee": user(site, value.assignee),
        "created": value.created,
        "updated": value.updated,
    }
    return {
        "id": str(value.id),
        "self": _self(site, str(value.id)),
        "key": value.key,
        "fields": fields,
    }


def version(site: Site, value: Version) -> dict[str, Any]:
    bean: dict[str, Any] = {
        "self": _self(site, f"version/{value.id}"),
        "id": str(value.id),
        "description": value.description,
        "name": value.name,
        "archived": value.archived,
        "released": value.released,
        "projectId": value.project_id,
    }
    if value.release_date is not None:
        bean["releaseDate"] = value.release_date
    return bean


def component(site: Site, value: Component) -> dict[str, Any]:
    return {
        "self": _self(site, f"component/{value.id}"),
        "id": str(value.id),
        "name": value.name,
        "description": value.description,
        "lead": user(site, value.lead_account_id),
        "assigneeType": "PROJECT_DEFAULT",
        "project": site.projects[value.project_id].key,
        "projectId": value.project_id,
    }


def link_type(name: str) -> dict[str, Any]:
    number, inward, outward = _LINK_NAMES.get(name, ("10099", name.lower(), name.lower()))
    return {
        "id": number,
        "name": name,
        "outwardName": outward,
        "inwardName": inward,
        "isSubTaskLinkType": False,
        "isSystemLinkType": False,
    }


def issue_link(value: IssueLink) -> dict[str, Any]:
    return {
        "id": value.id,
        "sourceIssueId": value.source_id,
        "destinationIssueId": value.destination_id,
        "issueLinkType": link_type(value.type),
        "systemLink": False,
        "sequence": 0,
    }
