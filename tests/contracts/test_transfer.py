"""The models of archives say what kind of data each field holds, and take nothing unknown."""

import inspect

import pytest
from pydantic import ValidationError

from contracts import transfer
from contracts.classes import DataClass, field_classes
from contracts.transfer import ROWS, LinkRow, Row, ScriptRow, StepRow


def test_every_field_has_its_class() -> None:
    models = [
        model
        for _, model in inspect.getmembers(transfer, inspect.isclass)
        if issubclass(model, Row) and model is not Row
    ]
    assert {row for rows in ROWS.values() for row in rows.values()} <= set(models)
    for model in models:
        found = dict(field_classes(model))
        assert None not in found.values(), model
        assert DataClass.SECRET not in found.values(), model


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (LinkRow, '{"id": 5}'),
        (LinkRow, '{"id": 5, "issueId": 1, "url": "x"}'),
        (LinkRow, '{"id": 5, "issueId": 1, "description": "x"}'),
        (LinkRow, '{"id": 5, "issueId": true}'),
        (LinkRow, '{"id": 5, "issueId": 1, "more": 1}'),
        (StepRow, '{"id": 5}'),
        (StepRow, '{"id": 5, "inline": {}, "testCase": {"testCaseKey": "DEMO-T1"}}'),
        (ScriptRow, '{"type": "steps", "text": "x"}'),
        (ScriptRow, '{"type": "bdd"}'),
        (ScriptRow, '{"type": "plain", "text": "x", "steps": [{"id": 5, "inline": {}}]}'),
    ],
)
def test_what_says_two_things_is_refused(model: type[Row], text: str) -> None:
    with pytest.raises(ValidationError):
        model.model_validate_json(text)
