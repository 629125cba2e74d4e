"""Cucumber JSON: an array of features, read scenario by scenario.

Written by cucumber-js, cucumber-jvm, pytest-bdd and behave (``tests/data/results``), which differ:
tags are objects or strings, with or without ``@``; backgrounds are elements of their own before
each scenario (jvm) or repeated in the steps (the others); behave counts seconds, the others
nanoseconds; most write the feature's name after its scenarios. Source: behaviour.md 15.4.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from contracts.testcases import case_name
from services.executions.domain.formats.json_reader import JsonReader
from services.executions.domain.formats.keys import unique
from services.executions.domain.formats.scenario import Scenario, Steps, tag_keys
from services.executions.domain.formats.stream import ByteStream
from services.executions.domain.results import ParsedResult

MAX_SCENARIOS: Final = 100_000
"""Most scenarios of one feature."""
MAX_FEATURE_COMMENT_BYTES: Final = 16_777_216
"""Failure text of one feature that is kept; its scenarios wait for the feature's end."""
LEFT_OUT = "(left out: this feature holds too much failure text)"


def read_cucumber(stream: ByteStream) -> Iterator[ParsedResult]:
    """Yield a result for each scenario. Raises ``InvalidInput`` naming line and cause."""
    reader = JsonReader(stream)
    if not reader.at(b"["):
        raise reader.refused("expected an array of features: this is no Cucumber JSON report")
    for index in reader.items():
        feature = _Feature(index)
        feature.read(reader)
        yield from feature.results(reader)
    reader.end()


class _Feature:
    """One feature and what is kept of its scenarios until its name is known."""

    def __init__(self, index: int) -> None:
        self._index = index
        self._name = ""
        self._tags: tuple[str, ...] = ()
        self._nanoseconds = False
        self._steps = Steps()
        self._scenarios: list[Scenario] = []
        self._room = MAX_FEATURE_COMMENT_BYTES

    def read(self, reader: JsonReader) -> None:
        """Read the feature at the cursor."""
        for member in reader.members():
            if member == "elements" and reader.at(b"["):
                for _ in reader.items():
                    self._element(reader)
            elif member == "name":
                name = reader.value()
                self._name = case_name(name) if isinstance(name, str) else ""
            elif member == "tags":
                self._tags = _keys(reader, reader.value())
            else:
                # behave names a location and counts in seconds, all others name a uri
                self._nanoseconds |= member in ("uri", "id")
                reader.skip()

    def _element(self, reader: JsonReader) -> None:
        element = reader.value()
        if not isinstance(element, dict):
            raise reader.refused("an element of a feature is not an object")
        self._steps.add(element)
        if element.get("type") == "background":
            return  # its steps ran for the scenario that follows
        scenario = self._steps.scenario(element, _keys(reader, element.get("tags")))
        self._steps = Steps()
        if len(self._scenarios) == MAX_SCENARIOS:
            raise reader.refused(f"a feature of more than {MAX_SCENARIOS} scenarios")
        if scenario.comment is not None:
            self._room -= len(scenario.comment)
            if self._room < 0:
                scenario.comment = LEFT_OUT
        self._scenarios.append(scenario)

    def results(self, reader: JsonReader) -> Iterator[ParsedResult]:
        """Yield the results, now that all of the feature is known."""
        runs = Counter((s.identity, s.keys) for s in self._scenarios)
        for scenario in self._scenarios:
            try:
                keys = unique((*self._tags, *scenario.keys))
            except ValueError as error:
                raise reader.refused(str(error)) from None
            names = self._names(scenario)
            repeated = runs[scenario.identity, scenario.keys] > 1
            yield ParsedResult(
                keys,
                names[0] if names else None,
                names[1:],
                scenario.outcome,
                scenario.time_ms(nanoseconds=self._nanoseconds),
                scenario.comment,
                "\n".join((str(self._index), *scenario.identity, *keys)) if repeated else None,
                scenario.variant,
            )

    def _names(self, scenario: Scenario) -> tuple[str, ...]:
        """Names to match by; the first is what one publisher creates, and so do we."""
        full = ": ".join(filter(None, (self._name, scenario.name)))
        return tuple(dict.fromkeys(case_name(n) for n in (full, scenario.name) if n))


def _keys(reader: JsonReader, tags: object) -> tuple[str, ...]:
    try:
        return tag_keys(tags)
    except ValueError as error:
        raise reader.refused(str(error)) from None
