"""Search over test executions: filters in one of several orders, within what an index bounds."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from contracts.customfields import CustomFieldEntity, option_key
from contracts.fieldmatches import FieldMatch
from contracts.ids import Kind
from contracts.testcases import DEFAULT_OPTIONS, OptionState, OptionType
from kit.directory.access import Access
from kit.errors import InvalidInput
from kit.flags import Flags
from kit.http.search import ALWAYS, Between, SearchPage, check_search, chosen_values, is_id
from services.executions.domain.testexecutions import TestExecution
from services.executions.usecases.customfields import CustomFields
from services.executions.usecases.visibility import HiddenCycles, unhidden, visible_id

MAX_WORDS = 10
"""Of a text to look for in comments."""
BY_ID = "key"
"""The order that needs no bound."""


class Lack(StrEnum):
    """What an execution may be without."""

    ENVIRONMENT = "environment"
    TEST_CYCLE = "testCycle"
    EXECUTED_BY = "executedById"
    ASSIGNED_TO = "assignedToId"
    COMMENT = "comment"
    VERSION = "jiraProjectVersion"


@dataclass(frozen=True)
class RunQuery:
    """What a client asks for. Options are names in any case, or ids; things are ids or keys."""

    project_key: str | None = None
    comment: str | None = None
    cases: Collection[str] = ()
    cycles: Collection[str] = ()
    statuses: Collection[str] = ()
    environments: Collection[str] = ()
    executed_by: Collection[str] = ()
    assigned_to: Collection[str] = ()
    versions: Collection[int] = ()
    automated: bool | None = None
    ended: Between = ALWAYS
    updated: Between = ALWAYS
    fields: Sequence[str] = ()
    """``name=value`` each."""
    without: Collection[Lack] = ()

    @property
    def bounded(self) -> bool:
        """Whether an index leads to what can be looked at as a whole."""
        return bool(self.cases or self.cycles or self.ended.after or self.updated.after)


@dataclass(frozen=True)
class RunSearch:
    """Which executions; what is empty or None says nothing, every other part must hold."""

    projects: Collection[int]
    words: Sequence[str] = ()
    """Each must stand in the comment, in any case, also as a part of a word."""
    cases: Collection[int] | None = None
    cycles: Collection[int] | None = None
    statuses: Collection[int] = ()
    environments: Collection[int] = ()
    executed_by: Collection[str] = ()
    assigned_to: Collection[str] = ()
    versions: Collection[int] = ()
    automated: bool | None = None
    ended: Between = ALWAYS
    updated: Between = ALWAYS
    fields: Sequence[Sequence[FieldMatch]] = ()
    """Of each one match must hold."""
    without: Collection[Lack] = ()


class SearchReader(Protocol):
    """Searches executions of one tenant, leaving those of hidden cycles out."""

    async def search(
        self, tenant: str, wanted: RunSearch, hidden: Collection[int], page: SearchPage
    ) -> Sequence[TestExecution]:
        """Return up to ``limit + 1``; ``Unprocessable`` when it takes too long."""
        ...


class OptionCopy(Protocol):
    """The copy of the options of projects."""

    async def options_of(
        self, tenant: str, projects: Collection[int], kind: OptionType
    ) -> Collection[OptionState]:
        """Return what is known here."""
        ...


class OptionOwner(Protocol):
    """The owner of the options."""

    async def options(self, tenant: str, project: int) -> Collection[OptionState]:
        """Return all of a project; ``Unavailable`` when it cannot be asked."""
        ...


class SearchExecutions:
    """Searches what a caller may see."""

    def __init__(
        self,
        executions: SearchReader,
        uploads: HiddenCycles,
        copy: OptionCopy,
        owner: OptionOwner,
        fields: CustomFields,
        flags: Flags,
    ) -> None:
        self._executions = executions
        self._uploads = uploads
        self._copy = copy
        self._owner = owner
        self._fields = fields
        self._flags = flags

    async def search(
        self, access: Access, query: RunQuery, page: SearchPage
    ) -> tuple[Sequence[TestExecution], TestExecution | None]:
        """Return a page, and its last execution when there are more."""
        check_search(self._flags, access.tenant)
        _check_bounds(query, page)
        wanted = await self._wanted(access, query)
        tenant = access.tenant
        found = await unhidden(
            self._uploads,
            tenant,
            lambda hidden: self._executions.search(tenant, wanted, hidden, page),
            lambda result: (e["cycle"] for e in result),
        )
        shown = found[: page.limit]
        return shown, shown[-1] if len(found) > page.limit else None

    async def _wanted(self, access: Access, query: RunQuery) -> RunSearch:
        projects = await access.chosen(query.project_key)
        tenant = access.tenant
        return RunSearch(
            projects=projects,
            words=(query.comment or "").split(),
            cases=await _ids(access, query.cases, Kind.TEST_CASE),
            cycles=await _ids(access, query.cycles, Kind.TEST_CYCLE),
            statuses=await self._chosen(
                tenant, projects, OptionType.TEST_EXECUTION, query.statuses
            ),
            environments=await self._chosen(
                tenant, projects, OptionType.ENVIRONMENT, query.environments
            ),
            executed_by=query.executed_by,
            assigned_to=query.assigned_to,
            versions=query.versions,
            automated=query.automated,
            ended=query.ended,
            updated=query.updated,
            fields=await self._matches(tenant, projects, query.fields),
            without=query.without,
        )

    async def _chosen(
        self, tenant: str, projects: Collection[int], kind: OptionType, wanted: Collection[str]
    ) -> Collection[int]:
        """Return ids; a name that no visible project has is a mistake, an id is not looked up."""
        ids = {int(text) for text in wanted if is_id(text)}
        names = [text for text in wanted if not is_id(text)]
        if not names:
            return ids
        known = _by_name(await self._known(tenant, projects, kind))
        if len(projects) == 1 and not all(option_key(name) in known for name in names):
            (project,) = projects
            # it may have been made a moment ago
            owned = await self._owner.options(tenant, project)
            known = _by_name(o for o in owned if o.type is kind)
        for name in names:
            if option_key(name) not in known:
                noun = "environment" if kind is OptionType.ENVIRONMENT else "status"
                raise InvalidInput(f"No {noun} with the name '{name}' exists.")
            ids |= known[option_key(name)]
        return ids

    async def _known(
        self, tenant: str, projects: Collection[int], kind: OptionType
    ) -> Collection[OptionState]:
        """Return the options of the copy; a project without any has those that all begin with."""
        known = list(await self._copy.options_of(tenant, projects, kind))
        having = {option.project for option in known}
        return known + [
            OptionState(id=d.id(p), project=p, type=d.type, name=d.name, index=d.position)
            for p in projects
            if p not in having
            for d in DEFAULT_OPTIONS
            if d.type is kind
        ]

    async def _matches(
        self, tenant: str, projects: Collection[int], wanted: Sequence[str]
    ) -> Sequence[Sequence[FieldMatch]]:
        if not wanted:
            return ()
        known = await self._fields.explaining(tenant, projects, CustomFieldEntity.TEST_EXECUTION)
        return chosen_values(known, wanted)


def _check_bounds(query: RunQuery, page: SearchPage) -> None:
    """Refuse what could only be answered by looking at every execution there ever was."""
    wide = "needs one of testCase, testCycle, actualEndDateAfter and updatedAfter"
    if query.comment is not None:
        words = len(query.comment.split())
        if not 1 <= words <= MAX_WORDS:
            raise InvalidInput(f"comment must hold 1 to {MAX_WORDS} words.")
        if not query.bounded:
            raise InvalidInput(f"A search for words of comments {wide}.")
    if page.order.key != BY_ID and not query.bounded:
        raise InvalidInput(f"A search that is not in the order of keys {wide}.")


def _by_name(options: Iterable[OptionState]) -> Mapping[str, set[int]]:
    found: dict[str, set[int]] = {}
    for option in options:
        found.setdefault(option_key(option.name), set()).add(option.id)
    return found


async def _ids(access: Access, names: Collection[str], kind: Kind) -> Collection[int] | None:
    """Return the ids that ids and keys mean, without those of unknown projects; None for none."""
    if not names:
        return None
    found = [await visible_id(access, name, kind) for name in names]
    return {ident for ident in found if ident is not None}
