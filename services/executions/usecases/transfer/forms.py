"""Rows of an archive as documents of one project; ids keep their numbers."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from contracts.customfields import (
    CustomFieldEntity,
    CustomFieldFault,
    CustomFieldState,
    restored_values,
)
from contracts.ids import Kind, number_of, parse_key, public_id
from contracts.testcases import OptionType
from contracts.transfer import (
    ExecutionStepRow,
    LinkRow,
    TestCycleRow,
    TestExecutionRow,
    TestPlanRow,
)
from kit.errors import InvalidInput
from kit.transfer.references import Dangling, Reference
from services.executions.domain.customfields import CustomValue, value_rows
from services.executions.domain.executionsteps import ExecutionStep
from services.executions.domain.links import Link, LinkKind
from services.executions.domain.testcycles import TestCycle
from services.executions.domain.testexecutions import TestExecution
from services.executions.domain.testplans import TestPlan
from services.executions.usecases.transfer.ports import Whole

_RUN = "test execution"


def name_key(name: str) -> str:
    """Return what the names of two options have in common when they mean the same."""
    return name.strip().casefold()


@dataclass
class RunForms:
    """Builds documents of a tenant's project, as of now."""

    tenant: str
    project: int
    source_key: str
    keep_jira: bool
    now: datetime
    options: Mapping[tuple[OptionType, str], int]
    """By type and ``name_key``."""
    fields: Mapping[CustomFieldEntity, list[CustomFieldState]]
    outside: Mapping[str, int] = field(default_factory=dict)
    """Cycles of other projects that plans are linked to: ids here, by key."""
    dropped: Container[str] = ()
    """Keys of cycles to which links are left out."""
    unnamed: Dangling = field(default_factory=Dangling)
    """Options and fields that the project lacks; what was built with one is not to be stored."""

    def id(self, ident: int) -> int:
        """Return the public id here."""
        return public_id(self.project, number_of(ident))

    def keyed(self, key: str, kind: Kind) -> int | None:
        """Return the id here of what a key of the archive's project names, or a known cycle."""
        parsed = parse_key(key, kind)
        if parsed is not None and parsed.project_key == self.source_key:
            return public_id(self.project, parsed.number)
        return self.outside.get(key)

    def plan(self, row: TestPlanRow) -> Whole[TestPlan]:
        """Build a plan."""
        where = row.key
        ident = self.id(row.id)
        plan: TestPlan = {
            "_id": f"{self.tenant}/{ident}",
            "tenant": self.tenant,
            "id": ident,
            "project": self.project,
            "name": row.name,
            "objective": row.objective,
            "status": self._option(OptionType.TEST_PLAN, row.status_name, "test plan", where),
            "folder": self._folder(row.folder_id),
            "owner": row.owner_id,
            "labels": list(row.labels),
            "custom_fields": self._values(CustomFieldEntity.TEST_PLAN, row.custom_fields, where),
            "links": self._links(row.links, where),
            "created_on": row.created_on,
            "updated_on": self.now,
            "rev": 1,
        }
        return Whole(plan, row.archived)

    def cycle(self, row: TestCycleRow) -> Whole[TestCycle]:
        """Build a cycle."""
        where = row.key
        ident = self.id(row.id)
        cycle: TestCycle = {
            "_id": f"{self.tenant}/{ident}",
            "tenant": self.tenant,
            "id": ident,
            "project": self.project,
            "name": row.name,
            "description": row.description,
            "status": self._option(OptionType.TEST_CYCLE, row.status_name, "test cycle", where),
            "folder": self._folder(row.folder_id),
            "jira_version": row.jira_project_version if self.keep_jira else None,
            "planned_start": row.planned_start_date,
            "planned_end": row.planned_end_date,
            "owner": row.owner_id,
            "custom_fields": self._values(CustomFieldEntity.TEST_CYCLE, row.custom_fields, where),
            "created_on": row.created_on,
            "updated_on": self.now,
            "rev": 1,
        }
        if links := self._links(row.links, where):
            cycle["links"] = links
        return Whole(cycle, row.archived)

    def execution(self, row: TestExecutionRow) -> Whole[TestExecution]:
        """Build an execution."""
        where = row.key
        ident = self.id(row.id)
        case = self.keyed(row.test_case_key, Kind.TEST_CASE)
        if case is None:
            raise InvalidInput(f"{where}: {row.test_case_key} is of another project.")
        environment = row.environment_name
        run: TestExecution = {
            "_id": f"{self.tenant}/{ident}",
            "tenant": self.tenant,
            "id": ident,
            "project": self.project,
            "cycle": self._cycle(row.test_cycle_key, where),
            "case": case,
            "version": row.test_case_version,
            "version_id": self.id(row.test_case_version_id),
            "status": self._option(OptionType.TEST_EXECUTION, row.status_name, _RUN, where),
            "environment": (
                None
                if environment is None
                else self._option(OptionType.ENVIRONMENT, environment, _RUN, where)
            ),
            "jira_version": row.jira_project_version if self.keep_jira else None,
            "time": row.execution_time,
            "end": row.actual_end_date,
            "executed_by": row.executed_by_id,
            "assigned_to": row.assigned_to_id,
            "comment": row.comment,
            "automated": row.automated,
            "upload": None,
            "updated_on": self.now,
        }
        self._add(run, row, where)
        return Whole(run, row.archived)

    def _add(self, run: TestExecution, row: TestExecutionRow, where: str) -> None:
        """Add what few executions have: nothing stands for it where it is not."""
        if links := self._links(row.links, where):
            run["links"] = links
        entity = CustomFieldEntity.TEST_EXECUTION
        if values := self._values(entity, row.custom_fields, where):
            run["custom_fields"] = values
        if row.estimated_time is not None:
            run["estimated_time"] = row.estimated_time
        if row.steps:
            run["steps"] = [self._step(step, where) for step in row.steps]

    def _step(self, row: ExecutionStepRow, where: str) -> ExecutionStep:
        inline = row.inline
        step: ExecutionStep = {
            "id": self.id(row.id),
            "description": inline.description,
            "test_data": inline.test_data,
            "expected": inline.expected_result,
            "reflect_ref": inline.reflect_ref,
            "status": self._option(OptionType.TEST_EXECUTION, inline.status_name, _RUN, where),
            "actual": inline.actual_result,
            "row": inline.test_data_row_number,
        }
        if inline.actual_end_date is not None:
            step["end"] = inline.actual_end_date
        return step

    def _cycle(self, key: str | None, where: str) -> int | None:
        if key is None:
            return None
        found = self.keyed(key, Kind.TEST_CYCLE)
        if found is None:
            raise InvalidInput(f"{where}: test cycle {key} is unknown here.")
        return found

    def _folder(self, folder: int | None) -> int | None:
        return None if folder is None else self.id(folder)

    def _links(self, rows: Iterable[LinkRow], where: str) -> list[Link]:
        return [
            self._link(row, where)
            for row in rows
            if (row.issue_id is None or self.keep_jira) and row.test_cycle_key not in self.dropped
        ]

    def _link(self, row: LinkRow, where: str) -> Link:
        kind = LinkKind.ISSUE if row.issue_id is not None else LinkKind.WEB
        link = Link(id=self.id(row.id), kind=kind.value, type=row.type.value)
        if row.issue_id is not None:
            link["issue"] = row.issue_id
        elif row.url is not None:
            link["url"] = row.url
            if row.description is not None:
                link["description"] = row.description
        else:
            cycle = self._cycle(row.test_cycle_key, where)
            assert cycle is not None
            link |= {"kind": LinkKind.TEST_CYCLE.value, "cycle": cycle}
        return link

    def _option(self, kind: OptionType, name: str, what: str, where: str) -> int:
        found = self.options.get((kind, name_key(name)))
        if found is None:
            field_ = "environmentName" if kind is OptionType.ENVIRONMENT else "statusName"
            self.unnamed.add(Reference(what, where, field_, f"'{name}'"))
            return 0
        return found

    def _values(
        self, entity: CustomFieldEntity, named: Mapping[str, object], where: str
    ) -> list[CustomValue]:
        if not named:
            return []
        fields = self.fields.get(entity, [])
        if unknown := named.keys() - {found.name for found in fields}:
            what = entity.value.replace("-", " ")
            for name in sorted(unknown):
                self.unnamed.add(Reference(what, where, "customFields", f"'{name}'"))
            return []
        try:
            return value_rows(restored_values(fields, named))
        except CustomFieldFault as fault:
            raise InvalidInput(f"{where}: {fault}") from None
