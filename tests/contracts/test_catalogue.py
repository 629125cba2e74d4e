"""The catalogue of product events is whole, and refuses an entry that is not."""

from dataclasses import replace
from typing import Any

import pytest

from contracts.catalogue import (
    ALWAYS,
    CATALOGUE,
    FIELD_CLASSES,
    BadDefinition,
    Source,
    allowed,
)
from contracts.classes import DataClass
from contracts.telemetry import AnonymousEvent, ProcessorName
from contracts.usage import UsageEventName

GOOD = CATALOGUE[UsageEventName.VIEWED_TEST_PLAYER]


def test_every_name_has_a_definition_and_every_field_a_class_that_may_leave() -> None:
    assert CATALOGUE.keys() == set(UsageEventName)
    assert FIELD_CLASSES.keys() == AnonymousEvent.model_fields.keys()
    assert set(FIELD_CLASSES.values()) <= {DataClass.OPERATIONAL, DataClass.PSEUDONYM}
    used = {field for definition in CATALOGUE.values() for field in definition.fields}
    assert used == FIELD_CLASSES.keys() - ALWAYS


@pytest.mark.parametrize(
    "lacking",
    [
        {"purpose": " "},
        {"owner": ""},
        {"processors": frozenset()},
        {"fields": frozenset()},
        {"fields": frozenset({"note"})},
        {"fields": frozenset({"name"})},
        {"version": 0},
    ],
)
def test_a_definition_that_lacks_something_is_refused(lacking: dict[str, Any]) -> None:
    with pytest.raises(BadDefinition):
        replace(GOOD, **lacking)


def test_what_the_seed_names_is_an_event_of_browsers() -> None:
    assert CATALOGUE["Viewed test player"].source is Source.BROWSER


def test_a_processor_gets_what_its_entry_names_and_nothing_unknown() -> None:
    assert allowed(UsageEventName.CREATED_API_TOKEN, ProcessorName.AMPLITUDE)
    assert not allowed(UsageEventName.CREATED_API_TOKEN, ProcessorName.SEGMENT)
    assert not allowed("Viewed run for Bob", ProcessorName.AMPLITUDE)
    assert not any(allowed(name, ProcessorName.BUGSNAG) for name in UsageEventName)
