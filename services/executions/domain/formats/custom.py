"""The vendor's own format (``zephyrscale_result.json``). Source: behaviour.md 15.2, clients.md.

``{"version": 1, "executions": [{source, result, testCase: {key, name, comment}}]}``; also
``executionTime`` (ms) and ``comment`` beside them, as clients send. Nothing is folded.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from contracts.testcases import case_name
from services.executions.domain.formats.json_reader import JsonReader
from services.executions.domain.formats.keys import explicit
from services.executions.domain.formats.stream import ByteStream
from services.executions.domain.formats.text import cut, milliseconds
from services.executions.domain.results import Outcome, ParsedResult

_WORDS = {
    "passed": Outcome.PASS,
    "failed": Outcome.FAIL,
    **{outcome.value.lower(): outcome for outcome in Outcome},
}
_LONGEST_WORD = 255


def read_custom(stream: ByteStream) -> Iterator[ParsedResult]:
    """Yield a result for each execution. Raises ``InvalidInput`` naming line and cause."""
    reader = JsonReader(stream)
    found = False
    for member in reader.members():
        if member == "version":
            version = reader.value()
            if isinstance(version, bool) or version != 1:
                raise reader.refused(f"version is {_shown(version)}; only 1 is known")
        elif member == "executions":
            if found:
                raise reader.refused("'executions' appears twice")
            found = True
            for index in reader.items():
                yield _result(reader, index)
        else:
            reader.skip()
    reader.end()
    if not found:
        raise reader.refused("no 'executions': this is no file of the custom format")


def _result(reader: JsonReader, index: int) -> ParsedResult:
    execution = reader.value()
    where = f"executions[{index}]"
    if not isinstance(execution, dict):
        raise reader.refused(f"{where} is not an object")
    word = _text(execution, "result")
    if not word:
        raise reader.refused(f"{where}: result must not be null")
    case = execution.get("testCase") or {}
    if not isinstance(case, dict):
        raise reader.refused(f"{where}: testCase is not an object")
    key = _text(case, "key")
    name = _text(case, "name") or _text(execution, "source")
    if not key and not name:
        raise reader.refused(f"{where} names no test case: testCase.key, testCase.name or source")
    comment = _text(case, "comment") or _text(execution, "comment")
    return ParsedResult(
        (explicit(key),) if key else (),
        case_name(name) if name else None,
        (),
        _WORDS.get(word.lower(), word[:_LONGEST_WORD]),
        _time(execution.get("executionTime")),
        cut(comment) if comment else None,  # HTML already, as in POST /testexecutions
    )


def _text(values: Mapping[str, Any], name: str) -> str | None:
    """Return a member's text, stripped; None when there is none or it is empty."""
    value = values.get(name)
    return value.strip() or None if isinstance(value, str) else None


def _time(value: object) -> int | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return milliseconds(value, 1000) if number else None  # type: ignore[arg-type]  # checked


def _shown(value: object) -> str:
    return repr(value)[:40]
