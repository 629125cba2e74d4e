"""What must be right in the archive of plans, cycles and executions before any of it is stored."""

from array import array
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from contracts.ids import EntityKey, Kind, number_of, parse_key
from contracts.transfer import LinkRow, Manifest, TestCycleRow, TestExecutionRow, TestPlanRow
from kit.errors import InvalidInput
from kit.transfer.checks import Links, check_project
from kit.transfer.numbers import Numbers
from kit.transfer.references import Dangling, Outside, Reference
from services.executions.domain.executionsteps import MAX_RESULT_BYTES
from services.executions.domain.links import Holder, residue_of
from services.executions.usecases.transfer.forms import RunForms

_STEP = 8
_MAX_STEPS = 1_000
_MAX_STEP_TEXTS = 2 * MAX_RESULT_BYTES
"""Of one execution, with what its script says."""


class InFolder(NamedTuple):
    """The first thing that lies in a folder."""

    holder: Holder
    key: str

    @property
    def type(self) -> str:
        """The type that the folder must have."""
        return self.holder.name


@dataclass
class RunCheck:
    """Takes the members in the order of its methods. Every method raises ``InvalidInput``."""

    manifest: Manifest
    forms: RunForms
    plans: Numbers = field(default_factory=Numbers)
    cycles: Numbers = field(default_factory=Numbers)
    executions: Numbers = field(default_factory=Numbers)
    steps: Numbers = field(default_factory=Numbers)
    cases: Numbers = field(default_factory=Numbers)
    """Test cases that were run, doubles too."""
    folders: dict[int, InFolder] = field(default_factory=dict)
    """What must be there."""
    outside: Outside = field(default_factory=Outside)
    """To cycles of other projects."""
    missing: Dangling = field(default_factory=Dangling)
    """To what the archive itself should hold."""
    left_out: dict[str, int] = field(default_factory=lambda: {"issueLinks": 0, "jiraVersions": 0})
    _run_cases: "array[int]" = field(default_factory=lambda: array("q"))
    """Numbers of executions and of what they ran, in turn."""
    _links: Links = field(init=False)

    def __post_init__(self) -> None:
        self._links = Links(self.manifest, _STEP)

    @property
    def links(self) -> Numbers:
        """Numbers of links."""
        return self._links.numbers

    def take_cycles(self, rows: Sequence[TestCycleRow]) -> None:
        """Take test cycles."""
        for row in rows:
            self.cycles.add(number_of(row.id))
            self._take_folder(row.folder_id, Holder.TEST_CYCLE, row.key)
            self._take_links(row.links, Holder.TEST_CYCLE, row.key)
            if not self.forms.keep_jira:
                self.left_out["jiraVersions"] += row.jira_project_version is not None
            self.forms.cycle(row)

    def take_plans(self, rows: Sequence[TestPlanRow]) -> None:
        """Take test plans."""
        for row in rows:
            self.plans.add(number_of(row.id))
            self._take_folder(row.folder_id, Holder.TEST_PLAN, row.key)
            self._take_links(row.links, Holder.TEST_PLAN, row.key)
            for link in row.links:
                if link.test_cycle_key is not None:
                    self._take_cycle(row.key, link.test_cycle_key)
            # what links name in other projects is looked for when all of it is known
            own = tuple(link for link in row.links if link.test_cycle_key not in self.outside)
            self.forms.plan(row.model_copy(update={"links": own}))

    def take_executions(self, rows: Sequence[TestExecutionRow]) -> None:
        """Take test executions."""
        for row in rows:
            self.executions.add(number_of(row.id))
            check_project(self.manifest, row.test_case_version_id, row.key)
            case = parse_key(row.test_case_key, Kind.TEST_CASE)
            if case is not None:
                self.cases.add(case.number)
                self._run_cases.extend((number_of(row.id), case.number))
            cycle, built = row.test_cycle_key, row
            if cycle is not None and not self._has_cycle(cycle):
                self.missing.add(Reference("test execution", row.key, "testCycleKey", cycle))
                built = row.model_copy(update={"test_cycle_key": None})
            self._take_links(row.links, Holder.TEST_EXECUTION, row.key)
            self._take_steps(row)
            if not self.forms.keep_jira:
                self.left_out["jiraVersions"] += row.jira_project_version is not None
            self.forms.execution(built)

    def finish(self) -> None:
        """Check what refers from one thing to another."""
        self.steps.check_unique("step")
        self.links.check_unique("link")
        self.missing.refuse("The archive refers to what it does not hold")

    def runs_of(self, cases: Container[int]) -> Iterator[Reference]:
        """Yield the executions that ran one of these cases, as they name it."""
        key = self.manifest.project.key
        for at in range(0, len(self._run_cases), 2):
            run, case = self._run_cases[at : at + 2]
            if case in cases:
                execution = str(EntityKey(key, Kind.TEST_EXECUTION, run))
                target = str(EntityKey(key, Kind.TEST_CASE, case))
                yield Reference("test execution", execution, "testCaseKey", target)

    def _has_cycle(self, key: str) -> bool:
        cycle = parse_key(key, Kind.TEST_CYCLE)
        mine = cycle is not None and cycle.project_key == self.manifest.project.key
        return cycle is not None and mine and cycle.number in self.cycles

    def _take_cycle(self, plan: str, key: str) -> None:
        reference = Reference("test plan", plan, "links.testCycleKey", key)
        cycle = parse_key(key, Kind.TEST_CYCLE)
        if cycle is None or cycle.project_key != self.manifest.project.key:
            self.outside.add(reference)
        elif cycle.number not in self.cycles:
            self.missing.add(reference)

    def _take_folder(self, folder: int | None, holder: Holder, where: str) -> None:
        if folder is None:
            return
        check_project(self.manifest, folder, where)
        if self.folders.setdefault(folder, InFolder(holder, where)).holder is not holder:
            raise InvalidInput(f"{where}: folder {folder} should be of type {holder.name}.")

    def _take_links(self, links: tuple[LinkRow, ...], holder: Holder, where: str) -> None:
        if holder is not Holder.TEST_PLAN and any(li.test_cycle_key for li in links):
            raise InvalidInput(f"{where}: plans alone are linked to cycles.")
        if holder is Holder.TEST_EXECUTION and any(li.url for li in links):
            raise InvalidInput(f"{where}: executions are linked to issues alone.")
        self._links.check(links, residue_of(holder), where)
        if not self.forms.keep_jira:
            self.left_out["issueLinks"] += sum(li.issue_id is not None for li in links)

    def _take_steps(self, row: TestExecutionRow) -> None:
        if len(row.steps) > _MAX_STEPS:
            raise InvalidInput(f"{row.key}: it has more than {_MAX_STEPS} steps.")
        size = 0
        for step in row.steps:
            check_project(self.manifest, step.id, row.key)
            self.steps.add(number_of(step.id))
            inline = step.inline
            texts = (
                inline.description,
                inline.test_data,
                inline.expected_result,
                inline.actual_result,
                inline.reflect_ref,
            )
            size += sum(len(text.encode()) for text in texts if text)
        if size > _MAX_STEP_TEXTS:
            raise InvalidInput(f"{row.key}: its steps are longer than {_MAX_STEP_TEXTS} bytes.")
