"""What happened on a site, in the form in which webhooks and Forge events tell it."""

from dataclasses import dataclass, field
from typing import Any

from devstack.jira.content import Issue


@dataclass(frozen=True, slots=True)
class Happening:
    """One event. `body` lacks only `timestamp` and `webhookEvent`; it is a copy of its moment.

    `changed` are the field ids of an update; `variables` are those a webhook's URL may hold.
    """

    event: str
    body: dict[str, Any]
    actor: str | None = None
    issue: Issue | None = None
    changed: frozenset[str] = frozenset()
    variables: dict[str, str] = field(default_factory=dict)
    bulk: bool = False


_BY_SUBJECT = {
    "jira:issue": "created updated deleted",
    "issue_property": "set deleted",
    "worklog": "created updated deleted",
    "comment": "created updated deleted",
    "attachment": "created deleted",
    "issuelink": "created deleted",
    "issuetype": "created updated deleted",
    "project": "created updated deleted soft_deleted restored_deleted archived restored_archived",
    "jira:version": "created updated deleted released unreleased moved",
    "component": "created updated deleted",
    "user": "created updated deleted",
    "filter": "created updated deleted",
    "sprint": "created updated deleted started closed",
    "board": "created updated deleted configuration_changed",
}
# facts.md 5.2; those of components are assumed.
EVENTS = frozenset(
    f"{subject}_{what}" for subject, all_ in _BY_SUBJECT.items() for what in all_.split()
)
# What a dynamic webhook may ask for.
DYNAMIC_EVENTS = frozenset(
    {
        *(f"jira:issue_{what}" for what in ("created", "updated", "deleted")),
        *(f"comment_{what}" for what in ("created", "updated", "deleted")),
        *(f"issue_property_{what}" for what in ("set", "deleted")),
    }
)
URL_VARIABLES = frozenset(
    {"issue.id", "issue.key", "project.id", "project.key", "version.id", "modifiedUser.accountId"}
)
