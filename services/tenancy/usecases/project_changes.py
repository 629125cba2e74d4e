"""Following the projects of Jira: other keys, hidden, back."""

from contracts.jira import JiraChange
from services.tenancy.domain.audit import JIRA, Action
from services.tenancy.domain.projects import Project
from services.tenancy.usecases.ports import By, Note, ProjectStore
from services.tenancy.usecases.retry import until_stored


class ProjectChanges:
    """Applies what Jira tells of a tenant's projects. Repeats and any order lead to the same."""

    def __init__(self, projects: ProjectStore) -> None:
        self._projects = projects

    async def follow(self, tenant: str, change: JiraChange) -> None:
        """Apply one change; nothing happens when the tenant does not use the project."""

        async def attempt() -> None:
            known = next(
                (
                    p
                    for p in await self._projects.all(tenant)
                    if p.jira_project_id == change.project
                ),
                None,
            )
            if known is None:
                return
            changed = known.after(change)
            if changed != known:
                note = Note(_action(known, changed), By(JIRA))
                await self._projects.replace(tenant, changed, note)

        await until_stored(attempt)


def _action(before: Project, after: Project) -> Action:
    if after.aliases != before.aliases:
        return Action.PROJECT_RENAMED
    return Action.PROJECT_HIDDEN if after.deleted else Action.PROJECT_RESTORED
