"""A script as it is run: calls replaced by the steps of what they call."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

from kit.errors import InvalidInput
from services.testcases.domain.scripts import CallStep, InlineStep, Script, TextScript

MAX_STEPS = 1_000
"""Of a script as it is run."""
MAX_DEPTH = 20
"""Of calls below a case."""
_MOST_VISITS = 5_000
"""Steps looked at: calls of what is not there add nothing, and cost as much."""


@dataclass(frozen=True, slots=True)
class ExpandedStep:
    """A step, and the case it stands in; without an id it is the text of a case."""

    id: int | None
    case: int
    inline: InlineStep


@dataclass
class Expansion:
    """The steps of a case, in the order in which they are run."""

    scripts: Mapping[int, Script]
    max_bytes: int
    steps: list[ExpandedStep] = field(default_factory=list)
    _visits: int = 0
    _size: int = 0

    @classmethod
    def of(cls, case: int, scripts: Mapping[int, Script], max_bytes: int) -> Self:
        """Expand a case; calls of what is not among the scripts add nothing.

        A plain or BDD script has no steps, but called it is one. Raises ``InvalidInput``.
        """
        made = cls(scripts, max_bytes)
        if not isinstance(scripts[case], TextScript):
            for step in made._walk(case, 0):
                made._add(step)
        return made

    @property
    def size(self) -> int:
        """How long the texts of all steps are, in bytes of UTF-8."""
        return self._size

    def _walk(self, case: int, depth: int) -> Iterator[ExpandedStep]:
        if depth > MAX_DEPTH:
            raise _too_much()
        script = self.scripts.get(case)
        if script is None:
            return
        if isinstance(script, TextScript):
            yield ExpandedStep(None, case, InlineStep(description=script.text))
            return
        for step in script.steps:
            self._visits += 1
            if self._visits > _MOST_VISITS:
                raise _too_much()
            if isinstance(step.action, CallStep):
                yield from self._walk(step.action.case, depth + 1)
            else:
                yield ExpandedStep(step.id, case, step.action)

    def _add(self, step: ExpandedStep) -> None:
        inline = step.inline
        texts = (inline.description, inline.test_data, inline.expected_result, inline.reflect_ref)
        self._size += sum(len(text.encode()) for text in texts if text)
        if len(self.steps) == MAX_STEPS or self._size > self.max_bytes:
            raise _too_much()
        self.steps.append(step)


def _too_much() -> InvalidInput:
    return InvalidInput(
        f"The steps of the test case come to more than {MAX_STEPS}, or are too long, with those "
        "of the test cases that it calls."
    )
