"""Test plans: reading and making them. No operation replaces or removes one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from contracts.customfields import CustomFieldEntity
from contracts.ids import Kind, project_of, public_id
from contracts.permissions import Entity
from contracts.testcases import OptionType
from kit.clock import Clock
from kit.counters import Counters
from kit.directory.access import Access
from kit.errors import NotFound
from kit.http.pages import CursorPage, OffsetPage
from kit.labels import check_labels
from services.executions.domain.customfields import value_rows
from services.executions.domain.links import Link
from services.executions.domain.testplans import TestPlan
from services.executions.usecases.customfields import CustomFields
from services.executions.usecases.folders import Folders, check_folder
from services.executions.usecases.statuses import Statuses
from services.executions.usecases.visibility import viewable, visible_id


@dataclass(frozen=True)
class PlanFilter:
    """Filters of the two lists; ``projects`` are those it covers."""

    projects: Collection[int] = ()
    updated_after: datetime | None = None


@dataclass(frozen=True)
class NewTestPlan:
    """What a client sends to make one."""

    project_key: str
    name: str
    objective: str | None = None
    status_name: str | None = None
    folder: int | None = None
    owner: str | None = None
    labels: Sequence[str] = ()
    custom_fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CyclePlan:
    """A plan that is linked to a cycle, and by which link."""

    plan: int
    link: Link


class PlanStore(Protocol):
    """Where plans are kept."""

    async def insert(self, plan: TestPlan) -> None: ...
    async def get(self, tenant: str, plan: int) -> TestPlan | None: ...
    async def page(
        self, tenant: str, wanted: PlanFilter, page: OffsetPage
    ) -> tuple[int, Sequence[TestPlan]]: ...
    async def walk(
        self, tenant: str, wanted: PlanFilter, page: CursorPage
    ) -> Sequence[TestPlan]: ...
    async def of_cycles(self, tenant: str, cycles: Collection[int]) -> Sequence[TestPlan]:
        """Return the plans that are linked to cycles, by id; of each, id and links alone."""
        ...


class TestPlans:
    """Test plans as a caller may see and make them."""

    __test__ = False

    def __init__(
        self,
        *,
        store: PlanStore,
        statuses: Statuses,
        folders: Folders,
        fields: CustomFields,
        counters: Counters,
        clock: Clock,
    ) -> None:
        self._store = store
        self._statuses = statuses
        self._folders = folders
        self._fields = fields
        self._counters = counters
        self._clock = clock

    async def get(self, access: Access, id_or_key: str) -> TestPlan:
        """Return a plan by id or key; raise ``NotFound``."""
        plan = await visible_id(access, id_or_key, Kind.TEST_PLAN)
        found = await self._store.get(access.tenant, plan) if plan is not None else None
        if found is None:
            raise NotFound(f"Test plan {id_or_key} does not exist or is not visible to you.")
        return found

    async def page(
        self, access: Access, wanted: PlanFilter, page: OffsetPage
    ) -> tuple[int, Sequence[TestPlan]]:
        """Return the total and one page."""
        return await self._store.page(access.tenant, wanted, page)

    async def walk(
        self, access: Access, wanted: PlanFilter, page: CursorPage
    ) -> Sequence[TestPlan]:
        """Return one page and the first of the next."""
        return await self._store.walk(access.tenant, wanted, page)

    async def of_cycles(
        self, access: Access, cycles: Collection[int]
    ) -> Mapping[int, Sequence[CyclePlan]]:
        """Return the plans that are linked to cycles, as far as the caller may view them."""
        plans = await self._store.of_cycles(access.tenant, cycles) if cycles else ()
        shown = await viewable(access, Entity.TEST_PLAN, {project_of(p["id"]) for p in plans})
        found: dict[int, list[CyclePlan]] = {cycle: [] for cycle in cycles}
        for plan in plans:
            if project_of(plan["id"]) not in shown:
                continue
            for link in plan["links"]:
                if link.get("cycle") in found:
                    found[link["cycle"]].append(CyclePlan(plan["id"], link))
        return found

    async def create(self, access: Access, new: NewTestPlan) -> TestPlan:
        """Store a new plan.

        Raises ``NotFound`` for the project and the status, ``InvalidInput`` for the folder, the
        labels and the values of custom fields.
        """
        tenant, project = access.tenant, (await access.project(new.project_key)).id
        check_labels(new.labels)
        await check_folder(self._folders, tenant, project, new.folder, "TEST_PLAN")
        status = await self._statuses.named(tenant, project, OptionType.TEST_PLAN, new.status_name)
        values = await self._fields.checked(
            tenant, project, CustomFieldEntity.TEST_PLAN, new.custom_fields
        )
        number = await self._counters.reserve(f"{tenant}/{project}/{Kind.TEST_PLAN}")
        ident, now = public_id(project, number), self._clock.now()
        plan = TestPlan(
            _id=f"{tenant}/{ident}",
            tenant=tenant,
            id=ident,
            project=project,
            name=new.name,
            objective=new.objective,
            status=status,
            folder=new.folder,
            owner=new.owner,
            labels=list(new.labels),
            custom_fields=value_rows(values),
            links=[],
            created_on=now,
            updated_on=now,
            rev=1,
        )
        await self._store.insert(plan)
        return plan
