"""What a project consists of, and where the public API shows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

STATUS_TYPES = ("TEST_CASE", "TEST_PLAN", "TEST_CYCLE", "TEST_EXECUTION")


@dataclass(frozen=True)
class Listed:
    """A small list, read whole in every pass; ``query`` goes beside projectKey."""

    name: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Walked:
    """A large list with ``/nextgen`` beside it, and a file of details that follows it."""

    name: str
    one: str
    """How the things are called in messages."""

    @property
    def details(self) -> str:
        """Name of the file that follows."""
        return f"{self.name}.details"


LISTED = (
    *(Listed(f"statuses.{t}", "statuses", {"statusType": t}) for t in STATUS_TYPES),
    Listed("priorities", "priorities"),
    Listed("environments", "environments"),
    Listed("folders", "folders"),
)
CASES = Walked("testcases", "test case")
PLANS = Walked("testplans", "test plan")
CYCLES = Walked("testcycles", "test cycle")
EXECUTIONS = Walked("testexecutions", "test execution")
WALKED = (CASES, PLANS, CYCLES, EXECUTIONS)


def handle(kind: Walked, row: Mapping[str, Any]) -> str:
    """Return what paths take for a thing: the key, or the id of an execution without one."""
    return str(row.get("key") or row["id"]) if kind is EXECUTIONS else str(row["key"])
