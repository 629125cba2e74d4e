"""What can be deleted or archived here, and what a step becomes whose case is gone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kit.dependents import Dependents, counted
from services.testcases.domain.folders import FolderType
from services.testcases.domain.scripts import CallStep, InlineStep, Script, Step, StepsScript


class Contents(StrEnum):
    """What becomes of the things in a folder that is deleted."""

    MOVE = "move"
    """To the root."""
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class CaseThing:
    """A test case that shows, or is archived."""

    id: int
    project: int
    name: str
    version_id: int
    folder: int | None
    archived: bool
    links: tuple[int, ...] = ()
    archived_on: datetime | None = None


@dataclass(frozen=True, slots=True)
class FolderThing:
    """A folder that shows, or is archived."""

    id: int
    project: int
    type: FolderType
    name: str
    parent: int | None
    archived: bool
    archived_on: datetime | None = None


def written_out(script: Script, gone: int) -> Script:
    """Return a script whose calls of a case that is gone are steps that say so."""
    if not isinstance(script, StepsScript):
        return script
    return StepsScript(tuple(_written_out(step, gone) for step in script.steps))


def _written_out(step: Step, gone: int) -> Step:
    action = step.action
    if not isinstance(action, CallStep) or action.case != gone:
        return step
    return Step(step.id, InlineStep(f"Called {action.key}, which was deleted."))


_NOUNS: Mapping[str, tuple[str, str]] = {
    "folders": ("folder", "folders"),
    "testCases": ("test case", "test cases"),
    "testCycles": ("test cycle", "test cycles"),
    "testPlans": ("test plan", "test plans"),
    "testExecutions": ("test execution", "test executions"),
    "callingTestCases": ("test case that calls it", "test cases that call it"),
}


def named(dependents: Dependents, *kinds: str) -> str:
    """Say how many there are of these kinds, ``2 folders, 1 test case``; empty when none."""
    counts = {kind: dependents[kind].count for kind in kinds if kind in dependents}
    return ", ".join(counted(count, *_NOUNS[kind]) for kind, count in counts.items() if count)
