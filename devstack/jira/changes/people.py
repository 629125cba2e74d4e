"""Accounts and the members of groups."""

from devstack.jira.changes import bodies
from devstack.jira.changes.happening import Happening
from devstack.jira.content import Group, User
from devstack.jira.membership import set_members
from devstack.jira.model import Site
from devstack.jira.world import World


def _told(world: World, site: Site, event: str, account_id: str, body: object) -> None:
    variables = {"modifiedUser.accountId": account_id}
    world.publish(site, Happening(event, {"user": body}, variables=variables))


def put(world: World, site: Site, user: User) -> None:
    """A new account, or a known one with other properties (also: no longer active)."""
    known = site.users.get(user.account_id)
    site.users[user.account_id] = user
    event = "user_created" if known is None else "user_updated"
    _told(world, site, event, user.account_id, bodies.user(site, user.account_id))


def delete(world: World, site: Site, account_id: str) -> None:
    """The account is gone from every group, role and list. Raises KeyError for an unknown one."""
    body = bodies.user(site, site.users[account_id].account_id)
    del site.users[account_id]
    site.role_actors = [actor for actor in site.role_actors if actor.account_id != account_id]
    _told(world, site, "user_deleted", account_id, body)


def put_group(world: World, site: Site, group: Group, members: list[str]) -> None:
    """Replace the members; each account that joins or leaves is a changed user (assumed)."""
    for account_id in set_members(site, group, members):
        _told(world, site, "user_updated", account_id, bodies.user(site, account_id))
