"""Plans, cycles and executions as rows of an archive."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from contracts.customfields import CustomFieldEntity, CustomFieldState, name_values
from contracts.ids import EntityKey, Kind, number_of, project_of
from contracts.transfer import (
    ExecutionInlineStepRow,
    ExecutionStepRow,
    LinkRow,
    LinkType,
    TestCycleRow,
    TestExecutionRow,
    TestPlanRow,
)
from services.executions.domain.customfields import CustomValue, values_of
from services.executions.domain.executionsteps import ExecutionStep
from services.executions.domain.links import Link
from services.executions.domain.testcycles import TestCycle
from services.executions.domain.testexecutions import TestExecution
from services.executions.domain.testplans import TestPlan
from services.executions.usecases.transfer.ports import Whole


@dataclass
class RunRows:
    """Renders what one project has."""

    project: int
    keys: Mapping[int, str]
    """Keys of projects whose cycles the caller may view, by id; this one is among them."""
    options: Mapping[int, str]
    """Names by id."""
    fields: Mapping[CustomFieldEntity, Sequence[CustomFieldState]]
    folders: Container[int] = ()
    """Those that are there."""

    def key(self, kind: Kind, ident: int) -> str:
        """Return the key of something."""
        return str(EntityKey(self.keys[project_of(ident)], kind, number_of(ident)))

    def plan(self, whole: Whole[TestPlan]) -> TestPlanRow:
        """Render a plan."""
        plan = whole.document
        return TestPlanRow(
            id=plan["id"],
            key=self.key(Kind.TEST_PLAN, plan["id"]),
            name=plan["name"],
            created_on=plan["created_on"],
            objective=plan["objective"],
            status_name=self.options[plan["status"]],
            folder_id=self._folder(plan["folder"]),
            owner_id=plan["owner"],
            labels=tuple(plan["labels"]),
            custom_fields=self._values(CustomFieldEntity.TEST_PLAN, plan["custom_fields"]),
            links=self._links(plan["links"]),
            archived=whole.aside,
        )

    def cycle(self, whole: Whole[TestCycle]) -> TestCycleRow:
        """Render a cycle."""
        cycle = whole.document
        return TestCycleRow(
            id=cycle["id"],
            key=self.key(Kind.TEST_CYCLE, cycle["id"]),
            name=cycle["name"],
            created_on=cycle["created_on"],
            description=cycle["description"],
            status_name=self.options[cycle["status"]],
            folder_id=self._folder(cycle["folder"]),
            jira_project_version=cycle["jira_version"],
            planned_start_date=cycle["planned_start"],
            planned_end_date=cycle["planned_end"],
            owner_id=cycle["owner"],
            custom_fields=self._values(
                CustomFieldEntity.TEST_CYCLE, cycle.get("custom_fields", ())
            ),
            links=self._links(cycle.get("links", ())),
            archived=whole.aside,
        )

    def execution(self, whole: Whole[TestExecution]) -> TestExecutionRow:
        """Render an execution."""
        run = whole.document
        cycle, environment = run["cycle"], run["environment"]
        return TestExecutionRow(
            id=run["id"],
            key=self.key(Kind.TEST_EXECUTION, run["id"]),
            test_case_key=self.key(Kind.TEST_CASE, run["case"]),
            test_case_version=run["version"],
            test_case_version_id=run["version_id"],
            test_cycle_key=None if cycle is None else self.key(Kind.TEST_CYCLE, cycle),
            status_name=self.options[run["status"]],
            environment_name=None if environment is None else self.options[environment],
            jira_project_version=run["jira_version"],
            actual_end_date=run["end"],
            estimated_time=run.get("estimated_time"),
            execution_time=run["time"],
            executed_by_id=run["executed_by"],
            assigned_to_id=run["assigned_to"],
            comment=run["comment"],
            automated=run["automated"],
            custom_fields=self._values(
                CustomFieldEntity.TEST_EXECUTION, run.get("custom_fields", ())
            ),
            steps=tuple(self._step(step) for step in run.get("steps", ())),
            links=self._links(run.get("links", ())),
            archived=whole.aside,
        )

    def names_missing(self, statuses: Iterable[int | None]) -> bool:
        """Whether one of these options has come since the names were read."""
        return any(s is not None and s not in self.options for s in statuses)

    def _folder(self, folder: int | None) -> int | None:
        return folder if folder in self.folders else None

    def _step(self, step: ExecutionStep) -> ExecutionStepRow:
        inline = ExecutionInlineStepRow(
            description=step["description"],
            test_data=step["test_data"],
            expected_result=step["expected"],
            actual_result=step["actual"],
            test_data_row_number=step["row"],
            reflect_ref=step["reflect_ref"],
            status_name=self.options[step["status"]],
            actual_end_date=step.get("end"),
        )
        return ExecutionStepRow(id=step["id"], inline=inline)

    def _links(self, links: Iterable[Link]) -> tuple[LinkRow, ...]:
        return tuple(
            LinkRow(
                id=link["id"],
                type=LinkType(link["type"]),
                issue_id=link.get("issue"),
                url=link.get("url"),
                description=link.get("description"),
                test_cycle_key=(
                    self.key(Kind.TEST_CYCLE, link["cycle"]) if "cycle" in link else None
                ),
            )
            for link in links
            # cycles that the caller may not view are unknown to it
            if "cycle" not in link or project_of(link["cycle"]) in self.keys
        )

    def _values(
        self, entity: CustomFieldEntity, rows: Iterable[CustomValue]
    ) -> dict[str, str | int | float | bool | list[str]]:
        return name_values(self.fields.get(entity, ()), values_of(rows))
