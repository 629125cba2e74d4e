"""Scripts of test cases: steps, of which a new case has one empty one, or a text."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from contracts.customfields import Value
from kit.errors import InvalidInput

MAX_STEPS = 1_000
"""Of one script."""
MAX_SCRIPT_BYTES = 1024 * 1024
"""Of one script: with its links a case must fit into a document of 16 MiB."""
_STEP_BYTES, _PARAMETER_BYTES, _VALUE_BYTES = 200, 100, 60
"""About what a document needs for each, without its texts."""


class ScriptType(StrEnum):
    """What a script is made of."""

    STEPS = "steps"
    PLAIN = "plain"
    BDD = "bdd"


@dataclass(frozen=True, slots=True)
class InlineStep:
    """A step written out; texts hold HTML fragments."""

    description: str | None = None
    test_data: str | None = None
    expected_result: str | None = None
    reflect_ref: str | None = None
    custom_fields: Mapping[int, Value] = field(default_factory=dict)
    """By the ids of fields."""


class ParameterType(StrEnum):
    """Where the value of a parameter comes from."""

    MANUAL_INPUT = "MANUAL_INPUT"
    DEFAULT_VALUE = "DEFAULT_VALUE"


@dataclass(frozen=True, slots=True)
class CallParameter:
    """A parameter of a called case."""

    name: str | None = None
    type: ParameterType | None = None
    value: str | None = None


@dataclass(frozen=True, slots=True)
class CallStep:
    """A step that stands for all steps of another case."""

    case: int
    key: str
    """Of the called case; it never changes."""
    parameters: tuple[CallParameter, ...] | None = None


Action = InlineStep | CallStep
"""What is done in a step."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step; its id is unique per tenant."""

    id: int
    action: Action


@dataclass(frozen=True, slots=True)
class StepsScript:
    """A step-by-step script."""

    steps: tuple[Step, ...]

    @property
    def type(self) -> ScriptType:
        """What the script is made of."""
        return ScriptType.STEPS


@dataclass(frozen=True, slots=True)
class TextScript:
    """A script in one piece: HTML when plain, the steps of a scenario when bdd."""

    type: ScriptType
    text: str


Script = StepsScript | TextScript


def empty_script(step: int) -> StepsScript:
    """Return the script of a new case."""
    return StepsScript((Step(step, InlineStep()),))


def calls_of(script: Script) -> list[int]:
    """Return the cases that a script calls, in order."""
    if isinstance(script, TextScript):
        return []
    return [s.action.case for s in script.steps if isinstance(s.action, CallStep)]


def staying(old: Sequence[Step], new: Sequence[Action]) -> list[int | None]:
    """Return for each new action the id of the old step that it is; None: it is a new step.

    A step that reads the same stays what it is, wherever it stands now. Of the others the one at
    the same place was edited, unless one is a call and the other is not.
    """
    free = dict(enumerate(old))
    found: list[int | None] = [None] * len(new)
    for place, action in enumerate(new):
        if place in free and free[place].action == action:
            found[place] = free.pop(place).id
    for place, action in enumerate(new):
        if found[place] is None:
            moved = next((p for p, step in free.items() if step.action == action), None)
            if moved is not None:
                found[place] = free.pop(moved).id
    for place, action in enumerate(new):
        here = free.get(place)
        if found[place] is None and here is not None and type(here.action) is type(action):
            found[place] = free.pop(place).id
    return found


def check_size(script: Script) -> None:
    """Raise ``InvalidInput`` for a script of too many steps, or one that is too long."""
    if isinstance(script, StepsScript) and len(script.steps) > MAX_STEPS:
        raise InvalidInput(f"A test case must not have more than {MAX_STEPS} steps.")
    if size_of(script) > MAX_SCRIPT_BYTES:
        raise InvalidInput(f"A test script must not be larger than {MAX_SCRIPT_BYTES} bytes.")


def size_of(script: Script) -> int:
    """Return about how many bytes a script takes up."""
    if isinstance(script, TextScript):
        return len(script.text.encode())
    return sum(_size_of_step(step.action) for step in script.steps)


def _size_of_step(action: Action) -> int:
    if isinstance(action, CallStep):
        texts = [t for p in action.parameters or () for t in (p.name, p.value)]
        return _STEP_BYTES + _PARAMETER_BYTES * len(action.parameters or ()) + _length(texts)
    texts = [
        action.description,
        action.test_data,
        action.expected_result,
        action.reflect_ref,
        *(v for v in action.custom_fields.values() if isinstance(v, str)),
    ]
    options = sum(len(v) for v in action.custom_fields.values() if isinstance(v, list))
    return _STEP_BYTES + _VALUE_BYTES * (len(action.custom_fields) + options) + _length(texts)


def _length(texts: Iterable[str | None]) -> int:
    return sum(len(text.encode()) for text in texts if text)
