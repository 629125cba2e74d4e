"""Things that others refer to and no list shows: archived options, cycles of other projects.

The API may leave them out of lists and still answer when it is asked for one by its id.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tools.zephyr.api import Api, Refused
from tools.zephyr.kinds import CASES, CYCLES, EXECUTIONS, LISTED, PLANS, STATUS_TYPES
from tools.zephyr.workdir import Row, Workdir

STRAYS = "strays"


class Stray(NamedTuple):
    """Where one thing is shown, its id, and the type that a status has by its use."""

    path: str
    type: str
    id: int


async def read_strays(api: Api, workdir: Workdir) -> None:
    """Ask for each one by its id; what the source does not show is noted as None."""
    if workdir.cursor(STRAYS).done:
        return
    missing = sorted(set(_wanted(workdir)) - set(_listed(workdir)))
    rows = []
    for stray in missing:
        try:
            row = await api.find(f"{stray.path}/{stray.id}")
        except Refused:
            row = None
        rows.append({**stray._asdict(), "row": row})
    workdir.append(STRAYS, rows, 0, done=True)


def _listed(workdir: Workdir) -> Iterator[Stray]:
    for listed in LISTED:
        kind = listed.query.get("statusType") or _TYPES.get(listed.path, "")
        for row, _ in workdir.walk(listed.name):
            yield Stray(listed.path, kind, row["id"])
    for row, _ in workdir.walk(CYCLES.name):
        yield Stray(CYCLES.name, "", row["id"])


_TYPES = {"priorities": "PRIORITY", "environments": "ENVIRONMENT"}
_STATUS = {
    CASES.name: "TEST_CASE",
    PLANS.name: "TEST_PLAN",
    CYCLES.name: "TEST_CYCLE",
    EXECUTIONS.name: "TEST_EXECUTION",
}
assert set(_STATUS.values()) == set(STATUS_TYPES)


def _wanted(workdir: Workdir) -> Iterator[Stray]:
    for name, status in _STATUS.items():
        for row, _ in workdir.walk(name):
            yield from _of(row, status)
    for row, _ in workdir.walk(CASES.details):
        for version in row.get("versions") or []:
            yield from _of(version["content"] or {}, "TEST_CASE")
    for row, _ in workdir.walk(EXECUTIONS.details):
        for step in row.get("steps") or []:
            yield from _to("statuses", "TEST_EXECUTION", (step.get("inline") or {}).get("status"))


def _of(row: Mapping[str, Any], status: str) -> Iterator[Stray]:
    yield from _to("statuses", status, row.get("status") or row.get("testExecutionStatus"))
    for path, kind in _TYPES.items():
        yield from _to(path, kind, row.get(kind.lower()))
    yield from _to("folders", "", row.get("folder"))
    yield from _to(CYCLES.name, "", row.get("testCycle"))
    for link in (row.get("links") or {}).get("testCycles") or []:
        yield from _to(CYCLES.name, "", {"id": link.get("testCycleId")})


def _to(path: str, kind: str, reference: Row | None) -> Iterator[Stray]:
    ident = (reference or {}).get("id")
    if isinstance(ident, int):
        yield Stray(path, kind, ident)
