"""Project permissions of an account in Jira. Source: facts.md 11."""

from collections.abc import Sequence

import structlog
from pydantic import Field

from services.tenancy.adapters.jira.bean import Bean
from services.tenancy.adapters.jira.caller import SiteCaller
from services.tenancy.usecases.jira import JiraSite

log = structlog.get_logger(__name__)


class _Granted(Bean):
    permission: str
    projects: list[int] = Field([])


class _Checked(Bean):
    granted: list[_Granted] = Field([], alias="projectPermissions")


class HttpJiraPermissions:
    """Implements ``JiraPermissions``."""

    def __init__(self, caller: SiteCaller) -> None:
        self._caller = caller

    async def granted(
        self, site: JiraSite, account_id: str, permissions: Sequence[str], projects: Sequence[int]
    ) -> frozenset[tuple[str, int]]:
        """Return what is granted; whatever the answer leaves out is denied."""
        if not account_id:
            # Jira would answer for the app itself, which may do nearly everything
            raise ValueError("permissions are those of an account")
        answer = await self._caller.request(
            site,
            "POST",
            "/rest/api/3/permissions/check",
            json={
                "accountId": account_id,
                "globalPermissions": [],
                "projectPermissions": [
                    {"permissions": list(permissions), "projects": list(projects), "issues": []}
                ],
            },
            expect={400},
            idempotent=True,
        )
        if answer.status in {400, 404}:
            # a permission or account that the site does not know: nothing is granted
            log.warning("Jira did not take a permission check", status=answer.status)
            return frozenset()
        found = answer.read(_Checked).granted
        return frozenset((part.permission, project) for part in found for project in part.projects)
