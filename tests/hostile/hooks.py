"""What the schemathesis command does with each request and each failure (SCHEMATHESIS_HOOKS)."""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import schemathesis

OWNED: dict[str, list[str | int]] = json.loads(os.environ.get("OSTRO_TEST_OWNED", "{}"))
"""What is there, by the name of the parameter or field that takes it."""
_FORMS = {
    "testCaseKey": r"-T[0-9]+$",
    "testCaseIdOrKey": r"-T[0-9]+$|^[1-9][0-9]*$",
    "testCycleIdOrKey": r"-R[0-9]+$|^[1-9][0-9]*$",
    "testCycleKey": r"-R[0-9]+$",
    "testPlanIdOrKey": r"-P[0-9]+$|^[1-9][0-9]*$",
    "testExecutionIdOrKey": r"-E[0-9]+$|^[1-9][0-9]*$",
    "projectKey": r"^[A-Z][A-Z_0-9]+$",
    "issueId": r"^[1-9][0-9]*$",
}
"""What is of the right form may be replaced; what is not was meant to be wrong."""


@dataclass(frozen=True)
class Exemption:
    """A failure that is none: ``code`` is schemathesis' own, ``answer`` a pattern of the answer."""

    code: str
    operation: str
    answer: str
    reason: str
    fault: str = ""
    """A pattern of what was wrong with the request."""


_REFUSED, _TAKEN, _HEADER, _TYPE, _METHOD = "ST202", "ST201", "ST203", "ST105", "ST204"
_ANY = ".*"
EXEMPTIONS: Sequence[Exemption] = (
    Exemption(_REFUSED, "GET /folders", "folderType must be", "the types stand in a text"),
    Exemption(_REFUSED, _ANY, r"does not exist|should be of type|belongs to another", "documented"),
    Exemption(_REFUSED, _ANY, "must not contain NUL", "no name has one"),
    Exemption("ST109", "GET /automations/testcases", "^$", "204: there is nothing to export"),
    Exemption("ST104", "GET /automations/testcases", "^$", "204: there is nothing to export"),
    Exemption(_REFUSED, _ANY, r"already|cannot be changed|as in the path", "documented"),
    Exemption(_REFUSED, _ANY, r"with the name .* exists in the project|is taken", "documented"),
    Exemption(
        _REFUSED, "GET .*/test(script|steps)", r'"errorCode":422', "the other kind of script"
    ),
    Exemption(_REFUSED, "POST .*/testscript", "must be Gherkin", "bdd-not-gherkin"),
    Exemption(_REFUSED, "POST .*/teststeps", r"needs|neither|both|cannot call", "step-malformed"),
    Exemption(_REFUSED, _ANY, r"[cC]ustom ?[fF]ield", "a field that is not defined is refused"),
    Exemption(_REFUSED, "PUT .*/testcases/", "key|archived", "body-key-differs"),
    Exemption(
        _REFUSED, "PUT .*/teststeps", r'"errorCode":4(22|09)', "as many steps as the run has"
    ),
    Exemption(
        _REFUSED, "PUT .*/attachments/", r"must not (be empty|contain)", "of the file's name"
    ),
    Exemption(
        _REFUSED, "POST /automations/executions", r'"errorCode":400', "the file is no result file"
    ),
    Exemption(
        _TAKEN, "GET .*", "", "clients ask for maxResults=0 on empty sets", r"`maxResults`.*smaller"
    ),
    Exemption(_TAKEN, "GET /testexecutions", "", "older clients name a cycle by id", "`testCycle`"),
    Exemption(_TAKEN, "(PUT|POST) .*", "", "read-only fields come back as they are", "-> self"),
    Exemption(_TAKEN, "(PUT|POST) .*", "", "numbers come in quotes", "(I|i)d: Incorrect type"),
    Exemption(_TAKEN, "(PUT|POST) .*", "", "null is as absent", "null"),
    Exemption(_TAKEN, "(PUT|POST) .*", "", "clients send extras", "unexpected properties"),
    Exemption(
        _HEADER, "POST /automations/.*", "", "the tool's own client sends the length all the same"
    ),
    Exemption(
        _TYPE, "POST /automations/.*", "400 Bad Request", "no HTTP: the edge cannot read the length"
    ),
    Exemption(
        _METHOD, "GET /test[a-z]+/nextgen", r'"errorCode":400', "a key could be called nextgen"
    ),
    Exemption(_METHOD, "POST .*/attachments/.*", "", "POST is tolerated beside PUT"),
)


def _instead(name: str, value: Any) -> Any:
    """Half of what is of the right form becomes something that is there."""
    known, text = OWNED.get(name), str(value)
    if not known or re.search(_FORMS[name], text) is None:
        return value
    pick = sum(text.encode(errors="replace"))
    return known[pick // 2 % len(known)] if pick % 2 else value


def _replaced(values: Any) -> Any:
    if not isinstance(values, dict):
        return values
    return {name: _instead(name, value) for name, value in values.items()}


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: Any) -> Any:
    """Name things that are there."""
    return _replaced(path_parameters)


@schemathesis.hook
def map_query(context: Any, query: Any) -> Any:
    """Filter by things that are there."""
    return _replaced(query)


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """Send things that are there."""
    return _replaced(body)


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Drop what is exempt."""
    if failure.code == _TAKEN and "" in dict(case.query or {}).values():
        # an empty parameter is none
        return False
    answer = response.text or ""
    return not any(
        exemption.code == failure.code
        and re.match(exemption.operation, case.operation.label)
        and re.search(exemption.answer, answer)
        and re.search(exemption.fault, failure.message)
        for exemption in EXEMPTIONS
    )
