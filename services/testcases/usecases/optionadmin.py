"""What the public API cannot do with options: order a group, archive any option, remove one.

An option is removed only when nothing has it and nothing can come to have it any more: it is
archived for a minute, so requests that saw it before are over; executions has heard that it is,
and no upload of the project waits for storage. The built-in ones stay: their ids are known
everywhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from contracts.ids import number_of, project_of
from contracts.testcases import OptionType
from kit.clock import Clock
from kit.dependents import counted
from kit.directory.access import Access
from kit.errors import Conflict, InvalidInput
from services.testcases.domain.optionchanges import adjusted, ordered
from services.testcases.domain.options import Option, may_be_default
from services.testcases.usecases.defaults import DefaultOptions
from services.testcases.usecases.options import OptionStore, unknown_option

QUIET = timedelta(minutes=1)
"""Longer than any request that creates or changes something."""


@dataclass(frozen=True)
class UsageElsewhere:
    """What executions says; ``heard``: it knows that the option is archived."""

    test_plans: int
    test_cycles: int
    test_executions: int
    pending: bool
    heard: bool


@dataclass(frozen=True)
class Removal:
    """What has an option, and every reason why it cannot be removed."""

    option: Option
    test_cases: int
    test_plans: int
    test_cycles: int
    test_executions: int
    reasons: Sequence[str]


class OptionAdminStore(OptionStore, Protocol):
    """Where options are kept."""

    async def remove(
        self, tenant: str, option: Option, check: Callable[[Sequence[Option]], None]
    ) -> None:
        """Remove an option that passes the check in sight of its group."""
        ...

    async def unchanged_since(self, tenant: str, option: int, moment: datetime) -> bool:
        """Whether an option was not changed after a moment."""
        ...

    async def cases_having(self, tenant: str, option: Option) -> int:
        """Count what has a status or priority: cases, provisional ones too, and older versions."""
        ...


class OptionUsage(Protocol):
    """What the other service holds."""

    async def of_option(self, tenant: str, option: Option) -> UsageElsewhere:
        """Tell what has an option; ``Unavailable`` when it cannot be asked."""
        ...


class OptionAdmin:
    """Administration of one group of options in a project."""

    def __init__(
        self,
        store: OptionAdminStore,
        defaults: DefaultOptions,
        elsewhere: OptionUsage,
        clock: Clock,
    ) -> None:
        self._store = store
        self._defaults = defaults
        self._elsewhere = elsewhere
        self._clock = clock

    async def group(self, access: Access, project_key: str, kind: OptionType) -> Sequence[Option]:
        """Return a group in its order; ``NotFound`` as ``Access.project``."""
        project = await access.project(project_key)
        await self._defaults.ensure(access.tenant, (project.id,))
        found = await self._store.of_project(access.tenant, project.id, (kind,))
        return sorted(found, key=lambda o: (o.index, o.id))

    async def order(
        self, access: Access, project_key: str, kind: OptionType, ids: Sequence[int]
    ) -> None:
        """Give a group a new order; ``InvalidInput`` unless all of it are named once."""
        project = await access.project(project_key)
        await self._defaults.ensure(access.tenant, (project.id,))
        await self._store.change(access.tenant, project.id, kind, lambda group: ordered(group, ids))

    async def adjust(
        self,
        access: Access,
        project_key: str,
        kind: OptionType,
        option: int,
        *,
        default: bool | None,
        archived: bool | None,
    ) -> None:
        """Make an option the default, archive it or take it back; None leaves it as it is."""
        found = await self._get(access, project_key, kind, option)

        def changed(group: Sequence[Option]) -> Sequence[Option]:
            result = adjusted(group, option, default=default, archived=archived)
            if result is None:
                raise unknown_option(kind, option)
            return result

        await self._store.change(access.tenant, found.project, kind, changed)

    async def remove(
        self, access: Access, project_key: str, kind: OptionType, option: int, *, dry_run: bool
    ) -> Removal:
        """Remove an option that nothing has, or say what would hinder it (``Conflict``)."""
        found = await self._get(access, project_key, kind, option)
        removal = await self._examined(access.tenant, found)
        if dry_run:
            return removal
        if removal.reasons:
            raise Conflict(" ".join(removal.reasons))

        def check(group: Sequence[Option]) -> None:
            current = next((o for o in group if o.id == option), None)
            if current is None:
                raise unknown_option(kind, option)
            if not current.archived:
                raise Conflict(_NOT_ARCHIVED)

        await self._store.remove(access.tenant, found, check)
        return removal

    async def _get(self, access: Access, project_key: str, kind: OptionType, option: int) -> Option:
        project = await access.project(project_key)
        await self._defaults.ensure(access.tenant, (project.id,))
        found = None
        if project_of(option) == project.id:
            found = await self._store.get(access.tenant, option)
        if found is None or found.type is not kind:
            raise unknown_option(kind, option)
        return found

    async def _examined(self, tenant: str, option: Option) -> Removal:
        quiet = await self._store.unchanged_since(tenant, option.id, self._clock.now() - QUIET)
        elsewhere = await self._elsewhere.of_option(tenant, option)
        cases = await self._store.cases_having(tenant, option)
        used = sum((cases, elsewhere.test_plans, elsewhere.test_cycles, elsewhere.test_executions))
        hindered = {
            "It is built in; it can be archived, but not removed.": may_be_default(
                number_of(option.id)
            ),
            f"{counted(used, 'thing has', 'things have')} it.": used > 0,
            _NOT_ARCHIVED: not option.archived,
            "It was archived less than a minute ago; try again.": option.archived
            and not (quiet and elsewhere.heard),
            "Uploads that may have it wait for storage; try again.": elsewhere.pending,
        }
        return Removal(
            option,
            cases,
            elsewhere.test_plans,
            elsewhere.test_cycles,
            elsewhere.test_executions,
            [reason for reason, holds in hindered.items() if holds],
        )


_NOT_ARCHIVED = "It is not archived."


def check_adjustment(default: bool | None, archived: bool | None) -> None:
    """Raise ``InvalidInput`` when nothing is asked for."""
    if default is None and archived is None:
        raise InvalidInput("default or archived must be given")
