"""What may show: nothing of an upload that is not accepted, ids of visible projects only."""

import re
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import replace
from typing import Protocol, TypeVar

from contracts.ids import MAX_ID, Kind, project_of, public_id
from contracts.permissions import Entity, Right
from kit.directory.access import Access
from kit.directory.permissions import Need
from kit.errors import Forbidden, Unavailable

R = TypeVar("R")

_TRIES = 3
_ID = re.compile(rf"[0-9]{{1,{len(str(MAX_ID))}}}")


class HiddenCycles(Protocol):
    """Knows the cycles of undecided and aborted uploads."""

    async def hidden_cycles(self, tenant: str) -> list[int]: ...


class Hidden:
    """The hidden cycles for one read: looked up when asked for, or together with something else."""

    def __init__(
        self, uploads: HiddenCycles, tenant: str, known: Collection[int] | None = None
    ) -> None:
        self._uploads = uploads
        self._tenant = tenant
        self.known = known
        """None until they were looked up. Who does that with a query of its own notes it here."""

    async def cycles(self) -> Collection[int]:
        """Return them."""
        if self.known is None:
            self.known = await self._uploads.hidden_cycles(self._tenant)
        return self.known


async def unhidden(
    uploads: HiddenCycles,
    tenant: str,
    read: Callable[[Collection[int]], Awaitable[R]],
    cycles_in: Callable[[R], Iterable[int | None]],
) -> R:
    """Read with the hidden cycles left out: see ``unhidden_by``."""

    async def informed(hidden: Hidden) -> R:
        return await read(await hidden.cycles())

    return await unhidden_by(uploads, tenant, informed, cycles_in)


async def unhidden_by(
    uploads: HiddenCycles,
    tenant: str,
    read: Callable[[Hidden], Awaitable[R]],
    cycles_in: Callable[[R], Iterable[int | None]],
) -> R:
    """Read with the hidden cycles left out, which ``read`` looks up before anything else.

    An upload may begin between the two queries, so the page is checked against the hidden cycles
    once more and read again when one slipped in. ``cycles_in`` may leave out what cannot be of
    such an upload.
    """
    hidden = Hidden(uploads, tenant)
    for _ in range(_TRIES):
        result = await read(hidden)
        if not any(True for _ in cycles_in(result)):
            return result
        later = await uploads.hidden_cycles(tenant)
        if set(later).difference(hidden.known or ()).isdisjoint(cycles_in(result)):
            return result
        hidden = Hidden(uploads, tenant, later)
    raise Unavailable("Too many uploads begin at this moment; try again.", retry_after=1)


async def visible_id(access: Access, id_or_key: str, kind: Kind) -> int | None:
    """Return the id that a number or key means; None when its project does not show."""
    if _ID.fullmatch(id_or_key):
        found = int(id_or_key)
        return found if await access.sees(project_of(found)) is not None else None
    entity = await access.entity(id_or_key, kind)
    return public_id(entity[1].id, entity[0].number) if entity is not None else None


def viewing(access: Access, entity: Entity) -> Access:
    """Return the same caller's access to view another kind of thing."""
    return replace(access, need=Need.of((entity, Right.VIEW)))


async def viewable(access: Access, entity: Entity, projects: Iterable[int]) -> set[int]:
    """Return those of the projects in which the caller may view a kind of thing."""
    viewer, found = viewing(access, entity), set()
    for project in projects:
        try:
            if await viewer.sees(project) is not None:
                found.add(project)
        except Forbidden:
            continue  # left out, as from a list
    return found
