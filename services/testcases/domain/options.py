"""Options of a project: statuses of four entities, priorities and environments."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from contracts.testcases import DEFAULT_OPTIONS, OptionType
from kit.errors import InvalidInput, NotFound
from services.testcases.domain.places import next_place

STATUS_TYPES = (
    OptionType.TEST_CASE,
    OptionType.TEST_PLAN,
    OptionType.TEST_CYCLE,
    OptionType.TEST_EXECUTION,
)
"""The types whose options are called statuses."""

NO_COLOR = "#cfcfc4"
"""Shown for a status or priority without a colour of its own: the schema knows no null."""


@dataclass(frozen=True, slots=True)
class Option:
    """One status, priority or environment."""

    id: int
    project: int
    type: OptionType
    name: str
    index: int
    description: str | None = None
    color: str | None = None
    default: bool = False
    archived: bool = False


def noun(kind: OptionType) -> str:
    """Return what an option of this type is called in messages."""
    return "status" if kind in STATUS_TYPES else kind.value.lower()


def name_key(name: str) -> str:
    """Return what two names have in common when they mean the same option."""
    return name.strip().casefold()


def defaults_of(project: int) -> list[Option]:
    """Return the options that every project starts with; their ids are known everywhere."""
    return [
        Option(
            id=d.id(project),
            project=project,
            type=d.type,
            name=d.name,
            index=d.position,
            color=d.color,
            default=d.default,
        )
        for d in DEFAULT_OPTIONS
    ]


def may_be_default(number: int) -> bool:
    """Whether the number of an option's id is one of the defaults'."""
    return 1 <= number <= len(DEFAULT_OPTIONS)


def choose(options: Iterable[Option], kind: OptionType, name: str | None) -> Option:
    """Return the option of that name, or the default; archived ones cannot be taken.

    Raises ``NotFound``: that is how the vendor answers an unknown name when something is created.
    """
    usable = [o for o in options if o.type is kind and not o.archived]
    if name is None:
        found = next((o for o in usable if o.default), None)
        if found is None:
            raise NotFound(f"The project has no default {noun(kind)}.")
        return found
    found = next((o for o in usable if name_key(o.name) == name_key(name)), None)
    if found is None:
        raise NotFound(f"No {noun(kind)} with the name '{name}' exists in the project.")
    return found


def check_name_is_free(siblings: Iterable[Option], kind: OptionType, name: str) -> None:
    """Raise ``InvalidInput`` when another option of the type has the name."""
    if any(name_key(o.name) == name_key(name) for o in siblings):
        raise name_taken(kind, name)


def name_taken(kind: OptionType, name: str) -> InvalidInput:
    """Build the error of a name that is in use."""
    return InvalidInput(f"The name '{name}' is already used by another {noun(kind)}.")


def next_index(siblings: Sequence[Option]) -> int:
    """Return the position behind all siblings."""
    return next_place(o.index for o in siblings)
