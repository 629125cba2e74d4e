"""JSON that readers would read differently is no JSON of ours."""

import codecs
from typing import Any

import pytest
from pydantic import BaseModel

from kit.errors import InvalidInput
from kit.http import jsontext


class Wanted(BaseModel):
    """Unknown fields are ignored, and read all the same."""

    name: str
    more: dict[str, Any] | None = None


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "a", "name": "b"}',
        '{"name": "a", "name": "a"}',
        '{"name": "a", "\\u006eame": "b"}',
        '{"name": "a", "more": {"x": [{"y": 1, "y": 1}]}}',
        '{"name": "a", "unknown": {"x": 1, "x": 2}}',
        '{"name": "a", "more": {"x": NaN}}',
        '{"name": "a", "unknown": -Infinity}',
        '{"name": "\\ud800"}',
        '{"name": "a"} {}',
        '{"name": "a", "unknown": ' + "[" * 10_000 + "]" * 10_000 + "}",
        '{"name": "a", "unknown": ' + '{"x":' * 10_000 + "1" + "}" * 10_000 + "}",
        '{"name": "a", "unknown": ' + "9" * 5_000 + "}",
        "",
    ],
)
def test_it_is_refused_in_words_without_its_values(text: str) -> None:
    with pytest.raises(InvalidInput, match="The request body is not valid JSON: ") as fault:
        jsontext.read(Wanted, text.encode())
    assert fault.value.__suppress_context__
    assert len(fault.value.message) < 200


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "latin-1"])
def test_other_encodings_are_refused(encoding: str) -> None:
    with pytest.raises(InvalidInput):
        jsontext.read(Wanted, '{"name": "é"}'.encode(encoding))


def test_a_byte_order_mark_is_passed_over_once() -> None:
    text = codecs.BOM_UTF8 + '{"name": "é", "more": {"name": 1e3}}'.encode()
    assert jsontext.read(Wanted, text) == Wanted(name="é", more={"name": 1000.0})
    with pytest.raises(InvalidInput):
        jsontext.read(Wanted, codecs.BOM_UTF8 + text)
