"""One scenario of a Cucumber report: its outcome, duration, text, keys and identity."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from contracts.testcases import case_name
from services.executions.domain.formats.keys import explicit, unique
from services.executions.domain.formats.text import BoundedText, comment_of, milliseconds
from services.executions.domain.formats.variants import split_variant
from services.executions.domain.results import Outcome

_TAG = re.compile(r"\A@?TestCaseKey=(.+)\Z")
_FAILED = re.compile(r"\A(?:failed|ambiguous|(?:[a-z]+_)?error)\Z")
_LONGEST_LABEL = 100


@dataclass(slots=True)
class Scenario:
    """What is kept of a scenario."""

    identity: tuple[str, str]
    """The same for all examples of an outline within one feature: name and base of the id."""
    name: str
    variant: str
    keys: tuple[str, ...]
    outcome: Outcome
    comment: str | None
    duration: float | None
    """As reported. Whole numbers and fractions mean different units."""
    fractions: bool

    def time_ms(self, *, nanoseconds: bool) -> int | None:
        """Return the duration; ``nanoseconds``: what the writer of this report counts."""
        if self.duration is None:
            return None
        whole = nanoseconds or not self.fractions
        return milliseconds(self.duration, 1_000_000_000 if whole else 1)


def tag_keys(tags: object) -> tuple[str, ...]:
    """Return the keys of ``@TestCaseKey=`` tags. Raises ``ValueError`` when there are too many."""
    names = (t.get("name") if isinstance(t, dict) else t for t in _list(tags))
    matches = (_TAG.match(name.strip()) for name in names if isinstance(name, str))
    return unique(explicit(m[1]) for m in matches if m)


class Steps:
    """Sums up what ran: the backgrounds before a scenario, its hooks and its steps.

    Fail when a step or hook failed or was ambiguous; Skipped when one was pending, undefined or
    skipped, or nothing ran; else Pass.
    """

    def __init__(self) -> None:
        self._outcomes: set[Outcome] = set()
        self._duration: float | None = None
        self._fractions = False
        self._texts = BoundedText()

    def add(self, element: dict[str, Any]) -> None:
        """Count the steps of a background or scenario."""
        for step in _steps(element):
            result = step.get("result")
            if not isinstance(result, dict):
                continue  # behave: did not run
            outcome = _outcome(result.get("status"))
            self._outcomes.add(outcome)
            amount = result.get("duration")
            if isinstance(amount, int | float) and not isinstance(amount, bool):
                self._duration = (self._duration or 0) + amount
                self._fractions = self._fractions or isinstance(amount, float)
            _describe(self._texts, outcome, step, result)

    def scenario(self, element: dict[str, Any], keys: tuple[str, ...]) -> Scenario:
        """Return the scenario to which all of it belongs."""
        base, variant = split_variant(_string(element.get("name")))
        identifier, example = _split_id(_string(element.get("id")))
        name = case_name(base)
        verdict = _outcome(element.get("status", "passed" if self._outcomes else None))
        return Scenario(
            (name, case_name(identifier)),
            name,
            (variant or example or _place(element))[:_LONGEST_LABEL],
            keys,
            _worst(self._outcomes, verdict),
            comment_of(str(self._texts)),
            self._duration,
            self._fractions,
        )


def _worst(steps: set[Outcome], whole: Outcome) -> Outcome:
    """``whole`` is behave's own verdict; it alone knows of failed hooks."""
    if Outcome.FAIL in steps or (whole is Outcome.FAIL and Outcome.SKIPPED not in steps):
        return Outcome.FAIL
    if Outcome.SKIPPED in steps or not steps:
        return Outcome.SKIPPED if steps or whole is Outcome.SKIPPED else whole
    return Outcome.PASS


def _outcome(status: object) -> Outcome:
    text = status.lower() if isinstance(status, str) else ""
    if text == "passed":
        return Outcome.PASS
    return Outcome.FAIL if _FAILED.match(text) else Outcome.SKIPPED


def _steps(element: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield hooks and steps in order of execution."""
    yield from _objects(element.get("before"))
    for step in _objects(element.get("steps")):
        yield from _objects(step.get("before"))
        yield step
        yield from _objects(step.get("after"))
    yield from _objects(element.get("after"))


def _describe(
    texts: BoundedText, outcome: Outcome, step: dict[str, Any], result: dict[str, Any]
) -> None:
    """Add what a reader wants to know of a step that did not pass."""
    message = result.get("error_message")
    text = "\n".join(map(str, message)) if isinstance(message, list) else _string(message)
    status = _string(result.get("status"))
    if outcome is Outcome.PASS or (status.lower() == "skipped" and not text):
        return
    words = (_string(step.get("keyword")), _string(step.get("name")))
    title = " ".join(filter(None, words)) or "hook"
    texts.add(f"{title}: {status}\n{text}\n\n" if text else f"{title}: {status}\n\n")


def _split_id(identifier: str) -> tuple[str, str]:
    """Split an id into the outline's part and the example's.

    cucumber-jvm: ``feature;outline;examples;2``; pytest-bdd: ``test_outline[2-9]``.
    """
    parts = identifier.split(";")
    if len(parts) >= 4 and parts[-1].isdigit():
        return ";".join(parts[:-2]), ""
    return split_variant(identifier)


def _place(element: dict[str, Any]) -> str:
    line = element.get("line")
    return f"line {line}" if isinstance(line, int) else ""


def _string(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: object) -> Iterable[dict[str, Any]]:
    return (item for item in _list(value) if isinstance(item, dict))
