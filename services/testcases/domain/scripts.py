"""Scripts of test cases: so far steps, of which a new case has one empty one."""

from dataclasses import dataclass
from enum import StrEnum


class ScriptType(StrEnum):
    """What a script is made of."""

    STEPS = "steps"


@dataclass(frozen=True, slots=True)
class InlineStep:
    """A step written out; texts hold HTML fragments."""

    description: str | None = None
    test_data: str | None = None
    expected_result: str | None = None
    reflect_ref: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step; its id is unique per tenant."""

    id: int
    inline: InlineStep


@dataclass(frozen=True, slots=True)
class StepsScript:
    """A step-by-step script."""

    steps: tuple[Step, ...]


def empty_script(step: int) -> StepsScript:
    """Return the script of a new case."""
    return StepsScript((Step(step, InlineStep()),))
