"""Statuses that something takes. The library owns them, a copy is here.

Whatever the copy refuses is asked of the owner: a status may be new, or be back from the archive.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Protocol

from contracts.customfields import option_key
from contracts.testcases import OptionState, OptionType
from kit.errors import InvalidInput, NotFound

_Choice = Callable[[Collection[OptionState]], int | None]


class OptionReader(Protocol):
    """Options of a project: the copy, or the owner."""

    async def options(self, tenant: str, project: int) -> Collection[OptionState]:
        """Return all that it knows; ``Unavailable`` when it cannot be asked."""
        ...


class Statuses:
    """Which status something may have; an archived one is never taken."""

    def __init__(self, copy: OptionReader, owner: OptionReader) -> None:
        self._readers = (copy, owner)

    async def named(self, tenant: str, project: int, kind: OptionType, name: str | None) -> int:
        """Return the status of a name in any case, the default for None; ``NotFound``."""
        found = await self._first(tenant, project, lambda options: _named(options, kind, name))
        if found is not None:
            return found
        noun = f"{kind.value.lower().replace('_', ' ')} status"
        if name is None:
            raise NotFound(f"The project has no default {noun}.")
        raise NotFound(f"No {noun} with the name '{name}' exists in the project.")

    async def check(
        self, tenant: str, project: int, kind: OptionType, status: int, kept: int
    ) -> None:
        """Raise ``InvalidInput`` unless something that has ``kept`` may have the status."""
        if status == kept:
            return  # also when it was archived since
        found = await self._first(
            tenant, project, lambda options: status if status in _ids(options, kind) else None
        )
        if found is None:
            raise InvalidInput(f"Status with id {status} does not exist in the project.")

    async def _first(self, tenant: str, project: int, choice: _Choice) -> int | None:
        for reader in self._readers:
            found = choice(await reader.options(tenant, project))
            if found is not None:
                return found
        return None


def _usable(options: Iterable[OptionState], kind: OptionType) -> list[OptionState]:
    return [o for o in options if o.type is kind and not o.archived]


def _ids(options: Iterable[OptionState], kind: OptionType) -> set[int]:
    return {o.id for o in _usable(options, kind)}


def _named(options: Iterable[OptionState], kind: OptionType, name: str | None) -> int | None:
    usable = _usable(options, kind)
    if name is None:
        # a copy may show two while the default moves from one to the other
        chosen = [o.id for o in usable if o.default]
        return chosen[0] if len(chosen) == 1 else None
    wanted = option_key(name)
    return next((o.id for o in usable if option_key(o.name) == wanted), None)
