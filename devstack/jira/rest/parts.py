"""Versions and components: those of a project, and single ones."""

from typing import TypeVar

from devstack.jira.content import Component, Version
from devstack.jira.rest import beans
from devstack.jira.rest.operation import Ask, Operation, Reply, errors, page
from devstack.jira.rest.projects import find, missing, visible

P = TypeVar("P", Version, Component)


def _single(ask: Ask, known: dict[int, P]) -> P | None:
    text = ask.path["id"]
    found = known.get(int(text)) if text.isdecimal() else None
    return found if found and visible(ask, ask.site.projects[found.project_id]) else None


def versions(ask: Ask) -> Reply:
    """All of them, without pages."""
    project = find(ask, ask.path["projectIdOrKey"])
    if project is None:
        return missing(ask)
    found = [beans.version(ask, one) for one in beans.of(project, ask.site.versions)]
    return Reply(200, found)


def version_page(ask: Ask) -> Reply:
    project = find(ask, ask.path["projectIdOrKey"])
    if project is None:
        return missing(ask)
    found = [beans.version(ask, one) for one in beans.of(project, ask.site.versions)]
    return page(ask, f"/rest/api/3/project/{project.id}/version", found, 50, 50)


def components(ask: Ask) -> Reply:
    project = find(ask, ask.path["projectIdOrKey"])
    if project is None:
        return missing(ask)
    found = [beans.component(ask, one) for one in beans.of(project, ask.site.components)]
    return Reply(200, found)


def version(ask: Ask) -> Reply:
    found = _single(ask, ask.site.versions)
    if found is None:
        return errors(404, f"Could not find version for id '{ask.path['id']}'")
    return Reply(200, beans.version(ask, found))


def component(ask: Ask) -> Reply:
    found = _single(ask, ask.site.components)
    if found is None:
        return errors(404, f"The component with id {ask.path['id']} does not exist.")
    return Reply(200, beans.component(ask, found))


PROJECT = "/rest/api/3/project/{projectIdOrKey}"
OPERATIONS = (
    Operation("GET", PROJECT + "/versions", "READ", versions),
    Operation(
        "GET", PROJECT + "/version", "READ", version_page, frozenset({"startAt", "maxResults"})
    ),
    Operation("GET", PROJECT + "/components", "READ", components),
    Operation("GET", "/rest/api/3/version/{id}", "READ", version),
    Operation("GET", "/rest/api/3/component/{id}", "READ", component),
)
