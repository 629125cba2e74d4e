"""Test cases: list, walk, get, versions, create."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from contracts.customfields import CustomFieldEntity, Value
from contracts.ids import Kind, project_of, public_id
from contracts.tenancy import ProjectState
from contracts.testcases import OptionType
from kit.clock import Clock
from kit.directory.access import Access
from kit.errors import InvalidInput, NotFound
from kit.grouping import settled
from kit.http.pages import CursorPage, OffsetPage
from kit.labels import check_labels
from services.testcases.domain.folders import FolderType
from services.testcases.domain.options import Option, choose
from services.testcases.domain.scripts import StepsScript, empty_script
from services.testcases.domain.testcases import TestCase
from services.testcases.usecases.customfields import CustomFields
from services.testcases.usecases.folders import Folders
from services.testcases.usecases.numbering import Numbered, Numbers
from services.testcases.usecases.options import Options

MOST_PROJECTS = 1_000
"""A caller who sees more must say which project to list (vendor's rule)."""


@dataclass(frozen=True)
class CaseFilter:
    """Which visible cases: of these projects, in this folder, changed after this moment."""

    projects: Collection[int]
    folder: int | None = None
    updated_after: datetime | None = None


class TestCaseStore(Protocol):
    """Where cases are kept. Provisional ones do not exist here."""

    async def page(
        self, tenant: str, wanted: CaseFilter, page: OffsetPage
    ) -> tuple[int, Sequence[TestCase]]:
        """Return the total and one page, by id."""
        ...

    async def walk(self, tenant: str, wanted: CaseFilter, page: CursorPage) -> Sequence[TestCase]:
        """Return up to ``limit + 1`` cases; the extra one is the next page's first."""
        ...

    async def get(self, tenant: str, case: int) -> TestCase | None:
        """Return one case."""
        ...

    async def find(
        self, tenant: str, project: int, ids: Collection[int], names: Collection[str]
    ) -> Sequence[TestCase]:
        """Return the cases with one of these ids or names, by id."""
        ...

    async def find_archived(
        self, tenant: str, project: int, ids: Collection[int]
    ) -> Sequence[TestCase]:
        """Return the archived cases with these ids, by id."""
        ...

    async def insert(
        self, tenant: str, made: Sequence[tuple[TestCase, StepsScript, str | None]]
    ) -> Sequence[int | Exception]:
        """Store new visible cases, each with its script and the client's id of it.

        Return their ids; where a client's id was taken, the id of the case that has it.
        """
        ...

    async def named(
        self, tenant: str, project: int, client_ids: Iterable[str]
    ) -> Mapping[str, int | Exception]:
        """Return the ids of cases by the client's; ``Conflict`` for one that is being erased."""
        ...

    async def older(self, tenant: str, case: TestCase, version: int) -> TestCase | None:
        """Return a case as an older version says."""
        ...

    async def older_versions(
        self, tenant: str, case: TestCase, skip: int, limit: int
    ) -> tuple[int, Sequence[tuple[int, int]]]:
        """Return how many older versions there are, and some with their ids, the newest first."""
        ...


@dataclass(frozen=True)
class NewTestCase:
    """What a client sends."""

    project_key: str
    name: str
    objective: str | None = None
    precondition: str | None = None
    estimated_time: int | None = None
    component: int | None = None
    priority_name: str | None = None
    status_name: str | None = None
    folder: int | None = None
    owner: str | None = None
    labels: Sequence[str] = ()
    custom_fields: Mapping[str, Any] = field(default_factory=dict)
    client_id: str | None = None
    """The client's own name of it: what has it in the project is not made a second time."""


@dataclass(frozen=True)
class _Draft:
    """What a creation found; all it lacks is numbers."""

    new: NewTestCase
    priority: Option
    status: Option
    values: Mapping[int, Value]


Shown = tuple[TestCase, ProjectState]
"""A case and its project, whose key is half of the case's key."""


class TestCases:
    """The cases of projects, as the public API sees them."""

    __test__ = False

    def __init__(
        self,
        store: TestCaseStore,
        folders: Folders,
        options: Options,
        fields: CustomFields,
        numbers: Numbers,
        clock: Clock,
    ) -> None:
        self._store = store
        self._folders = folders
        self._options = options
        self._fields = fields
        self._numbers = numbers
        self._clock = clock

    async def page(
        self, access: Access, project_key: str | None, folder: int | None, page: OffsetPage
    ) -> tuple[int, Sequence[Shown]]:
        """Return the total and one page of the visible cases."""
        projects = await _covered(access, project_key, folder)
        if len(projects) > MOST_PROJECTS:
            raise InvalidInput(
                f"projectKey must not be null: more than {MOST_PROJECTS} projects are visible."
            )
        wanted = CaseFilter(list(projects), folder)
        total, cases = await self._store.page(access.tenant, wanted, page)
        return total, [(c, projects[c.project]) for c in cases]

    async def walk(
        self,
        access: Access,
        project_key: str | None,
        folder: int | None,
        updated_after: datetime | None,
        page: CursorPage,
    ) -> tuple[Sequence[Shown], int | None]:
        """Return one cursor page and the id that the next one starts at."""
        projects = await _covered(access, project_key, folder)
        wanted = CaseFilter(list(projects), folder, updated_after)
        cases = await self._store.walk(access.tenant, wanted, page)
        following = cases[page.limit].id if len(cases) > page.limit else None
        return [(c, projects[c.project]) for c in cases[: page.limit]], following

    async def get(self, access: Access, key: str) -> Shown:
        """Return one case by key (aliases of the project's key count); ``NotFound`` otherwise."""
        entity = await access.entity(key, Kind.TEST_CASE)
        if entity is None:
            raise unknown_test_case(key)
        parsed, project = entity
        case = await self._store.get(access.tenant, public_id(project.id, parsed.number))
        if case is None:
            raise unknown_test_case(key)
        return case, project

    async def get_version(self, access: Access, key: str, version: int) -> Shown:
        """Return a case as a version says; ``NotFound`` for a version that is not there."""
        case, project = await self.get(access, key)
        if version == case.version:
            return case, project
        older = await self._store.older(access.tenant, case, version)
        if older is None:
            raise NotFound(f"Test case {key} has no version {version}.")
        folder = older.folder
        if folder is not None and await self._folders.find(access.tenant, folder) is None:
            folder = None  # it was deleted since; nothing refers to what is not there
        # the script that it shows the way to is the newest one
        return replace(older, links=case.links, folder=folder, script=case.script), project

    async def versions(
        self, access: Access, key: str, page: OffsetPage
    ) -> tuple[Shown, int, Sequence[tuple[int, int]]]:
        """Return a case, the total and one page of its versions with ids, the newest first."""
        case, project = await self.get(access, key)
        newest = [(case.version, case.version_id)][page.start_at : page.start_at + page.max_results]
        older, found = await self._store.older_versions(
            access.tenant, case, max(page.start_at - 1, 0), page.max_results - len(newest)
        )
        return (case, project), older + 1, [*newest, *found]

    async def create(self, access: Access, new: NewTestCase) -> tuple[int, ProjectState]:
        """Store a new case: version 1 with one empty step; return its id and project."""
        project = await access.project(new.project_key)
        (made,) = await self.create_all(access, project, [new])
        if isinstance(made, Exception):
            raise made
        return made, project

    async def create_all(
        self, access: Access, project: ProjectState, wanted: Sequence[NewTestCase]
    ) -> Sequence[int | Exception]:
        """Do the same for some of one project, of which none share a client's id.

        Their numbers are in this order.
        """
        named = [new.client_id for new in wanted if new.client_id is not None]
        there = await self._store.named(access.tenant, project.id, named) if named else {}
        fresh = [new for new in wanted if new.client_id not in there]
        drafted = await settled(self._draft(access, project, new) for new in fresh)
        drafts = [d for d in drafted if isinstance(d, _Draft)]
        stored = iter(await self._store_all(access.tenant, project.id, drafts) if drafts else ())
        made = iter([next(stored) if isinstance(d, _Draft) else d for d in drafted])
        known = [None if new.client_id is None else there.get(new.client_id) for new in wanted]
        return [next(made) if ident is None else ident for ident in known]

    async def _draft(self, access: Access, project: ProjectState, new: NewTestCase) -> _Draft:
        check_labels(new.labels)
        await self._folders.check(access, new.folder, project.id, FolderType.TEST_CASE)
        options = await self._options.of_project(
            access.tenant, project.id, (OptionType.TEST_CASE, OptionType.PRIORITY)
        )
        priority = choose(options, OptionType.PRIORITY, new.priority_name)
        status = choose(options, OptionType.TEST_CASE, new.status_name)
        values = await self._fields.checked(
            access.tenant, project.id, CustomFieldEntity.TEST_CASE, new.custom_fields
        )
        return _Draft(new, priority, status, values)

    async def _store_all(
        self, tenant: str, project: int, drafts: Sequence[_Draft]
    ) -> Sequence[int | Exception]:
        number, version, step = await asyncio.gather(
            *(
                self._numbers.reserve(tenant, project, kind, len(drafts))
                for kind in (Numbered.TEST_CASE, Numbered.VERSION, Numbered.STEP)
            )
        )
        now = self._clock.now()
        made = [
            (
                _case(
                    draft,
                    public_id(project, number + at),
                    public_id(project, version + at),
                    now,
                ),
                empty_script(public_id(project, step + at)),
                draft.new.client_id,
            )
            for at, draft in enumerate(drafts)
        ]
        return await self._store.insert(tenant, made)


def _case(draft: _Draft, ident: int, version: int, now: datetime) -> TestCase:
    new = draft.new
    return TestCase(
        id=ident,
        project=project_of(ident),
        name=new.name,
        version=1,
        version_id=version,
        priority=draft.priority.id,
        status=draft.status.id,
        created_on=now,
        updated_on=now,
        objective=new.objective,
        precondition=new.precondition,
        estimated_time=new.estimated_time,
        labels=tuple(new.labels),
        component=new.component,
        folder=new.folder,
        owner=new.owner,
        custom_fields=draft.values,
    )


async def _covered(
    access: Access, project_key: str | None, folder: int | None
) -> Mapping[int, ProjectState]:
    """Return the projects to look at: a folder belongs to one, which its id names."""
    projects = await access.chosen(project_key)
    if folder is None:
        return projects
    found = await access.sees(project_of(folder))
    if found is None or (project_key is not None and found.id not in projects):
        return {}
    return {found.id: found}


def unknown_test_case(key: str) -> NotFound:
    """Build the one answer for a case that is missing, invisible, or in a disabled project."""
    return NotFound(f"Test case with key {key} does not exist or you do not have access to it.")
