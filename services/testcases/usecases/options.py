"""Statuses, priorities and environments: list, get, create, replace, and all of a project."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from contracts.ids import number_of, project_of, public_id
from contracts.tenancy import ProjectState
from contracts.testcases import OptionType
from kit.directory.access import Access
from kit.errors import InvalidInput, NotFound
from kit.http.pages import OffsetPage
from services.testcases.domain.optionchanges import OptionUpdate, replaced
from services.testcases.domain.options import (
    Option,
    check_name_is_free,
    may_be_default,
    name_key,
    next_index,
    noun,
)
from services.testcases.usecases.defaults import DefaultOptions
from services.testcases.usecases.numbering import Numbered, Numbers


class OptionStore(Protocol):
    """Where options are kept."""

    async def page(
        self,
        tenant: str,
        projects: Collection[int],
        types: Sequence[OptionType],
        page: OffsetPage,
    ) -> tuple[int, Sequence[Option]]:
        """Return the total and one page, by id."""
        ...

    async def get(self, tenant: str, option: int) -> Option | None:
        """Return one option."""
        ...

    async def of_project(
        self, tenant: str, project: int, types: Sequence[OptionType]
    ) -> Sequence[Option]:
        """Return all options of some types of a project, by id."""
        ...

    async def named(
        self, tenant: str, projects: Collection[int], kind: OptionType, names: Collection[str]
    ) -> Mapping[str, Collection[int]]:
        """Return the ids of options by their ``name_key``, which ``names`` are."""
        ...

    async def add(
        self,
        tenant: str,
        project: int,
        kind: OptionType,
        made: Callable[[Sequence[Option]], Option],
    ) -> Option:
        """Store the option that is made in sight of its siblings; nobody changes them meanwhile."""
        ...

    async def change(
        self,
        tenant: str,
        project: int,
        kind: OptionType,
        changed: Callable[[Sequence[Option]], Sequence[Option]],
    ) -> None:
        """Store the options that change in sight of their group: all of them or none."""
        ...


@dataclass(frozen=True)
class NewOption:
    """What a client sends."""

    project_key: str
    type: OptionType
    name: str
    description: str | None = None
    color: str | None = None


class Options:
    """The options of projects; defaults are made before anybody looks."""

    def __init__(self, store: OptionStore, defaults: DefaultOptions, numbers: Numbers) -> None:
        self._store = store
        self._defaults = defaults
        self._numbers = numbers

    async def page(
        self,
        access: Access,
        types: Sequence[OptionType],
        project_key: str | None,
        page: OffsetPage,
    ) -> tuple[int, Sequence[Option]]:
        """Return the total and one page of the visible options of these types."""
        projects: Mapping[int, ProjectState] = await access.chosen(project_key)
        await self._defaults.ensure(access.tenant, list(projects))
        return await self._store.page(access.tenant, list(projects), types, page)

    async def named(
        self, tenant: str, projects: Collection[int], kind: OptionType, names: Collection[str]
    ) -> Mapping[str, Collection[int]]:
        """Return the ids of options of several projects by name, as ``name_key`` has it.

        Archived ones are among them; a name that nothing has is missing.
        """
        await self._defaults.ensure(tenant, list(projects))
        return await self._store.named(tenant, projects, kind, [name_key(n) for n in names])

    async def get(self, access: Access, types: Sequence[OptionType], option: int) -> Option:
        """Return one option; ``NotFound`` unless it is of these types and visible."""
        found = None
        if await access.sees(project_of(option)) is not None:
            found = await self._store.get(access.tenant, option)
            if found is None:
                found = await self._late_default(access.tenant, option)
        if found is None or found.type not in types:
            raise unknown_option(types[0], option)
        return found

    async def create(self, access: Access, new: NewOption) -> Option:
        """Store a new option behind its siblings; ``InvalidInput`` when the name is in use."""
        project = await self._project(access, new)
        await self._defaults.ensure(access.tenant, (project.id,))
        number = await self._numbers.reserve(access.tenant, project.id, Numbered.OPTION)

        def made(siblings: Sequence[Option]) -> Option:
            check_name_is_free(siblings, new.type, new.name)
            return Option(
                id=public_id(project.id, number),
                project=project.id,
                type=new.type,
                name=new.name,
                index=next_index(siblings),
                description=new.description,
                color=new.color,
            )

        return await self._store.add(access.tenant, project.id, new.type, made)

    async def replace(
        self, access: Access, types: Sequence[OptionType], option: int, update: OptionUpdate
    ) -> None:
        """Replace all of an option that the update says; its siblings make room.

        ``NotFound`` as ``get``; ``InvalidInput`` for another project or id than the option's, and
        where a rule of the group forbids it.
        """
        found = await self.get(access, types, option)
        if update.project != found.project:
            raise InvalidInput(f"The {noun(found.type)} belongs to another project.")
        if update.id != found.id:
            raise InvalidInput(f"id must be {found.id}, as in the path.")

        def changed(group: Sequence[Option]) -> Sequence[Option]:
            result = replaced(group, option, update)
            if result is None:
                raise unknown_option(types[0], option)
            return result

        await self._store.change(access.tenant, found.project, found.type, changed)

    async def of_project(
        self, tenant: str, project: int, types: Sequence[OptionType]
    ) -> Sequence[Option]:
        """Return all options of some types; the project must be known to be enabled."""
        await self._defaults.ensure(tenant, (project,))
        return await self._store.of_project(tenant, project, types)

    async def _late_default(self, tenant: str, option: int) -> Option | None:
        if not may_be_default(number_of(option)):
            return None
        await self._defaults.ensure(tenant, (project_of(option),))
        return await self._store.get(tenant, option)

    async def _project(self, access: Access, new: NewOption) -> ProjectState:
        try:
            return await access.project(new.project_key)
        except NotFound as error:
            if new.type is OptionType.ENVIRONMENT:  # the one creation that says 400 here
                raise InvalidInput(error.message) from None
            raise


def unknown_option(kind: OptionType, option: int) -> NotFound:
    """Build the one answer for an option that is missing, invisible, or of another family."""
    return NotFound(f"The {noun(kind)} with id {option} does not exist.")
