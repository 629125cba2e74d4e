"""Definitions of custom fields: what may be made of them, alone and beside their siblings.

The siblings of a field are those of its project and entity: no two have one name or one index.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.customfields import (
    CHOICES,
    MAX_FIELDS,
    MAX_OPTIONS,
    CustomFieldEntity,
    CustomFieldOption,
    CustomFieldState,
    CustomFieldType,
    option_key,
)
from kit.errors import Conflict, InvalidInput
from services.testcases.domain.places import moved, next_place

CustomField = CustomFieldState
"""The state is the whole definition."""


@dataclass(frozen=True)
class OptionInput:
    """An option as it shall be; without an id it is new."""

    name: str
    id: int | None = None
    default: bool = False
    archived: bool = False


@dataclass(frozen=True)
class FieldInput:
    """A definition as it shall be; without an index a new one goes behind its siblings."""

    entity: CustomFieldEntity
    type: CustomFieldType
    name: str
    required: bool = False
    index: int | None = None
    options: Sequence[OptionInput] = ()


def new_field(
    siblings: Sequence[CustomField], ident: int, project: int, wanted: FieldInput
) -> list[CustomField]:
    """Return the new field and the siblings that it moves, the new one first.

    Raises ``InvalidInput`` for a name in use or options that cannot be, ``Conflict`` when there
    are too many fields.
    """
    if len(siblings) >= MAX_FIELDS:
        raise Conflict(f"{wanted.entity} has {MAX_FIELDS} custom fields already, which is the most")
    _check_name(siblings, wanted)
    index = wanted.index if wanted.index is not None else next_place(f.index for f in siblings)
    field = CustomField(
        id=ident,
        project=project,
        entity=wanted.entity,
        type=wanted.type,
        name=wanted.name,
        index=index,
        required=wanted.required,
        options=_options(wanted, ()),
    )
    return [field, *_moved(siblings, None, index)]


def replaced_field(
    siblings: Sequence[CustomField], old: CustomField, wanted: FieldInput
) -> list[CustomField]:
    """Return all fields that change when ``old`` becomes what is wanted.

    Raises ``InvalidInput`` as above, for another entity or type than the field's, and for options
    that are left out: things may have them, so they can only be archived.
    """
    if wanted.entity is not old.entity or wanted.type is not old.type:
        raise InvalidInput("The entity and the type of a custom field cannot be changed.")
    others = [f for f in siblings if f.id != old.id]
    _check_name(others, wanted)
    index = old.index if wanted.index is None else wanted.index
    new = old.model_copy(
        update={
            "name": wanted.name,
            "index": index,
            "required": wanted.required,
            "options": _options(wanted, old.options),
        }
    )
    return ([new] if new != old else []) + _moved(others, old.index, index)


def _check_name(others: Sequence[CustomField], wanted: FieldInput) -> None:
    if any(option_key(f.name) == option_key(wanted.name) for f in others):
        raise InvalidInput(f"The name '{wanted.name}' is already used by another custom field.")


def _moved(others: Sequence[CustomField], start: int | None, end: int) -> list[CustomField]:
    places = moved({f.id: f.index for f in others}, start, end)
    return [f.model_copy(update={"index": places[f.id]}) for f in others if places[f.id] != f.index]


def _options(
    wanted: FieldInput, known: Sequence[CustomFieldOption]
) -> tuple[CustomFieldOption, ...]:
    if wanted.type not in CHOICES:
        if wanted.options:
            raise InvalidInput("options belong to select lists alone")
        return ()
    _check_options(wanted, known)
    following = max((o.id for o in known), default=0) + 1
    options: list[CustomFieldOption] = []
    for option in wanted.options:
        ident = option.id
        if ident is None:
            ident, following = following, following + 1
        options.append(
            CustomFieldOption(
                id=ident, name=option.name, default=option.default, archived=option.archived
            )
        )
    return tuple(options)


def _check_options(wanted: FieldInput, known: Sequence[CustomFieldOption]) -> None:
    options = wanted.options
    if not 1 <= len(options) <= MAX_OPTIONS:
        raise InvalidInput(f"options must hold 1 to {MAX_OPTIONS} options")
    if len({option_key(o.name) for o in options}) != len(options):
        raise InvalidInput("options must not hold one name twice")
    ids = [o.id for o in options if o.id is not None]
    if sorted(ids) != sorted(o.id for o in known):
        raise InvalidInput(
            "options must name every option that there is once, by its id; archive what is not "
            "wanted any more"
        )
    defaults = [o for o in options if o.default]
    if any(o.archived for o in defaults):
        raise InvalidInput("an archived option cannot be a default")
    if wanted.type is CustomFieldType.SINGLE_CHOICE_SELECT_LIST and len(defaults) > 1:
        raise InvalidInput("options must not hold more than one default")
