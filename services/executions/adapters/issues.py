"""Jira's issues, asked of tenancy each time: no key of an issue is kept here."""

from contracts.internal import IssuesAnswer, IssuesRequest
from kit.errors import NotFound
from kit.http.client import InternalClient


class TenancyIssues:
    """Issues by id and by key; tenancy or Jira down is ``Unavailable``."""

    def __init__(self, tenancy: InternalClient) -> None:
        self._tenancy = tenancy

    async def exists(self, tenant: str, issue: int) -> bool:
        """Whether there is an issue with this id."""
        return await self._find(tenant, IssuesRequest(ids=(issue,))) is not None

    async def by_key(self, tenant: str, key: str) -> int | None:
        """Return the id of the issue with this key, None when there is none."""
        return await self._find(tenant, IssuesRequest(keys=(key,)))

    async def _find(self, tenant: str, one: IssuesRequest) -> int | None:
        try:
            answer = await self._tenancy.post(
                "/internal/v1/issues", one, IssuesAnswer, tenant=tenant
            )
        except NotFound:
            return None  # a tenant without Jira has no issues
        return answer.issues[0].id if answer.issues else None
