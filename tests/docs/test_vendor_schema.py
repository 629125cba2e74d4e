"""The OpenAPI documents of the code say what the vendor's facts say, operation by operation.

Where they do not, the difference is named here with its reason; a name that fits nothing fails.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.vendor import Operation, differences, operations
from tools.docs import openapi

_FACTS = Path(__file__).parents[1] / "data" / "openapi-facts.yaml"
_VALUES = "bounds stand at requests; tests/hostile/test_schema.py compares what answers hold"
DEVIATIONS: Mapping[str, str] = {
    r"\S+ answer (400|403|404|409|413|422|500): missing": "errors but 401 have one shape: default",
    r"\S+ answer 413: added": "a limit of ours on JSON bodies",
    r"\S+ answer 401\.(error: added|(errorCode|message): missing)": "one body for every 401",
    r"\S+ answer 20\d\S*: free -> needed": "what the vendor may leave out is always there",
    r"\S+ answer 20\d\S*: (m(in|ax)\w+|pattern|default|enum) .* -> (None|0)$": _VALUES,
    r"\S+ answer 200: \[\] -> \['application/json'\]": "body of attachment uploads is unspecified",
    r"retrieveBDDTestCases answer 204: added": "no BDD case in the project",
    r"\S+ query maxResults: minimum 1 -> 0": "clients ask for 0 on empty sets",
    r"\S+ query testCycle: pattern .*": "older clients name a cycle by id",
    r"listFolders query folderType: enum None -> .*": "the vendor says them in a text",
    r"createFolder body\.folderType: enum None -> .*": "the vendor says them in a text",
    r"createTestCaseTestSteps body\.(mode: enum|items: (min|max)Items) .*": "said in a text",
    r"create\S+ header content-length: minimum None -> 0": "no length is below nothing",
    r"\S+ path testStepId: (type|minimum|pattern) .*": "digits are a number",
    r"\S+ body\.(\S+\.)?self: missing": "GET shows them, and PUT ignores them",
    r"\S+ body\.(testCycle\.)?name: pattern .* -> (None|\S+)$": "checked, by code: not blank",
    r"\S+ body\.labels: maxItems 50 -> None": "checked, by code, after the project",
    r"\S+ body\.url: minLength 0 -> 1": "a page has an address",
    r"\S+ body\.(url|description): maxLength None -> \d+": "limits of ours on web links",
    r"updateTestCycle body\.key: pattern .* -> None": "compared with the cycle's own keys",
    r"createTestCaseTestSteps body\.\S+\.parameters: maxItems .*": "a limit of ours",
    r"createTestExecution body\.testScriptResults: maxItems .*": "a limit of ours",
}
"""Patterns of ``operation where: difference``, each with its reason."""


def _theirs() -> dict[str, Operation]:
    facts: dict[str, Any] = yaml.safe_load(_FACTS.read_text())
    return operations(facts, "/v2")


@pytest.fixture(scope="module")
def found() -> list[str]:
    theirs = _theirs()
    ours: dict[str, Operation] = {}
    for text in openapi.render().values():
        ours |= operations(json.loads(text))
    assert theirs.keys() == ours.keys()
    return [
        f"{name} {difference}"
        for name in sorted(theirs)
        for difference in differences(theirs[name], ours[name])
    ]


def test_what_differs_has_a_reason(found: list[str]) -> None:
    assert [row for row in found if not any(re.match(p, row) for p in DEVIATIONS)] == []


def test_every_reason_is_needed(found: list[str]) -> None:
    assert [p for p in DEVIATIONS if not any(re.match(p, row) for row in found)] == []


def test_a_difference_is_seen() -> None:
    theirs = _theirs()
    case, cycle = theirs["createTestCase"], theirs["createTestCycle"]
    rows = set(differences(case, cycle))
    assert "body.priorityName: missing" in rows
    assert "body.plannedStartDate: added" in rows
    assert list(differences(case, case)) == []
