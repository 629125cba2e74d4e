"""Issues of a Jira site: which ids and keys belong together."""

from urllib.parse import quote

from services.tenancy.adapters.jira.bean import Bean
from services.tenancy.adapters.jira.caller import SiteCaller
from services.tenancy.usecases.issues import JiraIssue
from services.tenancy.usecases.jira import JiraSite


class _Project(Bean):
    id: int


class _Fields(Bean):
    project: _Project


class _Issue(Bean):
    """What we ask for and read; a summary is never taken in."""

    id: int
    key: str
    fields: _Fields


class HttpJiraIssues:
    """Implements ``JiraIssues``.

    One GET per issue: it needs the scope READ only (bulkfetch needs WRITE), and one that is unknown
    is no error for the others, as it is in a search.
    """

    def __init__(self, caller: SiteCaller) -> None:
        self._caller = caller

    async def find(self, site: JiraSite, id_or_key: str) -> JiraIssue | None:
        """Return an issue as the app sees it; Jira finds a moved one by its former key, too."""
        answer = await self._caller.request(
            site,
            "GET",
            f"/rest/api/3/issue/{quote(id_or_key, safe='')}",
            query=[("fields", "project")],
        )
        if answer.status == 404:
            return None
        issue = answer.read(_Issue)
        return JiraIssue(issue.id, issue.key, issue.fields.project.id)
