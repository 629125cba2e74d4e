"""Changes in Jira as webhooks tell them: ids and times, nothing that a person wrote."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from contracts.base import Contract
from contracts.classes import DataClass


class JiraEntity(StrEnum):
    """What changed."""

    ISSUE = "issue"
    ISSUE_LINK = "issue-link"
    PROJECT = "project"
    VERSION = "version"
    COMPONENT = "component"
    USER = "user"


class JiraAction(StrEnum):
    """How it changed. A version merged into another is deleted, with ``merged_into``."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    RESTORED = "restored"
    """A project came back from the bin or the archive."""
    ARCHIVED = "archived"


class JiraChange(Contract):
    """One change. Key: tenant/entity/id of what changed.

    Deliveries repeat, overtake each other and get lost: consumers act by effect, in the order of
    ``at`` where it matters, and ask tenancy when they must know what is true now.
    """

    entity: Annotated[JiraEntity, DataClass.OPERATIONAL]
    action: Annotated[JiraAction, DataClass.OPERATIONAL]
    id: Annotated[str, DataClass.JIRA_ID]
    """Jira's id of what changed: digits, or the account id of a user."""
    at: Annotated[datetime, DataClass.OPERATIONAL]
    """Jira's own time of the change, in milliseconds; ours when a delivery names none."""
    project: Annotated[int | None, DataClass.JIRA_ID] = None
    """Jira's id of the project it is in, where the delivery says it."""
    project_key: Annotated[str | None, DataClass.JIRA_ID] = None
    """With projects only: the key it has now."""
    merged_into: Annotated[int | None, DataClass.JIRA_ID] = None
    """With a deleted version: the version that took its place."""
    source: Annotated[int | None, DataClass.JIRA_ID] = None
    """With issue links: the issue it starts from."""
    destination: Annotated[int | None, DataClass.JIRA_ID] = None
    """With issue links: the issue it points to."""
