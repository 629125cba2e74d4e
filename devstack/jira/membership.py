"""Groups by id over the names that users carry, and the actors of project roles."""

import uuid

from devstack.jira.content import Group, Role, RoleActor
from devstack.jira.model import Site


def known_group(site: Site, name: str) -> Group | None:
    return next((group for group in all_groups(site) if group.name == name), None)


def group_named(site: Site, name: str) -> Group:
    """The group of this name; one that only users name gets an id that stays the same."""
    for group in site.groups.values():
        if group.name == name:
            return group
    made = Group(id=str(uuid.uuid5(uuid.UUID(site.cloud_id), f"group/{name}")), name=name)
    site.groups[made.id] = made
    return made


def all_groups(site: Site) -> list[Group]:
    """Every group of the site by name, those that only users or grants name included."""
    names = {name for user in site.users.values() for name in user.groups}
    names |= {grant.group for grant in site.grants if grant.group}
    for name in names:
        group_named(site, name)
    return sorted(site.groups.values(), key=lambda group: group.name)


def group_with_id(site: Site, group_id: str) -> Group | None:
    return next((group for group in all_groups(site) if group.id == group_id), None)


def set_members(site: Site, group: Group, members: list[str]) -> list[str]:
    """Make these accounts the members, after a possible new name; returns whose groups changed."""
    known = group_with_id(site, group.id)
    if known is not None and known.name != group.name:
        _rename(site, known.name, group.name)
    site.groups[group.id] = group
    changed = []
    for user in site.users.values():
        if (group.name in user.groups) != (user.account_id in members):
            kept = [name for name in user.groups if name != group.name]
            user.groups = [*kept, group.name] if user.account_id in members else kept
            changed.append(user.account_id)
    return changed


def _rename(site: Site, old: str, new: str) -> None:
    for user in site.users.values():
        user.groups = [new if name == old else name for name in user.groups]
    for grant in site.grants:
        grant.group = new if grant.group == old else grant.group


def set_actors(site: Site, project_id: int, role: Role, actors: list[RoleActor]) -> None:
    """The role exists on the whole site; its actors are those of one project."""
    site.roles[role.id] = role
    others = [
        actor
        for actor in site.role_actors
        if (actor.project_id, actor.role_id) != (project_id, role.id)
    ]
    site.role_actors = [*others, *actors]
