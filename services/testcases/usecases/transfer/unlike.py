"""What the options of a project have that an archive would take away."""

from collections.abc import Sequence

from contracts.ids import number_of
from contracts.testcases import OptionType
from contracts.transfer import OptionRow
from services.testcases.domain.options import Option, name_key, noun

_TOLD = 20


def differences(
    options: Sequence[Option], fresh: Sequence[Option], rows: Sequence[OptionRow]
) -> list[str]:
    """Return, in words, each option that is neither a new project's nor the archive's.

    The archive's is one of the same number, type and name; description, colour, place and the
    like are then taken from the archive. Also each one that a new project and the archive have
    and this project has not.
    """
    new = {option.id: option for option in fresh}
    archived = {(number_of(row.id), row.type): row for row in rows}
    numbers = {(row.type, name_key(row.name)): number_of(row.id) for row in rows}
    found = [
        _told(option, numbers)
        for option in options
        if new.get(option.id) != option
        and not _same(option, archived.get((number_of(option.id), option.type)))
    ]
    there = {option.id for option in options}
    found += [
        f"no {noun(option.type)} '{option.name}', which the archive has"
        for option in fresh
        if option.id not in there and (number_of(option.id), option.type) in archived
    ]
    more = [f"and {len(found) - _TOLD} more"] if len(found) > _TOLD else []
    return found[:_TOLD] + more


def _same(option: Option, row: OptionRow | None) -> bool:
    return row is not None and name_key(row.name) == name_key(option.name)


def _told(option: Option, numbers: dict[tuple[OptionType, str], int]) -> str:
    what = f"{noun(option.type)} '{option.name}'"
    number = numbers.get((option.type, name_key(option.name)))
    if number is None:
        return f"{what}, which the archive does not have"
    return f"{what} with another number ({number_of(option.id)}) than in the archive ({number})"
