"""What of a webhook's body becomes a ``JiraChange``: ids and times, nothing that a person wrote.

Jira's bodies are read leniently and never refused for what stands in them: what is not usable is
dropped with a reason that is counted. Source: facts.md 5.2 and 5.3.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from contracts.ids import PROJECT_KEY
from contracts.jira import JiraAction, JiraChange, JiraEntity

Body = Mapping[str, Any]
Found = dict[str, Any]

_ACCOUNT_ID = re.compile(r"\A[A-Za-z0-9:_-]{1,128}\Z")
_NO_ACCOUNT = "unknown"
"""What Jira writes for deleted and anonymised people. Source: facts.md 6."""
_DIGITS = re.compile(r"\A[0-9]{1,18}\Z")
_MAX_KEY = 64
_AHEAD = timedelta(minutes=1)
"""Clocks may differ by so much; a time beyond would put every later change behind it."""


class Dropped(StrEnum):
    """Why a body becomes no change: a label of the metric."""

    NO_EVENT = "no-event"
    UNKNOWN_EVENT = "unknown-event"
    NO_ID = "no-id"


def minimise(body: object, now: datetime) -> JiraChange | Dropped:
    """Return the change that a body tells of, or why there is none. ``now`` is aware UTC."""
    if not isinstance(body, Mapping):
        return Dropped.NO_EVENT
    event = body.get("webhookEvent")
    if not isinstance(event, str):
        return Dropped.NO_EVENT
    kind = EVENTS.get(event)
    if kind is None:
        return Dropped.UNKNOWN_EVENT
    entity, action = kind
    found = _READERS[entity](body)
    if found is None:
        return Dropped.NO_ID
    return JiraChange(entity=entity, action=action, at=_moment(body.get("timestamp"), now), **found)


def _issue(body: Body) -> Found | None:
    issue = _object(body, "issue")
    number = _number(issue.get("id"))
    if number is None:
        return None
    project = _object(_object(issue, "fields"), "project")
    return {"id": str(number), "project": _number(project.get("id"))}


def _issue_link(body: Body) -> Found | None:
    link = _object(body, "issueLink")
    number = _number(link.get("id"))
    if number is None:
        return None
    return {
        "id": str(number),
        "source": _number(link.get("sourceIssueId")),
        "destination": _number(link.get("destinationIssueId")),
    }


def _project(body: Body) -> Found | None:
    project = _object(body, "project")
    number = _number(project.get("id"))
    if number is None:
        return None
    key = project.get("key")
    known = isinstance(key, str) and len(key) <= _MAX_KEY and PROJECT_KEY.match(key)
    return {"id": str(number), "project": number, "project_key": key if known else None}


def _version(body: Body) -> Found | None:
    version = _object(body, "version")
    number = _number(version.get("id"))
    if number is None:
        return None
    into = _number(_object(body, "mergedTo").get("id"))
    return {
        "id": str(number),
        "project": _number(version.get("projectId")),
        "merged_into": into if into != number else None,
    }


def _component(body: Body) -> Found | None:
    component = _object(body, "component")
    number = _number(component.get("id"))
    if number is None:
        return None
    return {"id": str(number), "project": _number(component.get("projectId"))}


def _user(body: Body) -> Found | None:
    account = _object(body, "user").get("accountId")
    if not isinstance(account, str) or account == _NO_ACCOUNT or not _ACCOUNT_ID.match(account):
        return None
    return {"id": account}


_READERS: Mapping[JiraEntity, Callable[[Body], Found | None]] = {
    JiraEntity.ISSUE: _issue,
    JiraEntity.ISSUE_LINK: _issue_link,
    JiraEntity.PROJECT: _project,
    JiraEntity.VERSION: _version,
    JiraEntity.COMPONENT: _component,
    JiraEntity.USER: _user,
}


def _all(prefix: str, entity: JiraEntity, **actions: JiraAction) -> dict[str, Any]:
    return {prefix + name: (entity, action) for name, action in actions.items()}


_CREATED, _UPDATED, _DELETED = JiraAction.CREATED, JiraAction.UPDATED, JiraAction.DELETED

ISSUE_EVENTS = _all(
    "jira:issue_", JiraEntity.ISSUE, created=_CREATED, updated=_UPDATED, deleted=_DELETED
)
"""Registered per tenant for its enabled projects, so that other projects send nothing."""
APP_EVENTS: Mapping[str, tuple[JiraEntity, JiraAction]] = {
    **_all("issuelink_", JiraEntity.ISSUE_LINK, created=_CREATED, deleted=_DELETED),
    **_all(
        "project_",
        JiraEntity.PROJECT,
        created=_CREATED,
        updated=_UPDATED,
        deleted=_DELETED,
        soft_deleted=_DELETED,
        restored_deleted=JiraAction.RESTORED,
        archived=JiraAction.ARCHIVED,
        restored_archived=JiraAction.RESTORED,
    ),
    **_all(
        "jira:version_",
        JiraEntity.VERSION,
        created=_CREATED,
        updated=_UPDATED,
        released=_UPDATED,
        unreleased=_UPDATED,
        moved=_UPDATED,
        deleted=_DELETED,
    ),
    **_all("user_", JiraEntity.USER, created=_CREATED, updated=_UPDATED, deleted=_DELETED),
    # no page of Atlassian names them; where a site sends none, nothing is lost
    **_all(
        "component_", JiraEntity.COMPONENT, created=_CREATED, updated=_UPDATED, deleted=_DELETED
    ),
}
"""In the descriptor: Jira takes no dynamic webhook for them, and no filter."""
EVENTS: Mapping[str, tuple[JiraEntity, JiraAction]] = {**ISSUE_EVENTS, **APP_EVENTS}


def _object(parent: Body, name: str) -> Body:
    child = parent.get(name)
    return child if isinstance(child, Mapping) else {}


def _number(value: object) -> int | None:
    """Read an id: Jira writes some as numbers and some as text."""
    if isinstance(value, str) and _DIGITS.match(value):
        value = int(value)
    # a bool is an int in Python
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 < value < 10**18 else None


def _moment(value: object, now: datetime) -> datetime:
    """Read a time in milliseconds since 1970; ``now`` when there is none, or one to come."""
    millis = _number(value)
    if millis is None or millis > (now + _AHEAD).timestamp() * 1000:
        return now
    return datetime.fromtimestamp(millis // 1000, UTC) + timedelta(milliseconds=millis % 1000)
