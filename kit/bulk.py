"""Doing many things for one caller: each gets an answer or a fault of its own, in their order."""

from collections.abc import Awaitable, Callable, Hashable, Iterator, Sequence
from typing import Protocol, TypeVar

from contracts.tenancy import ProjectState
from kit.directory.access import Access
from kit.grouping import settled

R = TypeVar("R")


class New(Protocol):
    """What a client sends to create something in a project."""

    @property
    def project_key(self) -> str:
        """Its project."""
        ...

    @property
    def client_id(self) -> str | None:
        """The client's own name of it: what has it in the project is not made a second time."""
        ...


N = TypeVar("N", bound=New)

Create = Callable[[Access, ProjectState, Sequence[N]], Awaitable[Sequence[R | Exception]]]
"""Creates some in one project, of which none share a client's id; answers in their order."""

MOST_TOGETHER = 100
_PROJECTS_AT_ONCE = 8
_LANES_AT_ONCE = 32


async def created(
    access: Access, wanted: Sequence[N], create: Create[N, R]
) -> list[tuple[ProjectState, R] | Exception]:
    """Create all of them, those of one project in their order; bounded in what is under way."""
    keys = list(dict.fromkeys(new.project_key for new in wanted))
    decided = await settled((access.project(key) for key in keys), at_once=_PROJECTS_AT_ONCE)
    projects = dict(zip(keys, decided, strict=True))
    outcomes: list[tuple[ProjectState, R] | Exception | None] = [None] * len(wanted)
    by_project: dict[int, tuple[ProjectState, list[int]]] = {}
    for at, new in enumerate(wanted):
        project = projects[new.project_key]
        if isinstance(project, Exception):
            outcomes[at] = project
        else:
            # a project may have several keys
            by_project.setdefault(project.id, (project, []))[1].append(at)

    async def one_project(project: ProjectState, places: Sequence[int]) -> None:
        for chunk in _chunks(wanted, places):
            (made,) = await settled([create(access, project, [wanted[at] for at in chunk])])
            each = [made] * len(chunk) if isinstance(made, Exception) else made
            for at, one in zip(chunk, each, strict=True):
                outcomes[at] = one if isinstance(one, Exception) else (project, one)

    ended = await settled((one_project(*p) for p in by_project.values()), at_once=_PROJECTS_AT_ONCE)
    for fault, (_, places) in zip(ended, by_project.values(), strict=True):
        # what it had not come to has its fault: no place may move up
        for at in places:
            if outcomes[at] is None and isinstance(fault, Exception):
                outcomes[at] = fault
    filled = [o for o in outcomes if o is not None]
    assert len(filled) == len(wanted)
    return filled


def _chunks(wanted: Sequence[N], places: Sequence[int]) -> Iterator[list[int]]:
    """Cut where enough are together, and before what has the same client's id as one of them."""
    chunk: list[int] = []
    taken: set[str] = set()
    for at in places:
        named = wanted[at].client_id
        if len(chunk) == MOST_TOGETHER or named in taken:
            yield chunk
            chunk, taken = [], set()
        chunk.append(at)
        if named is not None:
            taken.add(named)
    if chunk:
        yield chunk


async def in_lanes(
    lanes: Sequence[Hashable | None], work: Callable[[int], Awaitable[R]]
) -> list[R | Exception]:
    """Do the work of each place: one after the other in a lane, lanes side by side.

    ``None``: a lane of its own.
    """
    places: dict[Hashable, list[int]] = {}
    for at, lane in enumerate(lanes):
        places.setdefault((at,) if lane is None else lane, []).append(at)
    outcomes: dict[int, R | Exception] = {}

    async def one_lane(of: Sequence[int]) -> None:
        for at in of:
            (outcomes[at],) = await settled([work(at)])

    await settled((one_lane(of) for of in places.values()), at_once=_LANES_AT_ONCE)
    return [outcomes[at] for at in range(len(lanes))]
