"""Test plans and test cycles as rows of the archive."""

from collections.abc import Iterator
from typing import Any

from contracts.customfields import CustomFieldEntity
from contracts.ids import Kind
from contracts.testcases import OptionType
from contracts.transfer import FolderType, LinkRow, OwnerKind, TestCycleRow, TestPlanRow
from tools.zephyr.convert.attached import Attached
from tools.zephyr.convert.links import Links
from tools.zephyr.convert.shared import Shared
from tools.zephyr.convert.texts import moment, reference
from tools.zephyr.kinds import CYCLES, PLANS
from tools.zephyr.strays import STRAYS
from tools.zephyr.workdir import Row


class CycleKeys:
    """Keys of cycles by the source's id: of this project, and of others in the target."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._keys: dict[Any, str] = {}
        for row in shared.workdir.latest(CYCLES.name):
            number = shared.number(row.get("key"), Kind.TEST_CYCLE)
            if number is not None:
                self._keys[row["id"]] = shared.own(number, Kind.TEST_CYCLE)
        for stray, _ in shared.workdir.walk(STRAYS):
            key = (stray["row"] or {}).get("key")
            if stray["path"] == CYCLES.name and key in shared.elsewhere:
                self._keys[stray["id"]] = str(key)

    def of(self, ident: Any) -> str | None:
        """Return the key; None for what is not in the target."""
        return self._keys.get(ident)


class Plans:
    """Makes the rows of plans."""

    def __init__(self, shared: Shared, cycles: CycleKeys, attached: Attached) -> None:
        self._shared = shared
        self._cycles = cycles
        self._attached = attached
        self._links = Links(shared.project, shared.losses, 4, 8)

    def rows(self) -> Iterator[TestPlanRow]:
        """Yield the plans, by number."""
        shared, details = self._shared, self._shared.details(PLANS.details)
        for number, row in shared.in_order(PLANS.name, Kind.TEST_PLAN):
            key = shared.own(number, Kind.TEST_PLAN)
            self._attached.add(OwnerKind.TEST_PLAN, key, details.of(row))
            yield TestPlanRow(
                id=shared.id(number),
                key=key,
                name=shared.texts.name(row.get("name"), key),
                created_on=shared.read_on,
                objective=row.get("objective"),
                status_name=shared.options.required(OptionType.TEST_PLAN, row.get("status"), key),
                folder_id=shared.folders.id(row.get("folder"), FolderType.TEST_PLAN, key),
                owner_id=shared.texts.account(row.get("owner"), key),
                labels=shared.texts.labels(row.get("labels"), key),
                custom_fields=shared.values.of(
                    CustomFieldEntity.TEST_PLAN, row.get("customFields"), key
                ),
                links=(*self._links.rows(row.get("links"), key), *self._to_cycles(row, key)),
            )

    def _to_cycles(self, row: Row, key: str) -> Iterator[LinkRow]:
        for link in (row.get("links") or {}).get("testCycles") or []:
            cycle = self._cycles.of(link.get("testCycleId"))
            if cycle is None:
                self._shared.losses.add("link to a test cycle that is not in the target", key)
            else:
                yield self._links.cycle(link, cycle)


class Cycles:
    """Makes the rows of cycles."""

    def __init__(self, shared: Shared, attached: Attached) -> None:
        self._shared = shared
        self._attached = attached
        self._links = Links(shared.project, shared.losses, 0, 8)

    def rows(self) -> Iterator[TestCycleRow]:
        """Yield the cycles, by number."""
        shared, details = self._shared, self._shared.details(CYCLES.details)
        for number, row in shared.in_order(CYCLES.name, Kind.TEST_CYCLE):
            key = shared.own(number, Kind.TEST_CYCLE)
            self._attached.add(OwnerKind.TEST_CYCLE, key, details.of(row))
            yield TestCycleRow(
                id=shared.id(number),
                key=key,
                name=shared.texts.name(row.get("name"), key),
                created_on=shared.read_on,
                description=row.get("description"),
                status_name=shared.options.required(OptionType.TEST_CYCLE, row.get("status"), key),
                folder_id=shared.folders.id(row.get("folder"), FolderType.TEST_CYCLE, key),
                jira_project_version=reference(row.get("jiraProjectVersion")),
                planned_start_date=moment(row.get("plannedStartDate")),
                planned_end_date=moment(row.get("plannedEndDate")),
                owner_id=shared.texts.account(row.get("owner"), key),
                custom_fields=shared.values.of(
                    CustomFieldEntity.TEST_CYCLE, row.get("customFields"), key
                ),
                links=self._links.rows(row.get("links"), key),
            )
