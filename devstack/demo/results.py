"""Upload the sample and read the new cycle back through the public API."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devstack.demo.http import Api
from devstack.embedded.errors import StackError

SAMPLE = Path(__file__).with_name("pytest-junit.xml")
_PAGE = 1000


@dataclass(frozen=True)
class Row:
    """One execution as shown."""

    key: str
    case: str
    name: str
    status: str
    milliseconds: int | None


def upload_sample(v2: Api, project: str) -> str:
    """Upload the bundled JUnit file, let its cases be made, return the new cycle's key."""
    answer = v2.upload(
        "automations/executions/junit",
        SAMPLE.name,
        SAMPLE.read_bytes(),
        projectKey=project,
        autoCreateTestCases="true",
    )
    return str(answer["testCycle"]["key"])


def read_cycle(v2: Api, project: str, cycle: str) -> list[Row]:
    """Return the executions of a cycle with the names of their cases and statuses."""
    statuses = {
        status["id"]: status["name"]
        for status in _values(v2, "statuses", projectKey=project, statusType="TEST_EXECUTION")
    }
    executions = _values(v2, "testexecutions", projectKey=project, testCycle=cycle)
    if not executions:
        raise StackError(f"cycle {cycle} has no executions")
    return [_row(v2, execution, statuses) for execution in executions]


def _row(v2: Api, execution: dict[str, Any], statuses: dict[int, str]) -> Row:
    # behaviour.md: the case's key stands only in the link
    case = execution["testCase"]["self"].partition("/testcases/")[2].partition("/")[0]
    return Row(
        execution["key"],
        case,
        str(v2.get(f"testcases/{case}")["name"]),
        statuses[execution["testExecutionStatus"]["id"]],
        execution["executionTime"],
    )


def _values(v2: Api, path: str, **query: object) -> list[dict[str, Any]]:
    page = v2.get(path, maxResults=_PAGE, **query)
    found: list[dict[str, Any]] = page["values"]
    return found
