"""What may show: usable projects of the token, and nothing of an upload that is not accepted."""

from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Protocol, TypeVar

from kit.auth.api_tokens import VerifiedToken
from kit.directory.view import usable

R = TypeVar("R")

_TRIES = 3


class HiddenCycles(Protocol):
    """Knows the cycles of undecided and aborted uploads."""

    async def hidden_cycles(self, tenant: str) -> list[int]: ...


async def unhidden(
    uploads: HiddenCycles,
    tenant: str,
    read: Callable[[Collection[int]], Awaitable[R]],
    cycles_in: Callable[[R], Iterable[int | None]],
) -> R:
    """Read with the hidden cycles left out.

    An upload may begin between the two queries, so the page is checked against the hidden cycles
    once more and read again when one slipped in.
    """
    hidden = await uploads.hidden_cycles(tenant)
    result = await read(hidden)
    for _ in range(_TRIES):
        later = await uploads.hidden_cycles(tenant)
        new = set(later).difference(hidden)
        if not new or new.isdisjoint(cycles_in(result)):
            break
        hidden = later
        result = await read(hidden)
    return result


def visible_projects(caller: VerifiedToken) -> frozenset[int]:
    """Return the ids of the projects that this token sees."""
    return frozenset(
        p.id
        for p in caller.tenant.projects.values()
        if usable(p) and caller.principal.may_see(p.id)
    )
