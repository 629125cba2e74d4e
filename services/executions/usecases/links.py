"""Links of test cycles, plans and executions: to Jira issues, which must exist, and to pages;
of plans also to cycles.

An issue may be deleted while a link to it is made, and what tenancy knows of issues is up to a
minute old. So who deletes notes the issue first and drops its links then, and who links looks for
that note once more afterwards: whichever comes last leaves no link behind.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from contracts.ids import Kind, project_of
from contracts.permissions import Entity, Right
from kit.clock import Clock
from kit.counters import Counters
from kit.directory.access import Access
from kit.errors import InvalidInput, NotFound, Unprocessable
from services.executions.domain.links import (
    MAX_LINKS,
    Holder,
    Link,
    cycle_link,
    holder_of,
    issue_link,
    link_id,
    web_link,
)
from services.executions.usecases.testcycles import TestCycles
from services.executions.usecases.testexecutions import TestExecutions
from services.executions.usecases.testplans import TestPlans
from services.executions.usecases.visibility import (
    HiddenCycles,
    unhidden,
    viewing,
    visible_id,
)

RIGHTS = {
    Holder.TEST_CYCLE: (Entity.TEST_CYCLE, Right.EDIT),
    # a failure and the defect behind it are recorded by the same person
    Holder.TEST_EXECUTION: (Entity.TEST_EXECUTION, Right.EXECUTE),
    Holder.TEST_PLAN: (Entity.TEST_PLAN, Right.EDIT),
}
"""What adding and removing a link needs."""

Once = Literal["issue", "url", "cycle"]
"""What no two links of one thing may have in common."""


@dataclass(frozen=True)
class Linked:
    """What has a link; ``cycle`` is its own id, that of the cycle it is in, None of a plan."""

    id: int
    cycle: int | None


class LinkRows(Protocol):
    """Links inside the documents of one collection."""

    async def add(
        self, tenant: str, entity: int, link: Link, now: datetime, *, once: Once | None
    ) -> bool:
        """Add a link; False when it is full or has one with the same value of ``once``."""
        ...

    async def find(self, tenant: str, link: int) -> Linked | None:
        """Return what has the link."""
        ...

    async def remove(self, tenant: str, entity: int, link: int, now: datetime) -> bool:
        """Remove a link; False when it is gone."""
        ...

    async def of_issue(
        self, tenant: str, issue: int, projects: Collection[int], hidden: Collection[int]
    ) -> Sequence[Linked]:
        """Return what is linked to an issue in these projects, by id."""
        ...

    async def has(self, tenant: str, entity: int, link: Link, once: Once) -> bool:
        """Whether it has a link with the same value of ``once``."""
        ...


class DeletedIssueRows(Protocol):
    """Notes on issues that were deleted lately."""

    async def has(self, tenant: str, issue: int) -> bool:
        """Whether an issue was noted."""
        ...


class JiraIssues(Protocol):
    """Issues as Jira shows them to the app. ``Unavailable`` when it cannot be asked."""

    async def exists(self, tenant: str, issue: int) -> bool:
        """Whether there is an issue with this id."""
        ...

    async def by_key(self, tenant: str, key: str) -> int | None:
        """Return the id of the issue with this key, None when there is none."""
        ...


class Links:
    """What the public API does with links. The route has decided the right of what it names."""

    def __init__(
        self,
        *,
        cycles: TestCycles,
        executions: TestExecutions,
        plans: TestPlans,
        rows: Mapping[Holder, LinkRows],
        uploads: HiddenCycles,
        deleted: DeletedIssueRows,
        issues: JiraIssues,
        counters: Counters,
        clock: Clock,
    ) -> None:
        self._cycles = cycles
        self._executions = executions
        self._plans = plans
        self._rows = rows
        self._uploads = uploads
        self._deleted = deleted
        self._issues = issues
        self._counters = counters
        self._clock = clock

    async def cycle_to_issue(self, access: Access, cycle: str, issue: int) -> int:
        """Link a cycle to an issue; return the link's id.

        Raises ``NotFound`` for the cycle or the issue, ``InvalidInput`` when they are linked.
        """
        found = await self._cycles.get(access, cycle)
        holder = Holder.TEST_CYCLE
        return await self._to_issue(access.tenant, holder, found["id"], issue, once="issue")

    async def execution_to_issue(self, access: Access, execution: str, issue: int) -> int:
        """Link an execution to an issue, also once more; return the link's id."""
        found = await self._executions.get(access, execution)
        holder = Holder.TEST_EXECUTION
        return await self._to_issue(access.tenant, holder, found["id"], issue, once=None)

    async def cycle_to_page(
        self, access: Access, cycle: str, url: str, description: str | None
    ) -> int:
        """Link a cycle to a page, also once more; return the link's id.

        Raises ``NotFound`` for a project that does not show, ``InvalidInput`` for an unknown cycle
        in one that does (behaviour.md 2.3).
        """
        try:
            found = await self._cycles.get(access, cycle)
        except NotFound as missing:
            if await visible_id(access, cycle, Kind.TEST_CYCLE) is None:
                raise
            raise InvalidInput(missing.message) from None
        ident = await self._next(access.tenant, Holder.TEST_CYCLE, found["id"])
        link = web_link(ident, url, description)
        await self._add(access.tenant, Holder.TEST_CYCLE, found["id"], link, once=None)
        return ident

    async def plan_to_issue(self, access: Access, plan: str, issue: int) -> int:
        """Link a plan to an issue; return the link's id.

        Raises ``NotFound`` for the plan or the issue, ``Unprocessable`` when they are linked.
        """
        found = await self._plans.get(access, plan)
        holder = Holder.TEST_PLAN
        return await self._to_issue(access.tenant, holder, found["id"], issue, once="issue")

    async def plan_to_page(self, access: Access, plan: str, url: str, description: str) -> int:
        """Link a plan to a page; ``Unprocessable`` when it is linked to the URL already."""
        found = await self._plans.get(access, plan)
        ident = await self._next(access.tenant, Holder.TEST_PLAN, found["id"])
        link = web_link(ident, url, description)
        await self._add(access.tenant, Holder.TEST_PLAN, found["id"], link, once="url")
        return ident

    async def plan_to_cycle(self, access: Access, plan: str, cycle: str) -> int:
        """Link a plan to a cycle that the caller may view, of whichever project.

        Raises ``NotFound`` for the plan or the cycle, ``Unprocessable`` when they are linked.
        """
        found = await self._plans.get(access, plan)
        target = await self._cycles.get(viewing(access, Entity.TEST_CYCLE), cycle)
        ident = await self._next(access.tenant, Holder.TEST_PLAN, found["id"])
        link = cycle_link(ident, target["id"])
        await self._add(access.tenant, Holder.TEST_PLAN, found["id"], link, once="cycle")
        return ident

    async def remove(self, access: Access, link: int) -> None:
        """Remove a link of any kind; ``NotFound`` for one that does not show."""
        holder, project = holder_of(link), await access.sees(project_of(link))
        if holder is not None and project is not None:
            await access.require(project, *RIGHTS[holder])
            if await self._removed(access.tenant, self._rows[holder], link):
                return
        raise NotFound(f"Link with id {link} does not exist or is not visible to you.")

    async def of_issue(self, access: Access, holder: Holder, key: str) -> Sequence[int]:
        """Return the ids of what is linked to an issue, wherever the caller may view it.

        Raises ``NotFound`` for an unknown issue. The key is for this answer alone.
        """
        projects = await access.chosen(None)
        issue = await self._issues.by_key(access.tenant, key)
        if issue is None:
            raise NotFound(f"Jira issue {key} does not exist or is not visible to Ostro.")
        tenant, rows = access.tenant, self._rows[holder]
        found = await unhidden(
            self._uploads,
            tenant,
            lambda hidden: rows.of_issue(tenant, issue, projects.keys(), hidden),
            lambda linked: (one.cycle for one in linked),
        )
        return [one.id for one in found]

    async def _removed(self, tenant: str, rows: LinkRows, link: int) -> bool:
        found = await rows.find(tenant, link)
        if found is None or found.cycle in await self._uploads.hidden_cycles(tenant):
            return False
        return await rows.remove(tenant, found.id, link, self._clock.now())

    async def _to_issue(
        self, tenant: str, holder: Holder, entity: int, issue: int, *, once: Once | None
    ) -> int:
        if await self._deleted.has(tenant, issue) or not await self._issues.exists(tenant, issue):
            raise _unknown(issue)
        ident = await self._next(tenant, holder, entity)
        await self._add(tenant, holder, entity, issue_link(ident, issue), once=once)
        if await self._deleted.has(tenant, issue):
            await self._rows[holder].remove(tenant, entity, ident, self._clock.now())
            raise _unknown(issue)
        return ident

    async def _next(self, tenant: str, holder: Holder, entity: int) -> int:
        project = project_of(entity)
        count = await self._counters.reserve(f"{tenant}/{project}/link")
        return link_id(project, count, holder)

    async def _add(
        self, tenant: str, holder: Holder, entity: int, link: Link, *, once: Once | None
    ) -> None:
        rows = self._rows[holder]
        if await rows.add(tenant, entity, link, self._clock.now(), once=once):
            return
        if once is not None and await rows.has(tenant, entity, link, once):
            refusal = Unprocessable if holder is Holder.TEST_PLAN else InvalidInput
            raise refusal(f"The {holder} is linked to {_NOUNS[once]} {link[once]} already.")
        raise InvalidInput(f"A {holder} cannot have more than {MAX_LINKS} links.")


_NOUNS: Mapping[Once, str] = {"issue": "Jira issue", "url": "the URL", "cycle": "test cycle"}


def _unknown(issue: int) -> NotFound:
    return NotFound(f"Jira issue with id {issue} does not exist or is not visible to Ostro.")
