"""Test cases as they are run: what executions take from them when they are made or synced."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from contracts.ids import project_of
from kit.errors import InvalidInput
from services.testcases.domain.calls import Expansion
from services.testcases.domain.scripts import Script, size_of
from services.testcases.domain.testcases import TestCase
from services.testcases.usecases.calls import Calls

_BATCH = 20
"""Scripts read at once: each may be as large as scripts get."""
MAX_ANSWER_BYTES = 8 * 1024 * 1024
"""Of all scripts of an answer; the one that goes beyond it is the last."""

MaySee = Callable[[int], Awaitable[bool]]
"""Says of a project whether what it holds may be read."""


class Cases(Protocol):
    """Looks cases up by id."""

    async def with_scripts(
        self, tenant: str, project: int, ids: Collection[int]
    ) -> Sequence[tuple[TestCase, Script]]:
        """Return the visible cases of a project with these ids, each as one version has it."""
        ...


@dataclass(frozen=True)
class RunCase:
    """A case, its script, and the steps that the script comes to."""

    case: TestCase
    script: Script
    expansion: Expansion


@dataclass
class Runs:
    """What was found of the cases that were asked for."""

    cases: list[RunCase] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)
    """Why nobody can run it, by case."""
    left: list[int] = field(default_factory=list)
    """Not looked at: the answer is full."""
    size: int = 0

    @property
    def full(self) -> bool:
        """Whether nothing more goes in."""
        return self.size > MAX_ANSWER_BYTES


class RunCases:
    """Reads cases for executions."""

    def __init__(self, cases: Cases, calls: Calls) -> None:
        self._cases = cases
        self._calls = calls

    async def find(self, tenant: str, cases: Collection[int], may_see: MaySee) -> Runs:
        """Return those of the cases that are there."""
        runs = Runs()
        by_project: dict[int, list[int]] = defaultdict(list)
        for case in dict.fromkeys(cases):
            by_project[project_of(case)].append(case)
        for project, idents in by_project.items():
            if not await may_see(project):
                continue
            for start in range(0, len(idents), _BATCH):
                some = idents[start : start + _BATCH]
                if runs.full:
                    runs.left += some
                else:
                    await self._add(runs, tenant, project, some, may_see)
        return runs

    async def _add(
        self, runs: Runs, tenant: str, project: int, cases: Sequence[int], may_see: MaySee
    ) -> None:
        for case, script in await self._cases.with_scripts(tenant, project, cases):
            if runs.full:
                runs.left.append(case.id)
                continue
            try:
                expansion = await self._calls.expanded(tenant, case.id, script, may_see)
            except InvalidInput as fault:
                runs.refused[case.id] = fault.message
                continue
            runs.cases.append(RunCase(case, script, expansion))
            runs.size += size_of(script) + expansion.size
