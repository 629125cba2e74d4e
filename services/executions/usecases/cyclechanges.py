"""Test cycles: making and replacing them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from contracts.customfields import CustomFieldEntity
from contracts.ids import Kind, parse_key, public_id
from contracts.testcases import OptionType
from kit.clock import Clock
from kit.counters import Counters
from kit.directory.access import Access
from kit.errors import InvalidInput, NotFound, Unavailable
from services.executions.domain.customfields import value_rows, values_of
from services.executions.domain.testcycles import CycleContent, TestCycle
from services.executions.usecases.customfields import CustomFields
from services.executions.usecases.folders import Folders, check_folder
from services.executions.usecases.statuses import Statuses
from services.executions.usecases.testcycles import TestCycles

_FOLDER = "TEST_CYCLE"
_TRIES = 20


@dataclass(frozen=True)
class NewTestCycle:
    """What a client sends to make one."""

    project_key: str
    name: str
    description: str | None = None
    planned_start: datetime | None = None
    planned_end: datetime | None = None
    jira_version: int | None = None
    status_name: str | None = None
    folder: int | None = None
    owner: str | None = None
    custom_fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CycleReplacement:
    """What a client sends to replace one; id, key and project say which one it means."""

    id: int
    key: str
    project: int
    name: str
    status: int
    description: str | None = None
    planned_start: datetime | None = None
    planned_end: datetime | None = None
    jira_version: int | None = None
    folder: int | None = None
    owner: str | None = None
    custom_fields: Mapping[str, Any] = field(default_factory=dict)


class CycleStore(Protocol):
    """Where cycles are kept. Each corrects a version of Jira that is gone by then."""

    async def insert(self, cycle: TestCycle) -> None:
        """Store a new cycle."""
        ...

    async def replace(self, cycle: TestCycle, content: CycleContent, now: datetime) -> bool:
        """Set what a replacement says; False when the cycle was changed since it was read."""
        ...


class JiraVersions(Protocol):
    """What became of Jira's versions."""

    async def current(self, tenant: str, version: int) -> int | None:
        """Return what stands for a version now: itself, what it was merged into, or None."""
        ...


class CycleChanges:
    """Changes of test cycles; the route has decided the right."""

    def __init__(
        self,
        *,
        cycles: TestCycles,
        store: CycleStore,
        statuses: Statuses,
        folders: Folders,
        fields: CustomFields,
        versions: JiraVersions,
        counters: Counters,
        clock: Clock,
    ) -> None:
        self._cycles = cycles
        self._store = store
        self._statuses = statuses
        self._folders = folders
        self._fields = fields
        self._versions = versions
        self._counters = counters
        self._clock = clock

    async def create(self, access: Access, new: NewTestCycle) -> TestCycle:
        """Store a new cycle.

        Raises ``NotFound`` for the project, the status and a version that Jira no longer has,
        ``InvalidInput`` for the folder and the values of custom fields.
        """
        tenant, project = access.tenant, (await access.project(new.project_key)).id
        await check_folder(self._folders, tenant, project, new.folder, _FOLDER)
        version = await self._version(tenant, new.jira_version)
        status = await self._statuses.named(tenant, project, OptionType.TEST_CYCLE, new.status_name)
        values = await self._fields.checked(
            tenant, project, CustomFieldEntity.TEST_CYCLE, new.custom_fields
        )
        number = await self._counters.reserve(f"{tenant}/{project}/{Kind.TEST_CYCLE}")
        ident, now = public_id(project, number), self._clock.now()
        cycle = TestCycle(
            _id=f"{tenant}/{ident}",
            tenant=tenant,
            id=ident,
            project=project,
            name=new.name,
            description=new.description,
            status=status,
            folder=new.folder,
            jira_version=version,
            planned_start=new.planned_start,
            planned_end=new.planned_end,
            owner=new.owner,
            custom_fields=value_rows(values),
            created_on=now,
            updated_on=now,
            rev=1,
        )
        await self._store.insert(cycle)
        return cycle

    async def replace(self, access: Access, id_or_key: str, wanted: CycleReplacement) -> TestCycle:
        """Replace a cycle and return it as it was.

        What is checked against the cycle is stored only if nobody changed it meanwhile: whoever
        comes second is checked against what the first one left. Planned dates that are not given
        stay, links always.

        Raises ``NotFound`` for the cycle, ``InvalidInput`` for what it is to become.
        """
        for _ in range(_TRIES):
            cycle = await self._cycles.get(access, id_or_key)
            content = await self._content(access, cycle, wanted)
            if await self._store.replace(cycle, content, self._clock.now()):
                return cycle
        raise Unavailable("Others change the test cycle at this moment; try again.", retry_after=1)

    async def _content(
        self, access: Access, cycle: TestCycle, wanted: CycleReplacement
    ) -> CycleContent:
        _check_same(access, cycle, wanted)
        tenant, project = access.tenant, cycle["project"]
        if wanted.folder != cycle["folder"]:
            await check_folder(self._folders, tenant, project, wanted.folder, _FOLDER)
        kind = OptionType.TEST_CYCLE
        await self._statuses.check(tenant, project, kind, wanted.status, cycle["status"])
        values = await self._fields.checked(
            tenant,
            project,
            CustomFieldEntity.TEST_CYCLE,
            wanted.custom_fields,
            values_of(cycle.get("custom_fields", ())),
        )
        content = CycleContent(
            name=wanted.name,
            description=wanted.description,
            status=wanted.status,
            folder=wanted.folder,
            jira_version=wanted.jira_version,
            owner=wanted.owner,
            custom_fields=value_rows(values),
        )
        if wanted.planned_start is not None:
            content["planned_start"] = wanted.planned_start
        if wanted.planned_end is not None:
            content["planned_end"] = wanted.planned_end
        return content

    async def _version(self, tenant: str, version: int | None) -> int | None:
        if version is None:
            return None
        current = await self._versions.current(tenant, version)
        if current is None:
            raise NotFound(f"Jira version with id {version} does not exist.")
        return current


def _check_same(access: Access, cycle: TestCycle, wanted: CycleReplacement) -> None:
    """Raise ``InvalidInput`` when the body speaks of another cycle than the path."""
    if wanted.project != cycle["project"]:
        raise InvalidInput("The project of a test cycle cannot be changed.")
    if wanted.id != cycle["id"]:
        raise InvalidInput("The id in the body is not that of the test cycle in the path.")
    key = parse_key(wanted.key, Kind.TEST_CYCLE)
    keys = access.view.projects[cycle["project"]].keys
    if (
        key is None
        or key.project_key not in keys
        or public_id(cycle["project"], key.number) != cycle["id"]
    ):
        raise InvalidInput("The key in the body is not that of the test cycle in the path.")
