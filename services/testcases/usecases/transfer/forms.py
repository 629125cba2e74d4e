"""A library as rows of an archive, and back."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

from contracts.customfields import (
    CustomFieldEntity,
    CustomFieldFault,
    CustomFieldOption,
    Value,
    name_values,
    restored_values,
)
from contracts.ids import EntityKey, Kind, number_of, parse_key, public_id
from contracts.testcases import OptionType
from contracts.transfer import (
    CallParameterRow,
    CallRow,
    CustomFieldOptionRow,
    CustomFieldRow,
    FolderRow,
    InlineStepRow,
    LinkRow,
    OptionRow,
    ScriptRow,
    StepRow,
    TestCaseRow,
)
from contracts.transfer import FolderType as RowFolderType
from contracts.transfer import LinkType as RowLinkType
from contracts.transfer import ParameterType as RowParameterType
from contracts.transfer import ScriptType as RowScriptType
from kit.errors import InvalidInput
from services.testcases.domain.customfields import CustomField
from services.testcases.domain.folders import Folder, FolderType
from services.testcases.domain.links import IssueLink, Link, LinkType, WebLink
from services.testcases.domain.options import Option, name_key
from services.testcases.domain.scripts import (
    CallParameter,
    CallStep,
    InlineStep,
    ParameterType,
    Script,
    ScriptType,
    Step,
    StepsScript,
    TextScript,
)
from services.testcases.domain.testcases import TestCase
from services.testcases.usecases.transfer.ports import WholeCase, WholeFolder

_CASE, _STEP = CustomFieldEntity.TEST_CASE, CustomFieldEntity.TEST_STEP


def option_row(option: Option) -> OptionRow:
    """Render an option."""
    return OptionRow(
        id=option.id,
        type=option.type,
        name=option.name,
        description=option.description,
        color=option.color,
        index=option.index,
        default=option.default,
        archived=option.archived,
    )


def field_row(found: CustomField) -> CustomFieldRow:
    """Render a definition of a custom field."""
    return CustomFieldRow(
        id=found.id,
        entity=found.entity,
        type=found.type,
        name=found.name,
        index=found.index,
        required=found.required,
        options=tuple(
            CustomFieldOptionRow(id=o.id, name=o.name, default=o.default, archived=o.archived)
            for o in found.options
        ),
    )


def folder_row(whole: WholeFolder, folders: Container[int]) -> FolderRow:
    """Render a folder; one whose parent is not among the folders stands at the root."""
    folder = whole.folder
    return FolderRow(
        id=folder.id,
        folder_type=RowFolderType(folder.type),
        name=folder.name,
        index=folder.index,
        parent_id=folder.parent if folder.parent in folders else None,
        archived=whole.aside,
    )


@dataclass
class CaseRows:
    """Renders test cases of one project."""

    project_key: str
    options: Mapping[int, str]
    """Names by id."""
    fields: Mapping[CustomFieldEntity, Sequence[CustomField]]
    folders: Container[int] = ()
    """Those that are there: what lies in another one comes back at the root."""
    cases: Container[int] | None = None
    """Numbers of the cases that are there, once they are known: other calls are written out."""

    def row(self, whole: WholeCase) -> TestCaseRow:
        """Render a version of a case."""
        case = whole.case
        return TestCaseRow(
            id=case.id,
            key=str(EntityKey(self.project_key, Kind.TEST_CASE, number_of(case.id))),
            version=case.version,
            version_id=case.version_id,
            name=case.name,
            created_on=case.created_on,
            objective=case.objective,
            precondition=case.precondition,
            estimated_time=case.estimated_time,
            labels=case.labels,
            component_id=case.component,
            priority_name=self.options[case.priority],
            status_name=self.options[case.status],
            folder_id=case.folder if case.folder in self.folders else None,
            owner_id=case.owner,
            custom_fields=name_values(self.fields.get(_CASE, ()), case.custom_fields),
            script=self._script(whole.script),
            links=tuple(_link_row(link) for link in case.links),
            archived=whole.aside,
        )

    def _script(self, script: Script) -> ScriptRow:
        if isinstance(script, TextScript):
            return ScriptRow(type=RowScriptType(script.type), text=script.text)
        steps = tuple(self._step(step) for step in script.steps)
        return ScriptRow(type=RowScriptType.STEPS, steps=steps)

    def _step(self, step: Step) -> StepRow:
        action = step.action
        if isinstance(action, CallStep) and self._gone(action):
            action = InlineStep(description=f"Call of test case {action.key}, which was deleted.")
        if isinstance(action, CallStep):
            parameters = action.parameters
            rows = None if parameters is None else tuple(_parameter_row(p) for p in parameters)
            call = CallRow(test_case_key=action.key, parameters=rows)
            return StepRow(id=step.id, test_case=call)
        inline = InlineStepRow(
            description=action.description,
            test_data=action.test_data,
            expected_result=action.expected_result,
            reflect_ref=action.reflect_ref,
            custom_fields=name_values(self.fields.get(_STEP, ()), action.custom_fields),
        )
        return StepRow(id=step.id, inline=inline)

    def _gone(self, call: CallStep) -> bool:
        key = parse_key(call.key, Kind.TEST_CASE)
        mine = key is not None and key.project_key == self.project_key
        return mine and self.cases is not None and number_of(call.case) not in self.cases


def _parameter_row(parameter: CallParameter) -> CallParameterRow:
    kind = None if parameter.type is None else RowParameterType(parameter.type)
    return CallParameterRow(name=parameter.name, type=kind, value=parameter.value)


def _link_row(link: Link) -> LinkRow:
    kind = RowLinkType(link.type)
    if isinstance(link, IssueLink):
        return LinkRow(id=link.id, type=kind, issue_id=link.issue)
    return LinkRow(id=link.id, type=kind, url=link.url, description=link.description)


@dataclass
class Renumbered:
    """Turns rows into what is stored in one project; ids keep their numbers."""

    project: int
    project_key: str
    source_key: str
    keep_jira: bool
    options: dict[tuple[OptionType, str], int] = field(default_factory=dict)
    """By type and ``name_key``."""
    fields: dict[CustomFieldEntity, list[CustomField]] = field(default_factory=dict)
    calls: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Cases of other projects that are called: id and key here, by key there."""
    dropped: Container[str] = ()
    """Keys of called cases that are not here; calls of them become texts."""

    def id(self, ident: int) -> int:
        """Return the public id here."""
        return public_id(self.project, number_of(ident))

    def option(self, row: OptionRow) -> Option:
        """Read an option."""
        return Option(
            id=self.id(row.id),
            project=self.project,
            type=row.type,
            name=row.name,
            index=row.index,
            description=row.description,
            color=row.color,
            default=row.default,
            archived=row.archived,
        )

    def field(self, row: CustomFieldRow) -> CustomField:
        """Read a definition of a custom field."""
        return CustomField(
            id=self.id(row.id),
            project=self.project,
            entity=row.entity,
            type=row.type,
            name=row.name,
            index=row.index,
            required=row.required,
            options=tuple(
                CustomFieldOption(id=o.id, name=o.name, default=o.default, archived=o.archived)
                for o in row.options
            ),
        )

    def folder(self, row: FolderRow) -> WholeFolder:
        """Read a folder."""
        folder = Folder(
            id=self.id(row.id),
            project=self.project,
            type=FolderType(row.folder_type),
            name=row.name,
            index=row.index,
            parent=None if row.parent_id is None else self.id(row.parent_id),
        )
        return WholeFolder(folder, row.archived)

    def case(self, row: TestCaseRow, where: str) -> WholeCase:
        """Read a version of a case; ``InvalidInput`` for a name that leads to nothing."""
        kept = [link for link in row.links if link.issue_id is None or self.keep_jira]
        case = TestCase(
            id=self.id(row.id),
            project=self.project,
            name=row.name,
            version=row.version,
            version_id=self.id(row.version_id),
            priority=self._option(OptionType.PRIORITY, row.priority_name, where),
            status=self._option(OptionType.TEST_CASE, row.status_name, where),
            created_on=row.created_on,
            updated_on=row.created_on,
            objective=row.objective,
            precondition=row.precondition,
            estimated_time=row.estimated_time,
            labels=row.labels,
            component=row.component_id if self.keep_jira else None,
            folder=None if row.folder_id is None else self.id(row.folder_id),
            owner=row.owner_id,
            script=ScriptType(row.script.type),
            custom_fields=self._values(_CASE, row.custom_fields, where),
            links=tuple(self._link(link) for link in kept),
        )
        return WholeCase(case, self._script(row.script, where), row.archived)

    def called(self, key: str) -> tuple[int, str] | None:
        """Return the case here that a key of the archive names; None: of a project not known."""
        parsed = parse_key(key, Kind.TEST_CASE)
        if parsed is not None and parsed.project_key == self.source_key:
            here = EntityKey(self.project_key, Kind.TEST_CASE, parsed.number)
            return public_id(self.project, parsed.number), str(here)
        return self.calls.get(key)

    def _script(self, row: ScriptRow, where: str) -> Script:
        if row.text is not None:
            return TextScript(ScriptType(row.type), row.text)
        return StepsScript(tuple(self._step(step, where) for step in row.steps))

    def _step(self, row: StepRow, where: str) -> Step:
        if row.test_case is not None and row.test_case.test_case_key in self.dropped:
            text = f"Call of test case {row.test_case.test_case_key}, which did not come along."
            return Step(self.id(row.id), InlineStep(description=text))
        if row.test_case is not None:
            found = self.called(row.test_case.test_case_key)
            if found is None:
                raise InvalidInput(
                    f"{where}: it calls {row.test_case.test_case_key}, unknown here."
                )
            rows = row.test_case.parameters
            parameters = None if rows is None else tuple(_parameter(p) for p in rows)
            return Step(self.id(row.id), CallStep(*found, parameters))
        assert row.inline is not None
        inline = row.inline
        action = InlineStep(
            description=inline.description,
            test_data=inline.test_data,
            expected_result=inline.expected_result,
            reflect_ref=inline.reflect_ref,
            custom_fields=self._values(_STEP, inline.custom_fields, where),
        )
        return Step(self.id(row.id), action)

    def _link(self, row: LinkRow) -> Link:
        kind = LinkType(row.type)
        if row.issue_id is not None:
            return IssueLink(self.id(row.id), row.issue_id, kind)
        return WebLink(self.id(row.id), str(row.url), row.description, kind)

    def _option(self, kind: OptionType, name: str, where: str) -> int:
        found = self.options.get((kind, name_key(name)))
        if found is None:
            raise InvalidInput(f"{where}: there is no {kind.value} '{name}' among the options.")
        return found

    def _values(
        self, entity: CustomFieldEntity, named: Mapping[str, object], where: str
    ) -> Mapping[int, Value]:
        if not named:
            return {}
        try:
            return restored_values(self.fields.get(entity, []), named)
        except CustomFieldFault as fault:
            raise InvalidInput(f"{where}: {fault}") from None


def _parameter(row: CallParameterRow) -> CallParameter:
    kind = None if row.type is None else ParameterType(row.type)
    return CallParameter(row.name, kind, row.value)
