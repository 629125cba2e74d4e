"""Test cases and their versions as rows of the archive."""

from collections.abc import Iterator
from typing import Any

from contracts.customfields import CustomFieldEntity
from contracts.ids import Kind
from contracts.testcases import OptionType
from contracts.transfer import (
    CallParameterRow,
    CallRow,
    FolderType,
    InlineStepRow,
    LinkRow,
    OwnerKind,
    ParameterType,
    ScriptRow,
    ScriptType,
    StepRow,
    TestCaseRow,
)
from tools.zephyr.convert.attached import Attached
from tools.zephyr.convert.links import Links
from tools.zephyr.convert.numbers import Numbers
from tools.zephyr.convert.shared import Shared
from tools.zephyr.convert.texts import amount, moment, reference
from tools.zephyr.convert.versions import Versions
from tools.zephyr.kinds import CASES
from tools.zephyr.workdir import Row

_STEPS = 1_000


class Cases:
    """Makes the rows of cases; ``steps`` numbers are unique among all cases."""

    def __init__(self, shared: Shared, versions: Versions, attached: Attached) -> None:
        self._shared = shared
        self._versions = versions
        self._attached = attached
        self._details = shared.details(CASES.details)
        self._links = Links(shared.project, shared.losses, 1, 2)
        self._steps = Numbers()

    def newest(self) -> Iterator[TestCaseRow]:
        """Yield the newest version of each case, by number."""
        for number, row in self._shared.in_order(CASES.name, Kind.TEST_CASE):
            key = self._shared.own(number, Kind.TEST_CASE)
            details = self._details.of(row)
            script, steps = self._script(details.get("script"), key)
            self._attached.add(OwnerKind.TEST_CASE, key, details, steps)
            links = self._links.rows(row.get("links"), key)
            version = self._versions.newest(number)
            yield self._row(number, row, version, script, links)

    def older(self) -> Iterator[TestCaseRow]:
        """Yield the versions before; the API shows no scripts of them."""
        for number, row in self._shared.in_order(CASES.name, Kind.TEST_CASE):
            for version in self._details.of(row).get("versions") or []:
                content = version["content"]
                if content is not None and self._versions.has(number, version["number"]):
                    key = self._shared.own(number, Kind.TEST_CASE)
                    self._shared.losses.add("script of an older version (not shown)", key)
                    empty = ScriptRow(type=ScriptType.STEPS)
                    yield self._row(number, content, version["number"], empty, ())

    def _row(
        self,
        number: int,
        row: Row,
        version: int,
        script: ScriptRow,
        links: tuple[LinkRow, ...],
    ) -> TestCaseRow:
        shared, key = self._shared, self._shared.own(number, Kind.TEST_CASE)
        options, texts = shared.options, shared.texts
        return TestCaseRow(
            id=shared.id(number),
            key=key,
            version=version,
            version_id=shared.id(self._versions.id(number, version)),
            name=texts.name(row.get("name"), key),
            created_on=moment(row.get("createdOn")) or shared.read_on,
            objective=row.get("objective"),
            precondition=row.get("precondition"),
            estimated_time=amount(row.get("estimatedTime")),
            labels=texts.labels(row.get("labels"), key),
            component_id=reference(row.get("component")),
            priority_name=options.required(OptionType.PRIORITY, row.get("priority"), key),
            status_name=options.required(OptionType.TEST_CASE, row.get("status"), key),
            folder_id=shared.folders.id(row.get("folder"), FolderType.TEST_CASE, key),
            owner_id=texts.account(row.get("owner"), key),
            custom_fields=shared.values.of(
                CustomFieldEntity.TEST_CASE, row.get("customFields"), key
            ),
            script=script,
            links=links,
        )

    def _script(self, script: Row | None, key: str) -> tuple[ScriptRow, dict[Any, int]]:
        """The script, and new ids of steps by the source's."""
        if script is None:
            return ScriptRow(type=ScriptType.STEPS), {}
        if script["type"] != ScriptType.STEPS:
            return self._text(script, key), {}
        given, ids = script["steps"], {}
        if len(given) > _STEPS:
            self._shared.losses.add(f"steps beyond {_STEPS} left out", key)
        rows = []
        for step in given[:_STEPS]:
            ident = self._shared.id(self._steps.take(step.get("id")))
            if step.get("id") is not None:
                ids[step["id"]] = ident
            rows.append(self._step(ident, step, key))
        return ScriptRow(type=ScriptType.STEPS, steps=tuple(rows)), ids

    def _text(self, script: Row, key: str) -> ScriptRow:
        kind = script["type"]
        if kind not in {ScriptType.PLAIN, ScriptType.BDD}:
            self._shared.losses.add(f"script of the unknown type {kind}, as plain text", key)
            kind = ScriptType.PLAIN
        return ScriptRow(type=ScriptType(kind), text=str(script["text"]))

    def _step(self, ident: int, step: Row, key: str) -> StepRow:
        call = step.get("testCase")
        if call:
            target = self._called(str(call.get("testCaseKey") or ""))
            if target is not None:
                given = call.get("parameters")
                rows = None if given is None else tuple(_parameter(p) for p in given)
                return StepRow(id=ident, test_case=CallRow(test_case_key=target, parameters=rows))
            self._shared.losses.add("call of a test case that is not in the target, as text", key)
            text = f"Call to test {call.get('testCaseKey')}"
            return StepRow(id=ident, inline=InlineStepRow(description=text))
        inline = step.get("inline") or {}
        return StepRow(
            id=ident,
            inline=InlineStepRow(
                description=inline.get("description"),
                test_data=inline.get("testData"),
                expected_result=inline.get("expectedResult"),
                reflect_ref=inline.get("reflectRef"),
                custom_fields=self._shared.values.of(
                    CustomFieldEntity.TEST_STEP, inline.get("customFields"), key
                ),
            ),
        )

    def _called(self, key: str) -> str | None:
        number = self._shared.number(key, Kind.TEST_CASE)
        if number is None:
            return key if key in self._shared.elsewhere else None
        return self._shared.own(number, Kind.TEST_CASE) if self._versions.known(number) else None


def _parameter(given: Row) -> CallParameterRow:
    kind = given.get("type")
    return CallParameterRow(
        name=given.get("name"),
        type=ParameterType(kind) if kind in set(ParameterType) else None,
        value=given.get("value"),
    )
