"""`POST /permissions/check`: what is not granted is left out, absence is a denial."""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from devstack.jira.rest.operation import Ask, BadRequest, Operation, Reply, errors
from devstack.jira.rest.rights import granted

MAX_ITEMS = 1000
GLOBAL = frozenset(
    {
        "ADMINISTER",
        "BULK_CHANGE",
        "CREATE_SHARED_OBJECTS",
        "MANAGE_GROUP_FILTER_SUBSCRIPTIONS",
        "SYSTEM_ADMIN",
        "USER_PICKER",
    }
)
PROJECT = frozenset(
    {
        "ADD_COMMENTS",
        "ADMINISTER_PROJECTS",
        "ASSIGNABLE_USER",
        "ASSIGN_ISSUES",
        "BROWSE_PROJECTS",
        "CLOSE_ISSUES",
        "CREATE_ATTACHMENTS",
        "CREATE_ISSUES",
        "DELETE_ALL_ATTACHMENTS",
        "DELETE_ALL_COMMENTS",
        "DELETE_ISSUES",
        "EDIT_ALL_COMMENTS",
        "EDIT_ISSUES",
        "LINK_ISSUES",
        "MANAGE_SPRINTS_PERMISSION",
        "MANAGE_WATCHERS",
        "MODIFY_REPORTER",
        "MOVE_ISSUES",
        "RESOLVE_ISSUES",
        "SCHEDULE_ISSUES",
        "TRANSITION_ISSUES",
        "VIEW_DEV_TOOLS",
        "WORK_ON_ISSUES",
    }
)


class ProjectPart(BaseModel):
    permissions: list[str]
    projects: list[int] = Field(default_factory=list, max_length=MAX_ITEMS)
    issues: list[int] = Field(default_factory=list, max_length=MAX_ITEMS)


class CheckRequest(BaseModel):
    account_id: str | None = Field(default=None, validation_alias="accountId")
    global_permissions: list[str] = Field(
        default_factory=list, validation_alias="globalPermissions"
    )
    project_permissions: list[ProjectPart] = Field(
        default_factory=list, validation_alias="projectPermissions"
    )


class PermissionGrant(BaseModel):
    permission: str
    issues: list[int] = Field(default_factory=list)
    projects: list[int] = Field(default_factory=list)


Allowed = Callable[[str, int | None], bool]


def _judge(ask: Ask, account_id: str | None) -> Allowed:
    """Rights of a user by grants; the app's own account may do all where it can see."""
    if account_id is None or (ask.app is not None and account_id == ask.app.account_id):
        return lambda _permission, project: (
            project is None or ask.site.projects[project].visible_to_apps
        )
    return lambda permission, project: granted(ask.site, account_id, permission, project)


def _known(names: list[str], known: frozenset[str]) -> list[str]:
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BadRequest(f"Unrecognized permission: {', '.join(unknown)}")
    return names


def _project_part(ask: Ask, part: ProjectPart, allowed: Allowed) -> list[PermissionGrant]:
    here = {one.id for one in ask.site.projects.values() if one.status != "deleted"}
    projects = [number for number in part.projects if number in here]
    issues = [
        issue
        for issue in (ask.site.issues.get(number) for number in part.issues)
        if issue is not None and not issue.hidden and issue.project_id in here
    ]
    return [
        PermissionGrant(
            permission=name,
            projects=[number for number in projects if allowed(name, number)],
            issues=[issue.id for issue in issues if allowed(name, issue.project_id)],
        )
        for name in _known(part.permissions, PROJECT)
    ]


def _merged(found: list[PermissionGrant]) -> list[dict[str, Any]]:
    """One entry a permission; one without any project or issue is left out."""
    merged: dict[str, PermissionGrant] = {}
    for part in found:
        kept = merged.setdefault(part.permission, PermissionGrant(permission=part.permission))
        kept.issues = sorted({*kept.issues, *part.issues})
        kept.projects = sorted({*kept.projects, *part.projects})
    return [part.model_dump() for part in merged.values() if part.issues or part.projects]


def check(ask: Ask) -> Reply:
    """Without accountId, or with an empty one, it answers for the caller: the app's account."""
    try:
        wanted = CheckRequest.model_validate(ask.json())
    except ValidationError as error:
        raise BadRequest(f"Invalid request payload: {error.error_count()} errors.") from error
    account_id = wanted.account_id or ask.user
    own = ask.app.account_id if ask.app else None
    if account_id not in (None, own, ask.user) and not ask.world.state.policy.may_check_other_users:
        return errors(403, "You do not have permission to check permissions of other users.")
    allowed = _judge(ask, account_id)
    global_names = _known(wanted.global_permissions, GLOBAL)
    found = [
        one for part in wanted.project_permissions for one in _project_part(ask, part, allowed)
    ]
    return Reply(
        200,
        {
            "projectPermissions": _merged(found),
            "globalPermissions": [name for name in global_names if allowed(name, None)],
        },
    )


OPERATIONS = (Operation("POST", "/rest/api/3/permissions/check", "READ", check, anonymous=False),)
