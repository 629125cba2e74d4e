"""Groups of a user, all groups, and the roles of a project with their actors."""

from typing import Any

from devstack.jira.content import Group, Project, RoleActor
from devstack.jira.membership import all_groups, group_named, group_with_id, known_group
from devstack.jira.rest.operation import Ask, BadRequest, Operation, Reply, errors, page
from devstack.jira.rest.projects import find, missing


def shown(ask: Ask, group: Group) -> dict[str, Any]:
    link = ask.link(f"/rest/api/3/group?groupId={group.id}")
    return {"name": group.name, "groupId": group.id, "self": link}


def of_user(ask: Ask) -> Reply:
    """Groups of one account, by name. 404 for an account the site does not have."""
    account_id = ask.one("accountId")
    if not account_id:
        raise BadRequest("The accountId parameter must be provided.")
    user = ask.site.users.get(account_id)
    if user is None:
        return errors(404, f"The user with account ID '{account_id}' does not exist.")
    groups = [group_named(ask.site, name) for name in sorted(user.groups)]
    return Reply(200, [shown(ask, group) for group in groups])


def bulk(ask: Ask) -> Reply:
    """Page of `{groupId, name}`; without groupId or groupName, of every group."""
    ids, names = set(ask.all("groupId")), set(ask.all("groupName"))
    found = [
        {"groupId": group.id, "name": group.name}
        for group in all_groups(ask.site)
        if not (ids or names) or group.id in ids or group.name in names
    ]
    return page(ask, "/rest/api/3/group/bulk", found, 50, 50)


def members(ask: Ask) -> Reply:
    """Page of the members of one group, by its id or its name; closed accounts when asked for."""
    ident, name = ask.one("groupId"), ask.one("groupname")
    if (ident is None) == (name is None):
        raise BadRequest("Either groupId or groupname must be provided.")
    by_id = ident is not None
    found = group_with_id(ask.site, ident or "") if by_id else known_group(ask.site, name or "")
    if found is None:
        return errors(404, "The group does not exist.")
    closed = ask.one("includeInactiveUsers") == "true"
    people = [
        {"accountId": user.account_id, "displayName": user.display_name, "active": user.active}
        for user in ask.site.users.values()
        if found.name in user.groups and (user.active or closed)
    ]
    return page(ask, "/rest/api/3/group/member", people, 50, 50)


def _actor(ask: Ask, number: int, actor: RoleActor) -> dict[str, Any] | None:
    """None for an actor whose account or group is gone."""
    if actor.account_id is not None:
        user = ask.site.users.get(actor.account_id)
        if user is None:
            return None
        return {
            "id": number,
            "displayName": user.display_name,
            "type": "atlassian-user-role-actor",
            "actorUser": {"accountId": user.account_id},
        }
    group = group_with_id(ask.site, actor.group_id or "")
    if group is None:
        return None
    return {
        "id": number,
        "displayName": group.name,
        "type": "atlassian-group-role-actor",
        "name": group.name,
        "actorGroup": {"name": group.name, "displayName": group.name, "groupId": group.id},
    }


def _role_link(ask: Ask, project: Project, role_id: int) -> str:
    return ask.link(f"/rest/api/3/project/{project.id}/role/{role_id}")


def roles(ask: Ask) -> Reply:
    """Map of role name to address, the same roles in every project."""
    project = find(ask, ask.path["projectIdOrKey"])
    if project is None:
        return missing(ask)
    known = sorted(ask.site.roles.values(), key=lambda role: role.name)
    return Reply(200, {role.name: _role_link(ask, project, role.id) for role in known})


def role(ask: Ask) -> Reply:
    project = find(ask, ask.path["projectIdOrKey"])
    if project is None:
        return missing(ask)
    wanted = ask.path["roleId"]
    known = ask.site.roles.get(int(wanted)) if wanted.isdecimal() else None
    if known is None:
        return errors(404, f"Can not retrieve project role with id {wanted}.")
    actors = [
        shown_actor
        for number, actor in enumerate(ask.site.role_actors, start=10100)
        if (actor.project_id, actor.role_id) == (project.id, known.id)
        and (shown_actor := _actor(ask, number, actor)) is not None
    ]
    return Reply(
        200,
        {
            "self": _role_link(ask, project, known.id),
            "name": known.name,
            "id": known.id,
            "description": f"A project role named {known.name}",
            "actors": actors,
        },
    )


MEMBER_QUERY = frozenset({"groupId", "groupname", "includeInactiveUsers", "startAt", "maxResults"})
BULK_QUERY = frozenset({"startAt", "maxResults", "groupId", "groupName"})
OPERATIONS = (
    Operation(
        "GET",
        "/rest/api/3/user/groups",
        "READ",
        of_user,
        frozenset({"accountId"}),
        anonymous=False,
    ),
    Operation("GET", "/rest/api/3/group/bulk", "ADMIN", bulk, BULK_QUERY, anonymous=False),
    Operation("GET", "/rest/api/3/group/member", "READ", members, MEMBER_QUERY, anonymous=False),
    Operation("GET", "/rest/api/3/project/{projectIdOrKey}/role", "READ", roles),
    Operation("GET", "/rest/api/3/project/{projectIdOrKey}/role/{roleId}", "READ", role),
)
