"""Every field has a rule or a reason, in the code and in the document."""

from pathlib import Path

import pytest

from contracts.telemetry import AnonymousEvent
from contracts.tenancy import TenantState
from contracts.usage import ProductEvent, UsageEventName
from services.telemetry.domain.catalogue import ALLOWED
from services.telemetry.domain.rules import FIXED, RULES, WITHHELD

DOCUMENT = Path(__file__).parents[3] / "docs" / "privacy" / "anonymization.md"


def test_every_field_that_leaves_has_one_rule() -> None:
    assert RULES.keys() | FIXED.keys() == AnonymousEvent.model_fields.keys()
    assert not RULES.keys() & FIXED.keys()


def test_every_field_that_comes_in_has_a_rule_or_a_reason_to_stay() -> None:
    inputs = {
        f"{model.__name__}.{name}"
        for model in (ProductEvent, TenantState)
        for name in model.model_fields
    }
    sources = {rule.source for rule in RULES.values()}
    assert inputs == sources | WITHHELD.keys() | {"ProductEvent.name"}
    assert not sources & WITHHELD.keys()


def test_every_event_of_the_catalogue_has_an_allow_list_of_known_fields() -> None:
    assert ALLOWED.keys() == set(UsageEventName)
    assert all(fields <= RULES.keys() for fields in ALLOWED.values())


@pytest.mark.parametrize("name", [*RULES, *FIXED])
def test_the_document_states_the_rule(name: str) -> None:
    treatment = RULES[name].treatment if name in RULES else FIXED[name]
    source = f"`{RULES[name].source}`" if name in RULES else "the envelope"
    assert f"| `{name}` | {source} | {treatment} |" in DOCUMENT.read_text()


@pytest.mark.parametrize("source", WITHHELD)
def test_the_document_says_what_stays_and_why(source: str) -> None:
    assert f"| `{source}` | {WITHHELD[source]} |" in DOCUMENT.read_text()


@pytest.mark.parametrize("name", UsageEventName)
def test_the_document_lists_the_fields_of_each_event(name: UsageEventName) -> None:
    fields = ", ".join(f"`{field}`" for field in RULES if field in ALLOWED[name])
    assert f"| {name.value} | {fields} |" in DOCUMENT.read_text()
