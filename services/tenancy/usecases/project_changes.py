"""Following the projects of Jira: other keys, hidden, back. By what it tells, and by a look at it.

A webhook may get lost, and Forge alone sends none, so the projects in use are compared daily.
"""

from collections.abc import Callable
from functools import partial

import structlog

from contracts.jira import JiraChange
from kit.clock import Clock
from kit.errors import Forbidden
from services.tenancy.domain.audit import JIRA, Action
from services.tenancy.domain.projects import Project
from services.tenancy.usecases.jira import JiraProject, JiraProjects, JiraSite, Sites
from services.tenancy.usecases.ports import By, Note, ProjectStore
from services.tenancy.usecases.retry import until_stored
from services.tenancy.usecases.together import together

log = structlog.get_logger(__name__)

_AT_ONCE = 4


class ProjectChanges:
    """Applies what Jira tells of a tenant's projects. Repeats and any order lead to the same."""

    def __init__(self, projects: ProjectStore) -> None:
        self._projects = projects

    async def follow(self, tenant: str, change: JiraChange) -> None:
        """Apply one change; nothing happens when the tenant does not use the project."""
        if change.project is not None:
            await _changed(self._projects, tenant, change.project, lambda p: p.after(change))


class ProjectComparison:
    """Puts the projects in use right by what Jira shows of them now."""

    def __init__(
        self, projects: ProjectStore, jira: JiraProjects, sites: Sites, clock: Clock
    ) -> None:
        self._projects = projects
        self._jira = jira
        self._sites = sites
        self._clock = clock

    async def compare(self, tenant: str) -> None:
        """Compare every project of a tenant that is enabled; raises what ``usecases.jira`` says.

        What Jira does not show is hidden. When it shows nothing at all, the app has rather lost
        its access, and everything stays as it is.
        """
        began = self._clock.now()
        known = [p for p in await self._projects.all(tenant) if p.enabled]
        if not known:
            return
        site = await self._sites.get(tenant)
        answers = await together(partial(self._look, site), known, _AT_ONCE)
        looks = [look for look in answers if look is not None]
        if not any(found for _, found in looks):
            if any(p.visible for p, _ in looks):
                log.warning("Jira shows none of the projects in use", tenant=tenant)
            return
        for project, found in looks:
            key = None if found is None else found.key
            hidden = found is None or found.archived
            step = partial(Project.seen, key=key, hidden=hidden, at=began)
            if step(project) != project:
                await _changed(self._projects, tenant, project.jira_project_id, step)

    async def _look(
        self, site: JiraSite, project: Project
    ) -> tuple[Project, JiraProject | None] | None:
        try:
            return project, await self._jira.find(site, str(project.jira_project_id))
        except Forbidden:
            return None  # it is there


async def _changed(
    projects: ProjectStore, tenant: str, jira_project: int, step: Callable[[Project], Project]
) -> None:
    """Store a project after a step, with the step in the audit trail; unknown ones are fine."""

    async def attempt() -> None:
        found = (p for p in await projects.all(tenant) if p.jira_project_id == jira_project)
        known = next(found, None)
        if known is None:
            return
        changed = step(known)
        if changed != known:
            await projects.replace(tenant, changed, Note(_action(known, changed), By(JIRA)))

    await until_stored(attempt)


def _action(before: Project, after: Project) -> Action:
    if after.aliases != before.aliases:
        return Action.PROJECT_RENAMED
    return Action.PROJECT_HIDDEN if after.deleted else Action.PROJECT_RESTORED
