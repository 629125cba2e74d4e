"""Test cases as executions run them. The library owns them and is asked each time: a script that
was just written must count.
"""

from dataclasses import dataclass
from typing import Protocol

from services.executions.domain.executionsteps import ScriptedStep


@dataclass(frozen=True)
class RunCase:
    """A case as it is now. A text script is one step."""

    case: int
    version: int
    version_id: int
    estimated_time: int | None
    """In ms."""
    script: tuple[ScriptedStep, ...]


class RunCases(Protocol):
    """The owner of test cases."""

    async def run_case(self, tenant: str, case: int) -> RunCase | None:
        """Return a case, None for one that is not there or archived.

        Raises ``InvalidInput`` for one that comes to too many steps, ``Unavailable`` when it
        cannot be asked.
        """
        ...
