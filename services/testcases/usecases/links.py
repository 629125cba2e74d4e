"""Links of test cases: to Jira issues, which must exist, and to pages; and back from an issue.

An issue may be deleted while a link to it is made, and what tenancy knows of issues is up to a
minute old. So who deletes notes the issue first and drops its links then, and who links looks for
that note once more afterwards: whichever comes last leaves no link behind.
"""

from collections.abc import Collection, Sequence
from typing import Protocol

from contracts.ids import project_of
from contracts.tenancy import ProjectState
from kit.directory.access import Access
from kit.errors import NotFound, Unavailable
from services.testcases.domain.links import IssueLink, Link, LinkedCase, WebLink, check_new, link_id
from services.testcases.domain.testcases import TestCase
from services.testcases.usecases.numbering import Numbered, Numbers
from services.testcases.usecases.testcases import Shown, TestCases

_TRIES = 3
"""More are needed only while others add and remove the same link of the case all the time."""


class LinkStore(Protocol):
    """Where links are kept: inside their cases."""

    async def add(self, tenant: str, case: int, link: Link) -> bool:
        """Add a link; False when the case is gone, full, or has it already."""
        ...

    async def remove(self, tenant: str, project: int, link: int) -> bool:
        """Remove a link of a project; False when there is none."""
        ...

    async def cases_of(
        self, tenant: str, issue: int, projects: Collection[int]
    ) -> Sequence[LinkedCase]:
        """Return the cases of these projects that are linked to an issue, by id."""
        ...

    async def drop(self, tenant: str, issues: Collection[int]) -> None:
        """Remove every link to these issues."""
        ...


class DeletedIssues(Protocol):
    """Notes on issues that were deleted lately."""

    async def add(self, tenant: str, issues: Collection[int]) -> None:
        """Note issues; repeats do no harm."""
        ...

    async def has(self, tenant: str, issue: int) -> bool:
        """Whether an issue was noted."""
        ...


class JiraIssues(Protocol):
    """Issues as Jira shows them to the app, asked anew. ``Unavailable`` when it cannot be asked."""

    async def exists(self, tenant: str, issue: int) -> bool:
        """Whether there is an issue with this id."""
        ...

    async def by_key(self, tenant: str, key: str) -> int | None:
        """Return the id of the issue with this key, None when there is none."""
        ...


class Links:
    """What the public API does with links."""

    def __init__(
        self,
        cases: TestCases,
        store: LinkStore,
        deleted: DeletedIssues,
        issues: JiraIssues,
        numbers: Numbers,
    ) -> None:
        self._cases = cases
        self._store = store
        self._deleted = deleted
        self._issues = issues
        self._numbers = numbers

    async def of_case(self, access: Access, key: str) -> Shown:
        """Return the case, which has its links."""
        return await self._cases.get(access, key)

    async def add_issue(self, access: Access, key: str, issue: int) -> int:
        """Link a case to an issue; return the link's id.

        Raises ``NotFound`` for the case or the issue, ``InvalidInput`` for a link that is there.
        """
        case, _ = await self._cases.get(access, key)
        tenant = access.tenant
        if await self._deleted.has(tenant, issue) or not await self._issues.exists(tenant, issue):
            raise _unknown_issue(issue)
        link = IssueLink(await self._next(tenant, case), issue)
        await self._add(access, key, case, link)
        if await self._deleted.has(tenant, issue):
            await self._store.remove(tenant, case.project, link.id)
            raise _unknown_issue(issue)
        return link.id

    async def add_page(self, access: Access, key: str, url: str, description: str | None) -> int:
        """Link a case to a page; return the link's id. Raises as ``add_issue`` does."""
        case, _ = await self._cases.get(access, key)
        link = WebLink(await self._next(access.tenant, case), url, description)
        await self._add(access, key, case, link)
        return link.id

    async def remove(self, access: Access, link: int) -> None:
        """Remove a link; its id says of which project it is."""
        project = await access.sees(project_of(link))
        if project is None or not await self._store.remove(access.tenant, project.id, link):
            raise NotFound(f"Link with id {link} does not exist or you do not have access to it.")

    async def of_issue(self, access: Access, key: str) -> Sequence[tuple[LinkedCase, ProjectState]]:
        """Return the cases linked to an issue in all projects that may be viewed, by id.

        Raises ``NotFound`` for an unknown issue. The key is for this answer alone.
        """
        projects = await access.chosen(None)
        issue = await self._issues.by_key(access.tenant, key)
        if issue is None:
            raise NotFound(f"Jira issue {key} does not exist or is not visible to Ostro.")
        cases = await self._store.cases_of(access.tenant, issue, list(projects))
        return [(case, projects[case.project]) for case in cases]

    async def _next(self, tenant: str, case: TestCase) -> int:
        return link_id(
            case.project, await self._numbers.reserve(tenant, case.project, Numbered.LINK)
        )

    async def _add(self, access: Access, key: str, case: TestCase, link: Link) -> None:
        for _ in range(_TRIES):
            check_new(case.links, link)
            if await self._store.add(access.tenant, case.id, link):
                return
            # somebody was quicker: what is there now says what is wrong
            case, _ = await self._cases.get(access, key)
        raise Unavailable("The links of the test case are being changed; try again.")


class IssueLinks:
    """What follows when Jira's issues go."""

    def __init__(self, store: LinkStore, deleted: DeletedIssues) -> None:
        self._store = store
        self._deleted = deleted

    async def deleted(self, tenant: str, issues: Collection[int]) -> None:
        """Drop every link to these issues. Repeats and any order lead to the same."""
        await self._deleted.add(tenant, issues)
        await self._store.drop(tenant, issues)


def _unknown_issue(issue: int) -> NotFound:
    return NotFound(f"Jira issue with id {issue} does not exist or is not visible to Ostro.")
