"""Permissions of a project and memberships of users: ids only. Tenancy owns and publishes them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from contracts.base import Contract
from contracts.classes import DataClass

MAX_GRANTS = 1_000
"""Of one project."""
MAX_HOLDER_LENGTH = 128


class Entity(StrEnum):
    """What a right is about."""

    TEST_CASE = "test-case"
    """Test cases, their steps, scripts and links; and folders, whatever lies in them."""
    TEST_PLAN = "test-plan"
    TEST_CYCLE = "test-cycle"
    TEST_EXECUTION = "test-execution"
    CONFIGURATION = "configuration"
    """Statuses, priorities, environments, custom fields and the permissions of the project."""


class Right(StrEnum):
    """What may be done with it."""

    VIEW = "view"
    CREATE = "create"
    EDIT = "edit"
    DELETE = "delete"
    EXECUTE = "execute"
    """Record results, step results and status changes of test executions."""


class Holder(StrEnum):
    """Who holds a grant."""

    USER = "user"
    GROUP = "group"
    ROLE = "role"


class Grant(Contract):
    """Rights on one kind of entity, for one user, group or project role of Jira, by id."""

    entity: Annotated[Entity, DataClass.OPERATIONAL]
    rights: Annotated[tuple[Right, ...], DataClass.OPERATIONAL]
    holder: Annotated[Holder, DataClass.OPERATIONAL]
    id: Annotated[str, DataClass.JIRA_ID]
    """Account id, group id or role id."""


class ProjectPermissions(Contract):
    """The permission scheme of one project. Key: tenant/project id.

    While it is not enforced (the vendor's default), what a token's scopes and projects allow is
    allowed.
    """

    project: Annotated[int, DataClass.OPERATIONAL]
    enforced: Annotated[bool, DataClass.OPERATIONAL]
    grants: tuple[Grant, ...] = ()


class RoleMembership(Contract):
    """All roles that a user has in one project, through groups too; none is an entry, too."""

    project: Annotated[int, DataClass.OPERATIONAL]
    """Our project id."""
    roles: Annotated[tuple[str, ...], DataClass.JIRA_ID]


class Membership(Contract):
    """Groups and roles of one user as Jira had them at ``resolved_at``. Key: tenant/account id.

    Only users that called us are resolved, and only roles in projects whose permissions are
    enforced and name roles: a project without an entry was not looked at.
    """

    account_id: Annotated[str, DataClass.JIRA_ID]
    active: Annotated[bool, DataClass.OPERATIONAL]
    """False for an account that Jira closed or does not know: it holds nothing."""
    groups: Annotated[tuple[str, ...], DataClass.JIRA_ID] = ()
    roles: tuple[RoleMembership, ...] = ()
    resolved_at: Annotated[datetime, DataClass.OPERATIONAL]
