"""Test executions as rows of the archive."""

from collections.abc import Iterator
from typing import Any

from contracts.customfields import CustomFieldEntity
from contracts.ids import Kind
from contracts.testcases import OptionType
from contracts.transfer import (
    ExecutionInlineStepRow,
    ExecutionStepRow,
    OwnerKind,
    TestExecutionRow,
)
from tools.zephyr.convert.attached import Attached
from tools.zephyr.convert.links import Links
from tools.zephyr.convert.plans import CycleKeys
from tools.zephyr.convert.shared import Shared
from tools.zephyr.convert.texts import amount, moment, reference, version_of
from tools.zephyr.convert.versions import Versions
from tools.zephyr.kinds import EXECUTIONS
from tools.zephyr.workdir import Row

_RUN = OptionType.TEST_EXECUTION


class Executions:
    """Makes the rows of executions."""

    def __init__(
        self, shared: Shared, versions: Versions, cycles: CycleKeys, attached: Attached
    ) -> None:
        self._shared = shared
        self._versions = versions
        self._cycles = cycles
        self._attached = attached
        self._links = Links(shared.project, shared.losses, 2, 8)
        self._step_count = 0

    def rows(self) -> Iterator[TestExecutionRow]:
        """Yield the executions, by number."""
        details = self._shared.details(EXECUTIONS.details)
        for number, row in self._numbered():
            key = self._shared.own(number, Kind.TEST_EXECUTION)
            case = self._case(row, key)
            if case is not None:
                hanging = details.of(row)
                steps, ids = self._steps(hanging, key)
                yield self._row(number, row, steps, case)
                self._attached.add(OwnerKind.TEST_EXECUTION, key, hanging, ids)

    def _numbered(self) -> Iterator[tuple[int, Row]]:
        """By number; those without a key, which the API allows, get the free ones by age."""
        shared, places, without = self._shared, dict[int, int](), dict[Any, int]()
        for row, place in shared.workdir.walk(EXECUTIONS.name):
            number = shared.number(row.get("key"), Kind.TEST_EXECUTION)
            if number is not None:
                places[number] = place.start
            else:
                without[row["id"]] = place.start
        free = 1
        for ident in sorted(without):
            while free in places:
                free += 1
            places[free] = without[ident]
            shared.losses.add("execution without a key got a free one", str(ident))
        for number in sorted(places):
            yield number, shared.workdir.at(EXECUTIONS.name, places[number])

    def _case(self, row: Row, key: str) -> tuple[int, int] | None:
        """Return number and version of the case that was run."""
        found = version_of(row.get("testCase"))
        case = self._shared.number(found[0], Kind.TEST_CASE) if found else None
        if found is None or case is None or not self._versions.known(case):
            self._shared.losses.add("execution of a test case that the source does not show", key)
            return None
        if self._versions.has(case, found[1]):
            return case, found[1]
        self._shared.losses.add("execution of a version that was not read: of the newest", key)
        return case, self._versions.newest(case)

    def _row(
        self,
        number: int,
        row: Row,
        steps: tuple[ExecutionStepRow, ...],
        case: tuple[int, int],
    ) -> TestExecutionRow:
        shared, key = self._shared, self._shared.own(number, Kind.TEST_EXECUTION)
        end = moment(row.get("actualEndDate"))
        if end is None:
            shared.losses.add("execution without an end: the time of the copy instead", key)
        return TestExecutionRow(
            id=shared.id(number),
            key=key,
            test_case_key=shared.own(case[0], Kind.TEST_CASE),
            test_case_version=case[1],
            test_case_version_id=shared.id(self._versions.id(*case)),
            test_cycle_key=self._cycle(row, key),
            status_name=shared.options.required(_RUN, row.get("testExecutionStatus"), key),
            environment_name=self._environment(row, key),
            jira_project_version=reference(row.get("jiraProjectVersion")),
            actual_end_date=end or shared.read_on,
            estimated_time=amount(row.get("estimatedTime")),
            execution_time=amount(row.get("executionTime")),
            executed_by_id=shared.texts.account(row.get("executedById"), key),
            assigned_to_id=shared.texts.account(row.get("assignedToId"), key),
            comment=row.get("comment"),
            automated=bool(row.get("automated")),
            custom_fields=shared.values.of(
                CustomFieldEntity.TEST_EXECUTION, row.get("customFields"), key
            ),
            steps=steps,
            links=self._links.rows(row.get("links"), key),
        )

    def _cycle(self, row: Row, key: str) -> str | None:
        cycle = row.get("testCycle")
        found = self._cycles.of(cycle["id"]) if cycle else None
        if cycle and found is None:
            self._shared.losses.add("execution of a cycle that is not there: without one", key)
        return found

    def _environment(self, row: Row, key: str) -> str | None:
        environment = row.get("environment")
        found = self._shared.options.name(OptionType.ENVIRONMENT, environment)
        if environment and found is None:
            self._shared.losses.add("unknown environment left out", key)
        return found

    def _steps(self, details: Row, key: str) -> tuple[tuple[ExecutionStepRow, ...], dict[Any, int]]:
        """The steps, and their new ids by the source's. There are too many to keep the old ones."""
        rows, ids = [], {}
        for step in details.get("steps") or []:
            self._step_count += 1
            ident = self._shared.id(self._step_count)
            if step.get("id") is not None:
                ids[step["id"]] = ident
            rows.append(self._step(ident, step, key))
        return tuple(rows), ids

    def _step(self, ident: int, step: Row, key: str) -> ExecutionStepRow:
        inline = step.get("inline") or {}
        return ExecutionStepRow(
            id=ident,
            inline=ExecutionInlineStepRow(
                description=inline.get("description"),
                test_data=inline.get("testData"),
                expected_result=inline.get("expectedResult"),
                actual_result=inline.get("actualResult"),
                test_data_row_number=inline.get("testDataRowNumber"),
                reflect_ref=inline.get("reflectRef"),
                status_name=self._shared.options.required(_RUN, inline.get("status"), key),
            ),
        )
