"""Files written by real frameworks land with the right counts.

``expected.json``: per file its format, the number of executions (with autoCreateTestCases, all
cases found or created; a result with two keys counts twice), how many of each outcome, the
outcomes of each key in order, and the names by which results without a key are matched.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from services.executions.domain.formats import Format, parse
from tests.unit.executions.reading import KEYS, Dribble, runs

FOLDER = Path(__file__).parents[2] / "data" / "results"
EXPECTED: dict[str, dict[str, Any]] = json.loads((FOLDER / "expected.json").read_text())
NOT_STORED = ("ci-runner", "captured", "SLF4J", "java.class.path", "scenario.begin", "go1.26")


def test_every_file_is_expected() -> None:
    """No file is without counts."""
    files = {p.name for p in FOLDER.iterdir() if p.name not in {"README.md", "expected.json"}}
    assert files == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_counts(name: str) -> None:
    """Executions, outcomes, keys and names are those expected, wherever the pieces end."""
    expected = EXPECTED[name]
    data = (FOLDER / name).read_bytes()
    for size in (7, 1000, len(data)):
        stream = Dribble(data, size)
        results = list(parse(Format(expected["format"]), stream, KEYS))
        by_key: dict[str, list[str]] = {}
        for result in results:
            for key in result.keys:
                by_key.setdefault(key, []).append(result.status)
        assert len(list(runs(results))) == expected["executions"]
        assert Counter(runs(results)) == expected["outcomes"]
        assert by_key == expected["keys"]
        assert [r.name for r in results if not r.keys] == expected["names"]


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_only_failures_and_skips_are_told(name: str) -> None:
    """Passed results have no text; host names, properties and captured output are nowhere."""
    with (FOLDER / name).open("rb") as stream:
        results = list(parse(Format(EXPECTED[name]["format"]), stream, KEYS))
    for result in results:
        assert result.comment is None or result.status != "Pass"
        assert not [word for word in NOT_STORED if word in (result.comment or "")]
        assert result.time_ms is None or 0 <= result.time_ms < 1_000
