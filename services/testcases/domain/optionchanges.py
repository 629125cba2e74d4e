"""How the options of one group (a project's priorities, its test case statuses, …) change together.

A group has at most one default, and no two of its options have one name or one index.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from kit.errors import InvalidInput
from services.testcases.domain.options import Option, check_name_is_free, noun


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
    after = moved(others, old.index, new.index)
    if new.default:
        after = [replace(o, default=False) for o in after]
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


def moved(others: Iterable[Option], start: int, end: int) -> list[Option]:
    """Return the siblings of an option that goes from one index to another.

    Those behind its old place close up; those at its new one make room as far as they must.
    """
    if start == end:
        return list(others)
    closed = [replace(o, index=o.index - 1) if o.index > start else o for o in others]
    result: list[Option] = []
    taken = end
    for option in sorted(closed, key=lambda o: o.index):
        if option.index == taken:
            taken += 1
            result.append(replace(option, index=taken))
        else:
            result.append(option)
    return result


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
