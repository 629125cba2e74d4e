"""Every field has a rule or a reason. The document is rendered from the same tables."""

from contracts.catalogue import ALWAYS, CATALOGUE
from contracts.telemetry import AnonymousEvent
from contracts.tenancy import TenantState
from contracts.usage import ProductEvent
from services.telemetry.domain.rules import FACTS, FIXED, RULES, WITHHELD


def test_every_field_that_leaves_has_one_rule() -> None:
    names = [*RULES, *FACTS, *FIXED]
    assert sorted(names) == sorted(AnonymousEvent.model_fields)


def test_every_field_that_comes_in_has_a_rule_or_a_reason_to_stay() -> None:
    inputs = {
        f"{model.__name__}.{name}"
        for model in (ProductEvent, TenantState)
        for name in model.model_fields
    }
    sources = {rule.source for rule in RULES.values()} | {fact.source for fact in FACTS.values()}
    assert inputs == sources | WITHHELD.keys() | {"ProductEvent.name"}
    assert not sources & WITHHELD.keys()


def test_every_field_of_the_catalogue_has_a_rule() -> None:
    assert FIXED.keys() == ALWAYS
    assert all(
        definition.fields <= RULES.keys() | FACTS.keys() for definition in CATALOGUE.values()
    )
