"""The walks are whole: every operation, every listed cause, everything that can be sent."""

from tests.conformance.__main__ import PAGE
from tests.conformance.facts import operations
from tests.conformance.performing import unsent
from tests.conformance.table import render
from tests.conformance.texts import SAYS
from tests.conformance.walks import WALKS


def test_every_operation_has_a_walk() -> None:
    assert WALKS.keys() == operations().keys()
    for walk in WALKS.values():
        operation = operations()[walk.operation]
        assert walk.call.method == operation.method
        assert walk.call.path.count("/") == operation.path.count("/"), walk.operation


def test_every_listed_cause_is_provoked_and_no_other() -> None:
    declared = {
        name: {cause for cause in walk.causes if not cause.startswith("default ")}
        for name, walk in WALKS.items()
    }
    listed = {name: set(operations()[name].causes) for name in WALKS}
    assert declared == listed


def test_every_cause_has_its_words() -> None:
    causes = {cause for operation in operations().values() for cause in operation.causes}
    assert {cause for cause in causes if not cause.isdigit()} == set(SAYS)


def test_every_field_and_parameter_is_sent() -> None:
    left_out = {name: unsent(operations()[name], walk) for name, walk in WALKS.items()}
    assert {name: fields for name, fields in left_out.items() if fields} == {}


def test_what_answers_otherwise_says_why() -> None:
    tried = [t for walk in WALKS.values() for t in walk.causes.values()]
    assert all((t.answers is None) == (not t.because) for t in tried)


def test_the_page_says_what_is_walked() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "run make docs and commit"
