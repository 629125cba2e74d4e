"""What must be right in the archive of plans, cycles and executions before any of it is stored."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from contracts.ids import Kind, number_of, parse_key
from contracts.transfer import LinkRow, Manifest, TestCycleRow, TestExecutionRow, TestPlanRow
from kit.errors import InvalidInput
from kit.transfer.checks import Links, check_project
from kit.transfer.numbers import Numbers
from services.executions.domain.executionsteps import MAX_RESULT_BYTES
from services.executions.domain.links import Holder, residue_of
from services.executions.usecases.transfer.forms import RunForms

_STEP = 8
_MAX_STEPS = 1_000
_MAX_STEP_TEXTS = 2 * MAX_RESULT_BYTES
"""Of one execution, with what its script says."""


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
    folders: dict[int, str] = field(default_factory=dict)
    """What must be there, and of which type."""
    outside: set[str] = field(default_factory=set)
    """Keys of cycles of other projects."""
    left_out: dict[str, int] = field(default_factory=lambda: {"issueLinks": 0, "jiraVersions": 0})
    _linked: Numbers = field(default_factory=Numbers)
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
            self._take_folder(row.folder_id, "TEST_CYCLE", row.key)
            self._take_links(row.links, Holder.TEST_CYCLE, row.key)
            if not self.forms.keep_jira:
                self.left_out["jiraVersions"] += row.jira_project_version is not None
            self.forms.cycle(row)

    def take_plans(self, rows: Sequence[TestPlanRow]) -> None:
        """Take test plans."""
        for row in rows:
            self.plans.add(number_of(row.id))
            self._take_folder(row.folder_id, "TEST_PLAN", row.key)
            self._take_links(row.links, Holder.TEST_PLAN, row.key)
            for link in row.links:
                if link.test_cycle_key is not None:
                    self._take_cycle(link.test_cycle_key)
            self.forms.plan(row)

    def take_executions(self, rows: Sequence[TestExecutionRow]) -> None:
        """Take test executions."""
        for row in rows:
            self.executions.add(number_of(row.id))
            check_project(self.manifest, row.test_case_version_id, row.key)
            case = parse_key(row.test_case_key, Kind.TEST_CASE)
            if case is not None:
                self.cases.add(case.number)
            if row.test_cycle_key is not None:
                self._check_cycle(row)
            self._take_links(row.links, Holder.TEST_EXECUTION, row.key)
            self._take_steps(row)
            if not self.forms.keep_jira:
                self.left_out["jiraVersions"] += row.jira_project_version is not None
            self.forms.execution(row)

    def finish(self) -> None:
        """Check what refers from one thing to another."""
        self.steps.check_unique("step")
        self.links.check_unique("link")
        self.cycles.check_known(self._linked, "test cycle number")

    def _check_cycle(self, row: TestExecutionRow) -> None:
        cycle = parse_key(row.test_cycle_key or "", Kind.TEST_CYCLE)
        mine = cycle is not None and cycle.project_key == self.manifest.project.key
        if cycle is None or not mine or cycle.number not in self.cycles:
            raise InvalidInput(f"{row.key}: the archive does not hold {row.test_cycle_key}.")

    def _take_cycle(self, key: str) -> None:
        cycle = parse_key(key, Kind.TEST_CYCLE)
        if cycle is not None and cycle.project_key == self.manifest.project.key:
            self._linked.add(cycle.number)
        elif key not in self.outside:
            # looked for when all keys are known
            self.outside.add(key)
            self.forms.outside[key] = 0

    def _take_folder(self, folder: int | None, kind: str, where: str) -> None:
        if folder is None:
            return
        check_project(self.manifest, folder, where)
        if self.folders.setdefault(folder, kind) != kind:
            raise InvalidInput(f"{where}: folder {folder} should be of type {kind}.")

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
