"""Statuses and environments that executions take by name. The library owns them, a copy is here."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from contracts.customfields import option_key
from contracts.testcases import OptionState, OptionType
from kit.errors import InvalidInput, Unprocessable
from services.executions.domain.uploads import default_option
from services.executions.usecases.statuses import OptionReader

Fault = type[InvalidInput] | type[Unprocessable]


@dataclass(frozen=True)
class Wanted:
    """What is looked for, by name in any case."""

    statuses: Collection[str] = ()
    environment: str | None = None
    default: bool = False
    """Whether the status of what was not run is needed, too."""
    kept: Collection[int | None] = ()
    """What the execution has: it may stay though it was archived since."""


@dataclass(frozen=True)
class Chosen:
    """What was found, by id."""

    statuses: Mapping[str, int] = field(default_factory=dict)
    environment: int | None = None
    default: int | None = None


class ExecutionOptions:
    """Looks into the copy, and asks the owner for what it lacks: an option may be new."""

    def __init__(self, copy: OptionReader, owner: OptionReader) -> None:
        self._copy = copy
        self._owner = owner

    async def chosen(self, tenant: str, project: int, wanted: Wanted, fault: Fault) -> Chosen:
        """Return all that is wanted; raise the fault for a name that the project does not have."""
        if not wanted.statuses and wanted.environment is None and not wanted.default:
            return Chosen()
        found = _found(await self._copy.options(tenant, project), wanted)
        if _lacking(found, wanted) is not None:
            options = await self._owner.options(tenant, project)
            found = _found(options, wanted)
            if found.default is None:
                # a project may have no default; something must stand for it
                usual = default_option(project, options, OptionType.TEST_EXECUTION)
                found = Chosen(found.statuses, found.environment, usual)
            if (message := _lacking(found, wanted)) is not None:
                raise fault(message)
        return found


def _found(options: Collection[OptionState], wanted: Wanted) -> Chosen:
    statuses = _ids(options, OptionType.TEST_EXECUTION, wanted)
    environment = None
    if wanted.environment is not None:
        named = _ids(options, OptionType.ENVIRONMENT, wanted)
        environment = named.get(option_key(wanted.environment))
    # a copy may show two while the default moves from one to the other
    defaults = [
        o.id
        for o in options
        if o.type is OptionType.TEST_EXECUTION and o.default and not o.archived
    ]
    keys = {name: option_key(name) for name in wanted.statuses}
    return Chosen(
        {name: statuses[key] for name, key in keys.items() if key in statuses},
        environment,
        defaults[0] if len(defaults) == 1 else None,
    )


def _ids(options: Iterable[OptionState], kind: OptionType, wanted: Wanted) -> Mapping[str, int]:
    return {
        option_key(o.name): o.id
        for o in options
        if o.type is kind and (not o.archived or o.id in wanted.kept)
    }


def _lacking(found: Chosen, wanted: Wanted) -> str | None:
    for name in wanted.statuses:
        if name not in found.statuses:
            return f"No test execution status with the name '{name}' exists in the project."
    if wanted.environment is not None and found.environment is None:
        return f"No environment with the name '{wanted.environment}' exists in the project."
    if wanted.default and found.default is None:
        return "All test execution statuses of the project are archived."
    return None
