"""v3 beans of versions and components, as projects and their own resources show them."""

from collections.abc import Mapping
from typing import Any, TypeVar

from devstack.jira.content import Component, Project, Version
from devstack.jira.rest.operation import Ask
from devstack.jira.rest.users import shown as user_shown

P = TypeVar("P", Version, Component)


def of(project: Project, known: Mapping[int, P]) -> list[P]:
    """Those of one project, oldest first."""
    return [known[number] for number in sorted(known) if known[number].project_id == project.id]


def version(ask: Ask, value: Version) -> dict[str, Any]:
    bean: dict[str, Any] = {
        "self": ask.link(f"/rest/api/3/version/{value.id}"),
        "id": str(value.id),
        "name": value.name,
        "description": value.description,
        "archived": value.archived,
        "released": value.released,
        "projectId": value.project_id,
    }
    if value.release_date is not None:
        bean["releaseDate"] = value.release_date
    return bean


def component(ask: Ask, value: Component) -> dict[str, Any]:
    bean: dict[str, Any] = {
        "self": ask.link(f"/rest/api/3/component/{value.id}"),
        "id": str(value.id),
        "name": value.name,
        "description": value.description,
        "assigneeType": "PROJECT_DEFAULT",
        "project": ask.site.projects[value.project_id].key,
        "projectId": value.project_id,
    }
    lead = ask.site.users.get(value.lead_account_id or "")
    if lead is not None:
        bean["lead"] = user_shown(ask, lead)
    return bean
