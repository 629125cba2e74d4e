"""Projects: search and read; what the caller may not see does not exist."""

from typing import Any

from devstack.jira.content import Project
from devstack.jira.rest.beans import component, of, version
from devstack.jira.rest.operation import Ask, BadRequest, Operation, Reply, errors, page
from devstack.jira.rest.rights import granted
from devstack.jira.rest.users import shown as user_shown

MAX_KEYS = 50


def visible(ask: Ask, project: Project) -> bool:
    """What lies in the bin is seen by nobody; an archived project is, when asked for by name."""
    return project.status != "deleted" and _shown_to(ask, project)


def _shown_to(ask: Ask, project: Project) -> bool:
    """A user token sees what both the app and the person may see."""
    if ask.app is None:
        return project.public
    person = ask.user is None or granted(ask.site, ask.user, "BROWSE_PROJECTS", project.id)
    return project.visible_to_apps and person


def brief(ask: Ask, project: Project) -> dict[str, Any]:
    return {
        "self": ask.link(f"/rest/api/3/project/{project.id}"),
        "id": str(project.id),
        "key": project.key,
        "name": project.name,
        "projectTypeKey": "software",
        "simplified": False,
        "avatarUrls": {"48x48": ask.link(f"/rest/api/3/universal_avatar/project/{project.id}")},
    }


def find(ask: Ask, id_or_key: str) -> Project | None:
    """By id, key in any case, or an earlier key; None when absent or not visible."""
    for project in ask.site.projects.values():
        names = [str(project.id), project.key, *project.former_keys]
        if id_or_key.upper() in names and visible(ask, project):
            return project
    return None


def _matches(project: Project, keys: list[str], ids: list[str], text: str) -> bool:
    if keys and project.key not in keys:
        return False
    if ids and str(project.id) not in ids:
        return False
    return text in project.key.lower() or text in project.name.lower()


def _listed(ask: Ask, project: Project) -> bool:
    """By `status` (live unless told); a deleted project only where the caller could see it."""
    wanted = ask.all("status") or ["live"]
    return project.status in wanted and _shown_to(ask, project)


def search(ask: Ask) -> Reply:
    keys, ids = ask.all("keys"), ask.all("id")
    if len(keys) > MAX_KEYS or len(ids) > MAX_KEYS:
        raise BadRequest(f"Up to {MAX_KEYS} project keys or ids can be provided.")
    text = (ask.one("query") or "").lower()
    found = [
        {**brief(ask, project), "style": "classic", "isPrivate": False, "properties": {}}
        for project in sorted(ask.site.projects.values(), key=lambda project: project.key)
        if _listed(ask, project) and _matches(project, keys, ids, text)
    ]
    return page(ask, "/rest/api/3/project/search", found, 50, 100)


def missing(ask: Ask) -> Reply:
    wanted = ask.path["projectIdOrKey"]
    kind = "id" if wanted.isdecimal() else "key"
    return errors(404, f"No project could be found with {kind} '{wanted}'.")


def read(ask: Ask) -> Reply:
    project = find(ask, ask.path["projectIdOrKey"])
    if project is None:
        return missing(ask)
    bean = brief(ask, project) | {
        "description": "",
        "assigneeType": "UNASSIGNED",
        "components": [component(ask, one) for one in of(project, ask.site.components)],
        "versions": [version(ask, one) for one in of(project, ask.site.versions)],
        "archived": project.status == "archived",
        "style": "classic",
        "isPrivate": False,
        "properties": {},
    }
    lead = ask.site.users.get(project.lead_account_id or "")
    if lead is not None:
        bean["lead"] = user_shown(ask, lead)
    return Reply(200, bean)


OPERATIONS = (
    Operation(
        "GET",
        "/rest/api/3/project/search",
        "READ",
        search,
        frozenset({"startAt", "maxResults", "keys", "id", "query", "status"}),
    ),
    Operation("GET", "/rest/api/3/project/{projectIdOrKey}", "READ", read),
)
