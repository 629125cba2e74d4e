"""The vendor's own format."""

import json
from typing import Any

import pytest

from kit.errors import InvalidInput
from services.executions.domain.formats import Format
from services.executions.domain.results import ParsedResult
from tests.unit.executions.reading import read


def custom(*executions: Any, **extra: object) -> list[ParsedResult]:
    """Read a file of these executions."""
    return read(Format.CUSTOM, json.dumps({"version": 1, "executions": executions} | extra))


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Passed", "Pass"), ("Pass", "Pass"), ("PASS", "Pass"), ("Failed", "Fail"),
        ("FAIL", "Fail"), ("Not Executed", "Not Executed"), ("blocked", "Blocked"),
        ("in progress", "In Progress"), (" Pass ", "Pass"), ("On hold", "On hold"),
    ],
)  # fmt: skip
def test_words(word: str, status: str) -> None:
    """Known words in any case; others as written, for a status of the project or Blocked."""
    assert custom({"source": "s", "result": word})[0].status == status


def test_fields() -> None:
    """Key, else name, else source; comment and time as clients send them."""
    results = custom(
        {"result": "Pass", "source": "s", "testCase": {"key": "ZT_T1", "name": "n"}},
        {"result": "Pass", "source": "s", "testCase": {"name": "n", "comment": "<b>in</b> it"}},
        {"result": "Pass", "source": "s", "comment": "beside", "executionTime": 12.4, "more": []},
        {"result": "Pass", "source": "s", "testCase": None, "executionTime": "12"},
    )
    assert [(r.keys, r.name, r.comment, r.time_ms) for r in results] == [
        (("ZT-T1",), "n", None, None),
        ((), "n", "<b>in</b> it", None),
        ((), "s", "beside", 12),
        ((), "s", None, None),
    ]


def test_nothing_is_folded() -> None:
    """The same case twice gives two results."""
    twice = {"result": "Pass", "testCase": {"key": "ZT-T1"}}
    assert (
        len(
            custom(
                twice,
                twice,
                {"result": "Fail", "source": "x[1]"},
                {"result": "Fail", "source": "x[2]"},
            )
        )
        == 4
    )


def test_order_of_members_does_not_matter() -> None:
    """Unknown members are skipped wherever they stand."""
    execution = '{"result": "Pass", "source": "s"}'
    text = f'{{"x": {{"a": ["}}"]}}, "executions": [{execution}], "y": "\\"]", "version": 1}}'
    assert len(read(Format.CUSTOM, "\ufeff" + text)) == 1


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ('{"version": 2,\n"executions": []}', "line 1: version is 2; only 1 is known"),
        ('{"version": true, "executions": []}', "version is True"),
        ('{"executions": [], "version": "1"}', "version is '1'"),
        ('{"version": 1}', "no 'executions'"),
        ('{"executions": null}', "line 1: expected an array, found 'n'"),
        ('{"executions": [], "executions": []}', "'executions' appears twice"),
        ("[]", "line 1: expected an object, found '['"),
        ('{"executions": [\n7]}', "line 2: executions[0] is not an object"),
        ('{"executions": [{"source": "s", "result": "Pass"},\n{"source": "s"}]}',
         "line 2: executions[1]: result must not be null"),
        ('{"executions": [{"source": "s", "result": ""}]}', "[0]: result must not be null"),
        ('{"executions": [{"result": "Pass"}]}', "executions[0] names no test case"),
        ('{"executions": [{"result": "Pass", "testCase": 3}]}', "testCase is not an object"),
        ('{"executions": [{"result": "Pass", "source": "s"}', "',' or ']', found the end"),
        ('{"a" 1}', "expected ':', found '1'"),
        ("{1: 2}", "expected a key in quotes"),
        ('{"a": }', "expected a JSON value"),
        ('{"a": "never ends', "the document ends in the middle of a value"),
        ('{"a": "\\', "the document ends in the middle of a value"),
        ('{"a": [{', "the document ends in the middle of a value"),
    ],
)  # fmt: skip
def test_malformed(document: str, message: str) -> None:
    """A refusal names line, index and cause."""
    with pytest.raises(InvalidInput) as refusal:
        read(Format.CUSTOM, document)
    assert message in refusal.value.message
