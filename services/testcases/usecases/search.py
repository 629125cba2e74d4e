"""Search over test cases: words anywhere in a case, and filters, in one of several orders."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from contracts.customfields import CustomFieldEntity
from contracts.fieldmatches import FieldMatch
from contracts.ids import Kind, parse_key, project_of, public_id
from contracts.tenancy import ProjectState
from contracts.testcases import OptionType
from kit.directory.access import Access
from kit.errors import InvalidInput
from kit.flags import Flags
from kit.http.search import ALWAYS, Between, SearchPage, check_search, chosen_values, is_id
from services.testcases.domain.options import name_key, noun
from services.testcases.domain.searchwords import MAX_TERMS, Part, Term, asked
from services.testcases.domain.testcases import TestCase
from services.testcases.usecases.customfields import CustomFields
from services.testcases.usecases.folders import Folders
from services.testcases.usecases.options import Options
from services.testcases.usecases.testcases import MOST_PROJECTS, Shown


class Lack(StrEnum):
    """What a case may be without."""

    OWNER = "owner"
    FOLDER = "folder"
    COMPONENT = "component"
    LABELS = "labels"
    OBJECTIVE = "objective"
    PRECONDITION = "precondition"
    ESTIMATED_TIME = "estimatedTime"


@dataclass(frozen=True)
class CaseQuery:
    """What a client asks for. Options are names in any case, or ids."""

    project_key: str | None = None
    text: str | None = None
    parts: Mapping[Part, str] = field(default_factory=dict)
    keys: Collection[str] = ()
    labels: Collection[str] = ()
    statuses: Collection[str] = ()
    priorities: Collection[str] = ()
    owners: Collection[str] = ()
    components: Collection[int] = ()
    folder: int | None = None
    subfolders: bool = False
    created: Between = ALWAYS
    updated: Between = ALWAYS
    fields: Sequence[str] = ()
    """``name=value`` each."""
    without: Collection[Lack] = ()


@dataclass(frozen=True)
class Mention:
    """A case that has all of the terms, or is the one of this id."""

    terms: Sequence[Term]
    case: int


@dataclass(frozen=True)
class CaseSearch:
    """Which visible cases; what is empty or None says nothing, every other part must hold."""

    projects: Collection[int]
    terms: Sequence[Term] = ()
    mentions: Sequence[Mention] = ()
    ids: Collection[int] | None = None
    labels: Collection[str] = ()
    statuses: Collection[int] = ()
    priorities: Collection[int] = ()
    owners: Collection[str] = ()
    components: Collection[int] = ()
    folders: Collection[int] | None = None
    created: Between = ALWAYS
    updated: Between = ALWAYS
    fields: Sequence[Sequence[FieldMatch]] = ()
    """Of each one match must hold."""
    without: Collection[Lack] = ()


class SearchStore(Protocol):
    """Where cases are searched. Provisional ones do not exist here."""

    async def search(self, tenant: str, wanted: CaseSearch, page: SearchPage) -> Sequence[TestCase]:
        """Return up to ``limit + 1`` cases; ``Unprocessable`` when it takes too long."""
        ...


class SearchCases:
    """Searches what a caller may see."""

    def __init__(
        self,
        store: SearchStore,
        folders: Folders,
        options: Options,
        fields: CustomFields,
        flags: Flags,
    ) -> None:
        self._store = store
        self._folders = folders
        self._options = options
        self._fields = fields
        self._flags = flags

    async def search(
        self, access: Access, query: CaseQuery, page: SearchPage
    ) -> tuple[Sequence[Shown], TestCase | None]:
        """Return a page, and its last case when there are more."""
        check_search(self._flags, access.tenant)
        projects = await access.chosen(query.project_key)
        if len(projects) > MOST_PROJECTS:
            raise InvalidInput(
                f"projectKey must not be null: more than {MOST_PROJECTS} projects are visible."
            )
        wanted = await self._wanted(access, projects, query)
        found = await self._store.search(access.tenant, wanted, page)
        shown = [(case, projects[case.project]) for case in found[: page.limit]]
        return shown, shown[-1][0] if len(found) > page.limit else None

    async def _wanted(
        self, access: Access, projects: Mapping[int, ProjectState], query: CaseQuery
    ) -> CaseSearch:
        terms, mentions = _words(projects, query)
        tenant = access.tenant
        return CaseSearch(
            projects=projects,
            terms=terms,
            mentions=mentions,
            ids=await _named(access, query.keys) if query.keys else None,
            labels=query.labels,
            statuses=await self._chosen(tenant, projects, OptionType.TEST_CASE, query.statuses),
            priorities=await self._chosen(tenant, projects, OptionType.PRIORITY, query.priorities),
            owners=query.owners,
            components=query.components,
            folders=await self._within(access, query),
            created=query.created,
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
        if names:
            known = await self._options.named(tenant, projects, kind, names)
            for name in names:
                if name_key(name) not in known:
                    raise InvalidInput(f"No {noun(kind)} with the name '{name}' exists.")
                ids.update(known[name_key(name)])
        return ids

    async def _within(self, access: Access, query: CaseQuery) -> Collection[int] | None:
        if query.folder is None:
            return None
        if await access.sees(project_of(query.folder)) is None:
            return ()
        if not query.subfolders:
            return (query.folder,)
        return await self._folders.below(access.tenant, query.folder)

    async def _matches(
        self, tenant: str, projects: Collection[int], wanted: Sequence[str]
    ) -> Sequence[Sequence[FieldMatch]]:
        if not wanted:
            return ()
        known = await self._fields.of_entity(tenant, projects, CustomFieldEntity.TEST_CASE)
        return chosen_values(known, wanted)


def _words(
    projects: Mapping[int, ProjectState], query: CaseQuery
) -> tuple[Sequence[Term], Sequence[Mention]]:
    """Take the texts apart; what is a key means a case, or what its words say."""
    terms: list[Term] = []
    mentions: list[Mention] = []
    others: list[str] = []
    for piece in (query.text or "").split():
        case = _mentioned(projects, piece)
        if case is None:
            others.append(piece)
        else:
            mentions.append(Mention(asked(piece), case))
    if others or (query.text is not None and not mentions):
        terms += asked(" ".join(others))
    for part, text in query.parts.items():
        terms += asked(text, part)
    if len(terms) + sum(len(mention.terms) for mention in mentions) > MAX_TERMS:
        raise InvalidInput(f"A search must not hold more than {MAX_TERMS} words.")
    return terms, mentions


def _mentioned(projects: Mapping[int, ProjectState], piece: str) -> int | None:
    key = parse_key(piece.strip("\"'()[],.;:").upper(), Kind.TEST_CASE)
    if key is None:
        return None
    for project in projects.values():
        if key.project_key == project.key or key.project_key in project.aliases:
            return public_id(project.id, key.number)
    return None


async def _named(access: Access, keys: Collection[str]) -> Collection[int]:
    """Return the ids that keys of cases stand for, without those of unknown projects."""
    found = set()
    for key in keys:
        entity = await access.entity(key, Kind.TEST_CASE)
        if entity is not None:
            found.add(public_id(entity[1].id, entity[0].number))
    return found
