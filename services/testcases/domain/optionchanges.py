"""How the options of one group (a project's priorities, its test case statuses, …) change together.

A group has at most one default, and no two of its options have one name or one index.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from contracts.testcases import OptionType
from kit.errors import InvalidInput
from services.testcases.domain.options import Option, check_name_is_free, noun
from services.testcases.domain.places import moved


@dataclass(frozen=True, slots=True)
class OptionUpdate:
    """Every field of an option as it shall be; what is None is not said by the family's PUT."""

    id: int
    project: int
    name: str
    index: int
    description: str | None = None
    color: str | None = None
    default: bool | None = None
    archived: bool | None = None


def replaced(group: Sequence[Option], ident: int, update: OptionUpdate) -> list[Option] | None:
    """Return all options of the group that an update changes; None when the option is gone.

    Raises ``InvalidInput`` for a name in use, a change of an option that stays archived, and for
    an archived default.
    """
    old = next((o for o in group if o.id == ident), None)
    if old is None:
        return None
    new = replace(
        old,
        name=update.name,
        index=update.index,
        description=update.description,
        color=update.color,
        default=old.default if update.default is None else update.default,
        archived=old.archived if update.archived is None else update.archived,
    )
    if new == old:
        return []
    _check(old, new)
    others = [o for o in group if o.id != ident]
    check_name_is_free(others, old.type, new.name)
    places = moved({o.id: o.index for o in others}, old.index, new.index)
    after = [replace(o, index=places[o.id], default=o.default and not new.default) for o in others]
    before = {o.id: o for o in group}
    return [o for o in (*after, new) if o != before[o.id]]


def _check(old: Option, new: Option) -> None:
    if new.archived and old.archived:
        raise InvalidInput(f"The {noun(old.type)} is archived and cannot be changed.")
    if new.archived and new.default:
        raise InvalidInput(
            f"The default {noun(old.type)} cannot be archived: default must be false, or another "
            "one the default."
        )


def adjusted(
    group: Sequence[Option], ident: int, *, default: bool | None, archived: bool | None
) -> list[Option] | None:
    """Return all options that change when one is made the default, archived or taken back."""
    old = next((o for o in group if o.id == ident), None)
    if old is None:
        return None
    if default and old.type is OptionType.ENVIRONMENT:
        raise InvalidInput("Environments have no default.")
    update = OptionUpdate(
        ident,
        old.project,
        old.name,
        old.index,
        old.description,
        old.color,
        default=default,
        archived=archived,
    )
    return replaced(group, ident, update)


def ordered(group: Sequence[Option], ids: Sequence[int]) -> list[Option]:
    """Return the options that change when the group takes this order, counted from 0.

    Raises ``InvalidInput`` unless all of the group are named once.
    """
    by_id = {o.id: o for o in group}
    if len(ids) != len(set(ids)) or set(ids) != set(by_id):
        raise InvalidInput("ids must name every option of the group once.")
    return [
        replace(by_id[ident], index=place)
        for place, ident in enumerate(ids)
        if by_id[ident].index != place
    ]
