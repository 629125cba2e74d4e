"""Projects from their making to the bin and beyond."""

from devstack.jira.changes import bodies
from devstack.jira.changes.happening import Happening
from devstack.jira.content import Project, ProjectStatus
from devstack.jira.model import Site
from devstack.jira.world import World

# What may be done to a project: status before (None: any), status after, event.
MOVES: dict[str, tuple[ProjectStatus | None, ProjectStatus, str]] = {
    "delete": (None, "deleted", "project_soft_deleted"),
    "restore": ("deleted", "live", "project_restored_deleted"),
    "archive": ("live", "archived", "project_archived"),
    "unarchive": ("archived", "live", "project_restored_archived"),
}


class WrongState(Exception):
    """The change does not apply to what is there."""


def variables(project: Project) -> dict[str, str]:
    return {"project.id": str(project.id), "project.key": project.key}


def _told(world: World, site: Site, event: str, project: Project, actor: str | None) -> None:
    body = {"project": bodies.project(site, project)}
    world.publish(site, Happening(event, body, actor, variables=variables(project)))


def put(world: World, site: Site, project: Project, actor: str | None) -> None:
    """New or changed. A changed key becomes an earlier one, and the issues follow untold."""
    known = site.projects.get(project.id)
    if known is not None and known.key != project.key:
        project.former_keys = [*known.former_keys, *project.former_keys, known.key]
        for issue in site.issues.values():
            if issue.project_id == project.id:
                issue.former_keys.append(issue.key)
                issue.key = f"{project.key}-{issue.key.rpartition('-')[2]}"
    site.projects[project.id] = project
    event = "project_created" if known is None else "project_updated"
    _told(world, site, event, project, actor)


def move(world: World, site: Site, project: Project, how: str, actor: str | None) -> None:
    """Into the bin or the archive and back. Raises WrongState."""
    before, after, event = MOVES[how]
    if project.status == after or before not in (None, project.status):
        raise WrongState(f"project {project.key} is {project.status}")
    project.status = after
    _told(world, site, event, project, actor)


def purge(world: World, site: Site, project: Project, actor: str | None) -> None:
    """Gone for good, with all that was in it; only the project itself is told."""
    del site.projects[project.id]
    gone = {issue.id for issue in site.issues.values() if issue.project_id == project.id}
    site.issues = {number: one for number, one in site.issues.items() if number not in gone}
    site.links = {
        number: link
        for number, link in site.links.items()
        if not {link.source_id, link.destination_id} & gone
    }
    site.versions = {n: v for n, v in site.versions.items() if v.project_id != project.id}
    site.components = {n: c for n, c in site.components.items() if c.project_id != project.id}
    site.role_actors = [a for a in site.role_actors if a.project_id != project.id]
    _told(world, site, "project_deleted", project, actor)
