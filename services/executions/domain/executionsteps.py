"""Steps of a test execution: the script as it was when it ran, with what came of each step."""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from contracts.classes import DataClass

MAX_RESULT_BYTES = 4 * 1024 * 1024
"""Of all actual results of a run together: they stand in its document, beside the script."""


class ExecutionStep(TypedDict):
    """One step as stored; calls of other cases are replaced by the steps of what was called."""

    id: Annotated[int, DataClass.OPERATIONAL]
    description: Annotated[str | None, DataClass.CUSTOMER_CONTENT]
    test_data: Annotated[str | None, DataClass.CUSTOMER_CONTENT]
    expected: Annotated[str | None, DataClass.CUSTOMER_CONTENT]
    reflect_ref: Annotated[str | None, DataClass.CUSTOMER_CONTENT]
    status: Annotated[int, DataClass.OPERATIONAL]
    actual: Annotated[str | None, DataClass.CUSTOMER_CONTENT]
    end: NotRequired[Annotated[datetime, DataClass.OPERATIONAL]]
    """When its result came about, where a client said so; no operation shows it."""
    row: Annotated[int | None, DataClass.OPERATIONAL]
    """The row of test data that it ran with; none of our own cases has rows."""


@dataclass(frozen=True, slots=True)
class ScriptedStep:
    """One step of a script."""

    description: str | None
    test_data: str | None = None
    expected: str | None = None
    reflect_ref: str | None = None


@dataclass(frozen=True, slots=True)
class StepResult:
    """What came of a step; None leaves what there is."""

    status: int | None = None
    actual: str | None = None
    end: datetime | None = None


def fresh_steps(script: Sequence[ScriptedStep], first_id: int, status: int) -> list[ExecutionStep]:
    """Return the steps of a new run, without results; ids count up from the first."""
    return [_fresh(step, first_id + place, status) for place, step in enumerate(script)]


def with_results(
    steps: Sequence[ExecutionStep], results: Sequence[StepResult]
) -> list[ExecutionStep]:
    """Record results by place; steps beyond the last result stay as they are."""
    recorded = [_recorded(*pair) for pair in zip(steps, results, strict=False)]
    return [*recorded, *steps[len(recorded) :]]


def result_bytes(steps: Iterable[ExecutionStep]) -> int:
    """Return how much the actual results come to, as UTF-8."""
    return sum(len((step["actual"] or "").encode(errors="replace")) for step in steps)


def kept_steps(
    steps: Sequence[ExecutionStep], script: Sequence[ScriptedStep]
) -> list[ExecutionStep | None]:
    """Return, for each step of a script, the step of a run that reads the same; None for none.

    Of several alike the first one comes first. Rows of test data are none of a script's, so such
    steps are kept by nothing.
    """
    present: dict[ScriptedStep, deque[ExecutionStep]] = defaultdict(deque)
    for step in steps:
        if step["row"] is None:
            present[_text(step)].append(step)
    return [present[wanted].popleft() if present.get(wanted) else None for wanted in script]


def _fresh(step: ScriptedStep, ident: int, status: int) -> ExecutionStep:
    return {
        "id": ident,
        "description": step.description,
        "test_data": step.test_data,
        "expected": step.expected,
        "reflect_ref": step.reflect_ref,
        "status": status,
        "actual": None,
        "row": None,
    }


def _recorded(step: ExecutionStep, result: StepResult) -> ExecutionStep:
    changed = step.copy()
    if result.status is not None:
        changed["status"] = result.status
    if result.actual is not None:
        changed["actual"] = result.actual
    if result.end is not None:
        changed["end"] = result.end
    return changed


def _text(step: ExecutionStep) -> ScriptedStep:
    return ScriptedStep(
        step["description"], step["test_data"], step["expected"], step["reflect_ref"]
    )
