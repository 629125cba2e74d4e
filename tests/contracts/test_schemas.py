"""Committed schemas: equal to the models, and no change that would break a reader."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from contracts.executions import ResultChunk
from contracts.topics import ANONYMOUS, OPTION_STATE, RESULT, TOPICS, Topic
from tools import schemas
from tools.compat import breaks


@pytest.mark.parametrize("topic", TOPICS, ids=lambda t: t.name)
def test_no_change_would_break_a_reader(topic: Topic) -> None:
    committed = schemas.committed(topic)
    assert committed is not None, "new type: run python -m tools.schemas"
    assert breaks(committed, schemas.schema_of(topic)) == []


def test_the_committed_schemas_are_those_of_the_models() -> None:
    assert schemas.stale() == [], "run python -m tools.schemas"


def test_the_tool_refuses_to_write_a_break(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = schemas.schema_of(RESULT)
    del changed["$defs"]["ResultChunk"]["properties"]["cycle"]
    real = schemas.schema_of
    monkeypatch.setattr(schemas, "schema_of", lambda t: changed if t is RESULT else real(t))
    monkeypatch.setattr(schemas, "write", lambda: pytest.fail("wrote"))
    assert schemas.main([]) == 1
    assert "ostro.executions.result.v1 $.data.cycle: removed" in capsys.readouterr().err


Change = Callable[[dict[str, Any]], None]


def in_chunk(change: Change) -> Change:
    return lambda schema: change(schema["$defs"][ResultChunk.__name__])


def in_row(change: Change) -> Change:
    return lambda schema: change(schema["$defs"]["ResultRow"])


def put(name: str, value: Any) -> Change:
    def change(model: dict[str, Any]) -> None:
        model["properties"][name] = value

    return change


def required(name: str) -> Change:
    return lambda model: model["required"].append(name)


def both(*changes: Change) -> Change:
    def change(model: dict[str, Any]) -> None:
        for one in changes:
            one(model)

    return change


BREAKS: dict[str, tuple[Change, str]] = {
    "removed": (in_chunk(lambda m: m["properties"].pop("cycle")), "$.data.cycle: removed"),
    "retyped": (
        in_chunk(put("chunk", {"type": "string"})),
        "$.data.chunk: type was integer, is string",
    ),
    "narrowed by a limit": (
        in_chunk(put("chunk", {"type": "integer", "maximum": 10})),
        "$.data.chunk: maximum was None, is 10",
    ),
    "narrowed by a pattern": (
        in_chunk(put("upload", {"type": "string", "pattern": "^u"})),
        "$.data.upload: pattern was None, is ^u",
    ),
    "null no longer allowed": (
        in_chunk(put("jira_version", {"type": "integer"})),
        "$.data.jira_version: type was None, is integer",
    ),
    "null allowed, which today's readers refuse": (
        in_chunk(put("cycle", {"anyOf": [{"type": "integer"}, {"type": "null"}]})),
        "$.data.cycle: type was integer, is None",
    ),
    "new and required": (
        in_chunk(both(put("new", {"type": "string"}), required("new"))),
        "$.data.new: new and required (old records lack it)",
    ),
    "now required": (
        in_chunk(required("automated")),
        "$.data.automated: now required (old records lack it)",
    ),
    "no longer required": (
        in_chunk(lambda m: m["required"].remove("cycle")),
        "$.data.cycle: no longer required (today's readers need it)",
    ),
    "inside a list": (
        in_row(lambda m: m["properties"].pop("status")),
        "$.data.rows[].status: removed",
    ),
    "a list that is none any more": (
        in_chunk(put("rows", {"type": "object"})),
        "$.data.rows: type was array, is object",
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_what_breaks_a_reader_is_found(name: str) -> None:
    change, says = BREAKS[name]
    new = copy.deepcopy(schemas.schema_of(RESULT))
    change(new)
    assert says in breaks(schemas.schema_of(RESULT), new)


def test_a_value_more_or_less_breaks() -> None:
    old = schemas.schema_of(OPTION_STATE)
    new = copy.deepcopy(old)
    values = new["$defs"]["OptionType"]["enum"]
    values.remove("PRIORITY")
    values.append("COLOUR")
    assert breaks(old, new) == [
        "$.data.type: value 'PRIORITY' removed (narrowed; old records hold it)",
        "$.data.type: value 'COLOUR' added (today's readers refuse it)",
    ]


def test_a_closed_model_takes_no_new_field() -> None:
    old = schemas.schema_of(ANONYMOUS)
    new = copy.deepcopy(old)
    put("new", {"type": "string"})(new["$defs"]["AnonymousEvent"])
    assert breaks(old, new) == ["$.data.new: new, but today's readers accept no unknown field"]


def test_a_field_that_may_be_absent_and_words_break_nothing() -> None:
    old = schemas.schema_of(RESULT)
    new = copy.deepcopy(old)
    in_chunk(put("new", {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}))(new)
    in_row(put("new", {"type": "string"}))(new)
    new["$defs"]["ResultChunk"]["description"] = "Other words."
    new["$defs"]["Renamed"] = new["$defs"].pop("ResultRow")
    new["$defs"]["ResultChunk"]["properties"]["rows"]["items"] = {"$ref": "#/$defs/Renamed"}
    assert breaks(old, new) == []
