"""Projects of a Jira site and their roles."""

from urllib.parse import quote

from services.tenancy.adapters.jira.bean import Bean
from services.tenancy.adapters.jira.caller import SiteCaller
from services.tenancy.usecases.jira import JiraProject, JiraSite


class _ProjectBean(Bean):
    """What we read of ``GET /rest/api/3/project/{key}``; everything else is never taken in."""

    id: int
    key: str
    archived: bool = False


class HttpJiraProjects:
    """Implements ``JiraProjects``."""

    def __init__(self, caller: SiteCaller) -> None:
        self._caller = caller

    async def find(self, site: JiraSite, id_or_key: str) -> JiraProject | None:
        """Return a project as the app sees it."""
        answer = await self._caller.request(
            site, "GET", f"/rest/api/3/project/{quote(id_or_key, safe='')}"
        )
        if answer.status == 404:
            return None
        bean = answer.read(_ProjectBean)
        return JiraProject(bean.id, bean.key, bean.archived)
