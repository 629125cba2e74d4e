"""A test case as it is run: what an execution takes from it when it is made or synced."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from services.testcases.domain.calls import Expansion
from services.testcases.domain.scripts import Script
from services.testcases.domain.testcases import TestCase
from services.testcases.usecases.calls import Calls


class Cases(Protocol):
    """Looks cases up by id."""

    async def get(self, tenant: str, case: int) -> TestCase | None:
        """Return one visible case."""
        ...


class Scripts(Protocol):
    """Looks scripts up."""

    async def get(self, tenant: str, case: int) -> Script | None:
        """Return the script of a visible case."""
        ...


@dataclass(frozen=True)
class RunCase:
    """A case, its script, and the steps that the script comes to."""

    case: TestCase
    script: Script
    expansion: Expansion


class RunCases:
    """Reads cases for executions."""

    def __init__(self, cases: Cases, scripts: Scripts, calls: Calls) -> None:
        self._cases = cases
        self._scripts = scripts
        self._calls = calls

    async def get(
        self, tenant: str, case: int, may_see: Callable[[int], Awaitable[bool]]
    ) -> RunCase | None:
        """Return a case; None for one that is not there. ``InvalidInput`` when it is too large.

        ``may_see`` says of a project whether what it holds may be read.
        """
        found = await self._cases.get(tenant, case)
        script = await self._scripts.get(tenant, case)
        if found is None or script is None:
            return None
        expansion = await self._calls.expanded(tenant, case, script, may_see)
        return RunCase(found, script, expansion)
