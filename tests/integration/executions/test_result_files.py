"""Every file that a real test framework wrote lands with the right counts."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.integration.executions.conftest import Site
from tests.integration.executions.uploading import every, status_names, uploaded

RESULTS = Path(__file__).parents[2] / "data" / "results"
EXPECTED: dict[str, dict[str, Any]] = json.loads((RESULTS / "expected.json").read_text())
SHOWN_AS = {"Skipped": "Blocked"}
"""Default projects have no status Skipped."""


@pytest.mark.parametrize("name", sorted(EXPECTED))
async def test_a_result_file_lands_with_the_right_counts(site: Site, name: str) -> None:
    expected = EXPECTED[name]
    keys: dict[str, str] = {}
    for wanted in sorted(expected["keys"]):
        made = await site.http.post("/testcases", json={"projectKey": "DEMO", "name": wanted})
        keys[wanted] = made.json()["key"]
    text = (RESULTS / name).read_text()
    for old, new in keys.items():
        text = text.replace(old, new).replace(old.replace("-", "_"), new.replace("-", "_"))
    cycle = await uploaded(site.http, text, fmt=expected["format"], name=name)
    found = await every(site.http, "/testexecutions", testCycle=cycle["key"])
    names = await status_names(site.http)
    shown = Counter(names[e["testExecutionStatus"]["id"]] for e in found)
    wanted_statuses: Counter[str] = Counter()
    for outcome, count in expected["outcomes"].items():
        wanted_statuses[SHOWN_AS.get(outcome, outcome)] += count
    assert len(found) == expected["executions"]
    assert shown == wanted_statuses
    for old, outcomes in expected["keys"].items():
        at = f"/testcases/{keys[old]}/"
        mine = sorted((e for e in found if at in e["testCase"]["self"]), key=lambda e: int(e["id"]))
        statuses = [names[e["testExecutionStatus"]["id"]] for e in mine]
        assert statuses == [SHOWN_AS.get(o, o) for o in outcomes]
