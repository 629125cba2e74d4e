"""The demo site's people, project and issues: realistic, so that a leak can be seen.

Account ids are made up in the two forms Jira uses; the mail domain is reserved for examples.
"""

from devstack.jira.content import Component, Grant, Issue, Project, Role, RoleActor, User, Version
from devstack.jira.membership import group_named
from devstack.jira.model import Site
from devstack.standin.clock import iso

ADMIN = "5b10a2844c20165700ede21a"
TESTER = "557058:2f8e4b1c-93d7-4c55-9a0e-6d1f3a7b8c90"
DEVELOPER = "5c9f8d7e6b5a4c3d2e1f0a9b"
MANAGER = "712020:a1c3e5f7-1b2d-4f6a-8c9e-0d2f4b6a8c1e"
CLOSED = "5a0b1c2d3e4f5a6b7c8d9e0f"

ADMINS = "jira-administrators"
USERS = "jira-software-users"
TESTERS = "qa-engineers"

ADMIN_ROLE = 10002
MEMBER_ROLE = 10003

_PEOPLE = (
    User(
        account_id=ADMIN,
        display_name="Marta Echeverría Solís",
        email="marta.echeverria@atelier-nord.example",
        groups=[ADMINS, USERS],
    ),
    User(
        account_id=TESTER,
        display_name="Tomáš Dvořák",
        email="tomas.dvorak@atelier-nord.example",
        time_zone="Europe/Prague",
        groups=[USERS, TESTERS],
    ),
    User(
        account_id=DEVELOPER,
        display_name="Aiyana Whitefeather",
        email="aiyana.w@atelier-nord.example",
        email_visible=False,
        time_zone="America/Denver",
        groups=[USERS],
    ),
    User(
        account_id=MANAGER,
        display_name="Kenji Nakamura-Olsen",
        email="kenji.nakamura@atelier-nord.example",
        time_zone="Asia/Tokyo",
        groups=[USERS],
    ),
    User(
        account_id=CLOSED,
        display_name="Former user",
        email="",
        email_visible=False,
        active=False,
    ),
)

_SUMMARIES = (
    ("Story", "Customer can pay with a saved card", "In Progress"),
    ("Story", "Basket keeps its items after sign-in", "To Do"),
    ("Bug", "Refund mail shows another customer's name", "To Do"),
    ("Task", "Move checkout to the new payment gateway", "In Progress"),
    ("Bug", "Voucher is applied twice when the page reloads", "Done"),
)

_EVERYBODY = ("BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "ADD_COMMENTS", "LINK_ISSUES")
_ADMINISTRATION = ("ADMINISTER_PROJECTS", "DELETE_ISSUES", "MANAGE_SPRINTS_PERMISSION")


def furnish(site: Site, now: float) -> None:
    """Fill an empty site: project DEMO (10000), issues DEMO-1 (10001) and up, accounts, roles."""
    site.users = {user.account_id: user.model_copy(deep=True) for user in _PEOPLE}
    site.projects = {
        10000: Project(id=10000, key="DEMO", name="Atelier Nord Webshop", lead_account_id=MANAGER)
    }
    created = iso(now - 30 * 86400).replace("+00:00", "+0000")
    site.issues = {
        10000 + number: Issue(
            id=10000 + number,
            key=f"DEMO-{number}",
            project_id=10000,
            issue_type=issue_type,
            summary=summary,
            description=f"Told by Marta Echeverría, +34 600 000 00{number}: {summary.lower()}.",
            status=status,
            reporter=MANAGER,
            assignee=DEVELOPER if number % 2 else TESTER,
            created=created,
            updated=created,
        )
        for number, (issue_type, summary, status) in enumerate(_SUMMARIES, start=1)
    }
    site.versions = {
        10200: Version(id=10200, project_id=10000, name="Spring release"),
        10201: Version(id=10201, project_id=10000, name="Summer release, ask Kenji"),
    }
    site.components = {
        10300: Component(
            id=10300, project_id=10000, name="Checkout (Aiyana)", lead_account_id=DEVELOPER
        )
    }
    site.roles = {
        ADMIN_ROLE: Role(id=ADMIN_ROLE, name="Administrators"),
        MEMBER_ROLE: Role(id=MEMBER_ROLE, name="Member"),
    }
    site.role_actors = [
        RoleActor(project_id=10000, role_id=ADMIN_ROLE, group_id=group_named(site, ADMINS).id),
        RoleActor(project_id=10000, role_id=MEMBER_ROLE, account_id=TESTER),
    ]
    site.grants = [
        *(Grant(permission=name, group=USERS) for name in _EVERYBODY),
        *(Grant(permission=name, group=ADMINS) for name in _ADMINISTRATION),
        Grant(permission="ADMINISTER", group=ADMINS),
        Grant(permission="USER_PICKER", group=USERS),
    ]
