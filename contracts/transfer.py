"""The archive of a project: what an export writes and an import reads.

A zip of JSON Lines, one member per kind, rows of which are these models; docs/export-format.md is
the page for people. Names are the public API's. What has a key is named by its key, options and
custom fields by their names, folders by their public ids; nothing is named by a database's id.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from contracts.base import Contract
from contracts.classes import DataClass
from contracts.customfields import CustomFieldEntity, CustomFieldType
from contracts.ids import MAX_ID, NUMBER_MASK, PROJECT_KEY_PATTERN, ProjectId
from contracts.testcases import MAX_NAME_LENGTH, OptionType

FORMAT = "ostro-project"
VERSION = 1
"""Readers refuse any other."""
MANIFEST = "manifest.json"
FILES = "attachments/"
"""The bytes of attachment 7 are the member ``attachments/7``."""
MAX_ROW_BYTES = 16 * 1024 * 1024
"""Of one line: what MongoDB stores in a document is no longer."""
_MAX_INT64 = 2**63 - 1


class Part(StrEnum):
    """What an archive holds: a project needs both, the library first."""

    LIBRARY = "library"
    EXECUTIONS = "executions"


class Member(StrEnum):
    """A member that holds rows, sorted by id, none twice."""

    OPTIONS = "options.jsonl"
    CUSTOM_FIELDS = "customFields.jsonl"
    FOLDERS = "folders.jsonl"
    TEST_CASES = "testCases.jsonl"
    TEST_CASE_VERSIONS = "testCaseVersions.jsonl"
    """Older versions, by test case and then by version."""
    TEST_PLANS = "testPlans.jsonl"
    TEST_CYCLES = "testCycles.jsonl"
    TEST_EXECUTIONS = "testExecutions.jsonl"
    ATTACHMENTS = "attachments.jsonl"


class SourceKind(StrEnum):
    """Where the data comes from."""

    OSTRO = "ostro"
    ZEPHYR_SCALE_CLOUD = "zephyr-scale-cloud"


class Row(Contract):
    """Base: camelCase, and nothing that is unknown or of another type than it should be."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        alias_generator=to_camel,
        populate_by_name=True,
    )


def _utc(moment: datetime) -> datetime:
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


_PublicId = Annotated[int, Field(ge=1, le=MAX_ID), DataClass.OPERATIONAL]
_JiraId = Annotated[int, Field(ge=1, le=_MAX_INT64), DataClass.JIRA_ID]
_Account = Annotated[str, Field(pattern=r"^[-:a-zA-Z0-9]{1,128}$"), DataClass.JIRA_ID]
_Name = Annotated[
    str, Field(min_length=1, max_length=MAX_NAME_LENGTH, pattern=r"\S"), DataClass.CUSTOMER_CONTENT
]
_Text = Annotated[str, DataClass.CUSTOMER_CONTENT]
_Index = Annotated[int, Field(ge=0, le=_MAX_INT64), DataClass.OPERATIONAL]
_Flag = Annotated[bool, DataClass.OPERATIONAL]
_Milliseconds = Annotated[int, Field(ge=0, le=_MAX_INT64), DataClass.OPERATIONAL]
_Version = Annotated[int, Field(ge=1, le=2**31 - 1), DataClass.OPERATIONAL]
_Moment = Annotated[AwareDatetime, AfterValidator(_utc), DataClass.OPERATIONAL]
"""UTC, whole milliseconds."""


def _key(letter: str) -> object:
    return Field(pattern=rf"^{PROJECT_KEY_PATTERN}-{letter}[1-9][0-9]{{0,9}}$", max_length=80)


_CaseKey = Annotated[str, _key("T"), DataClass.OPERATIONAL]
_CycleKey = Annotated[str, _key("R"), DataClass.OPERATIONAL]
_PlanKey = Annotated[str, _key("P"), DataClass.OPERATIONAL]
_ExecutionKey = Annotated[str, _key("E"), DataClass.OPERATIONAL]
_OptionalText = Annotated[_Text | None, DataClass.CUSTOMER_CONTENT]
_OptionalPublicId = Annotated[_PublicId | None, DataClass.OPERATIONAL]
_OptionalJiraId = Annotated[_JiraId | None, DataClass.JIRA_ID]
_OptionalAccount = Annotated[_Account | None, DataClass.JIRA_ID]
_OptionalName = Annotated[_Name | None, DataClass.CUSTOMER_CONTENT]
_OptionalMilliseconds = Annotated[_Milliseconds | None, DataClass.OPERATIONAL]
_OptionalMoment = Annotated[_Moment | None, DataClass.OPERATIONAL]
_OptionalCycleKey = Annotated[_CycleKey | None, DataClass.OPERATIONAL]
_CustomFields = Annotated[
    dict[str, str | int | float | bool | list[str]], DataClass.CUSTOMER_CONTENT
]
"""By the name of the field: text, number, truth, ``yyyy-MM-dd``, account id, the name of an
option or several. What is not set is left out."""


class LinkType(StrEnum):
    """How a link relates what it links."""

    COVERAGE = "COVERAGE"
    BLOCKS = "BLOCKS"
    RELATED = "RELATED"


class LinkRow(Row):
    """A link to an issue, to a page, or of a test plan to a test cycle: one of the three.

    The number in the id is odd for links of test cases; otherwise it leaves, divided by 8, 0 for
    a link of a cycle, 2 of an execution, 4 of a plan.
    """

    id: _PublicId
    type: Annotated[LinkType, DataClass.OPERATIONAL] = LinkType.COVERAGE
    issue_id: _OptionalJiraId = None
    url: _OptionalText = None
    description: _OptionalText = None
    """Of a page."""
    test_cycle_key: _OptionalCycleKey = None

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        ends = [self.issue_id, self.url, self.test_cycle_key]
        if sum(end is not None for end in ends) != 1:
            raise ValueError("needs one of issueId, url and testCycleKey")
        if self.description is not None and self.url is None:
            raise ValueError("only a link to a page has a description")
        return self


class Aside(StrEnum):
    """How something was put into the archive of its project."""

    ITSELF = "itself"
    ALONG = "along"
    """With what it is in."""


_Aside = Annotated[Aside | None, DataClass.OPERATIONAL]


class OptionRow(Row):
    """A status, priority or environment.

    Numbers 1 to 17 in ids are those of the options that every project starts with
    (``contracts.testcases.DEFAULT_OPTIONS``), whatever they are called now; others begin at 101.
    """

    id: _PublicId
    type: Annotated[OptionType, DataClass.OPERATIONAL]
    name: _Name
    description: _OptionalText = None
    color: _OptionalText = None
    index: _Index
    default: _Flag = False
    archived: _Flag = False


class CustomFieldOptionRow(Row):
    """An option of a select list; its id counts within the field, from 1."""

    id: Annotated[int, Field(ge=1, le=_MAX_INT64), DataClass.OPERATIONAL]
    name: _Name
    default: _Flag = False
    archived: _Flag = False


class CustomFieldRow(Row):
    """The definition of a custom field."""

    id: _PublicId
    entity: Annotated[CustomFieldEntity, DataClass.OPERATIONAL]
    type: Annotated[CustomFieldType, DataClass.OPERATIONAL]
    name: _Name
    index: _Index
    required: _Flag = False
    options: tuple[CustomFieldOptionRow, ...] = ()


class FolderType(StrEnum):
    """What a folder holds."""

    TEST_CASE = "TEST_CASE"
    TEST_PLAN = "TEST_PLAN"
    TEST_CYCLE = "TEST_CYCLE"


class FolderRow(Row):
    """A folder."""

    id: _PublicId
    folder_type: Annotated[FolderType, DataClass.OPERATIONAL]
    name: _Name
    index: _Index
    parent_id: _OptionalPublicId = None
    """None at the root."""
    archived: _Aside = None


class InlineStepRow(Row):
    """A step written out."""

    description: _OptionalText = None
    test_data: _OptionalText = None
    expected_result: _OptionalText = None
    reflect_ref: _OptionalText = None
    custom_fields: _CustomFields = Field(default_factory=dict)


class ParameterType(StrEnum):
    """Where the value of a parameter comes from."""

    MANUAL_INPUT = "MANUAL_INPUT"
    DEFAULT_VALUE = "DEFAULT_VALUE"


class CallParameterRow(Row):
    """A parameter of a called test case."""

    name: _OptionalText = None
    type: Annotated[ParameterType | None, DataClass.OPERATIONAL] = None
    value: _OptionalText = None


class CallRow(Row):
    """A call of another test case."""

    test_case_key: _CaseKey
    parameters: tuple[CallParameterRow, ...] | None = None


class StepRow(Row):
    """One step: written out, or a call."""

    id: _PublicId
    inline: InlineStepRow | None = None
    test_case: CallRow | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.inline is None) == (self.test_case is None):
            raise ValueError("needs one of inline and testCase")
        return self


class ScriptType(StrEnum):
    """What a script is made of."""

    STEPS = "steps"
    PLAIN = "plain"
    BDD = "bdd"


class ScriptRow(Row):
    """Steps, or a text."""

    type: Annotated[ScriptType, DataClass.OPERATIONAL]
    steps: tuple[StepRow, ...] = ()
    text: _OptionalText = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.type is ScriptType.STEPS) != (self.text is None):
            raise ValueError("steps have no text, everything else has one")
        if self.steps and self.text is not None:
            raise ValueError("a text has no steps")
        return self


class TestCaseRow(Row):
    """A test case as one of its versions says."""

    __test__ = False  # not a pytest class

    id: _PublicId
    key: _CaseKey
    version: _Version
    version_id: _PublicId
    """Of the version: what ``testCase.id`` of its executions shows."""
    name: _Name
    created_on: _Moment
    objective: _OptionalText = None
    precondition: _OptionalText = None
    estimated_time: _OptionalMilliseconds = None
    labels: Annotated[tuple[str, ...], DataClass.CUSTOMER_CONTENT] = ()
    component_id: _OptionalJiraId = None
    priority_name: _Name
    status_name: _Name
    folder_id: _OptionalPublicId = None
    owner_id: _OptionalAccount = None
    custom_fields: _CustomFields = Field(default_factory=dict)
    script: ScriptRow
    links: tuple[LinkRow, ...] = ()
    """Of the newest version."""
    archived: _Aside = None


class TestPlanRow(Row):
    """A test plan."""

    __test__ = False

    id: _PublicId
    key: _PlanKey
    name: _Name
    created_on: _Moment
    objective: _OptionalText = None
    status_name: _Name
    folder_id: _OptionalPublicId = None
    owner_id: _OptionalAccount = None
    labels: Annotated[tuple[str, ...], DataClass.CUSTOMER_CONTENT] = ()
    custom_fields: _CustomFields = Field(default_factory=dict)
    links: tuple[LinkRow, ...] = ()
    archived: _Aside = None


class TestCycleRow(Row):
    """A test cycle."""

    __test__ = False

    id: _PublicId
    key: _CycleKey
    name: _Name
    created_on: _Moment
    description: _OptionalText = None
    status_name: _Name
    folder_id: _OptionalPublicId = None
    jira_project_version: _OptionalJiraId = None
    planned_start_date: _OptionalMoment = None
    planned_end_date: _OptionalMoment = None
    owner_id: _OptionalAccount = None
    custom_fields: _CustomFields = Field(default_factory=dict)
    links: tuple[LinkRow, ...] = ()
    archived: _Aside = None


class ExecutionInlineStepRow(Row):
    """What a step said, and what came of it."""

    description: _OptionalText = None
    test_data: _OptionalText = None
    expected_result: _OptionalText = None
    actual_result: _OptionalText = None
    test_data_row_number: Annotated[int | None, DataClass.OPERATIONAL] = None
    reflect_ref: _OptionalText = None
    status_name: _Name
    actual_end_date: _OptionalMoment = None


class ExecutionStepRow(Row):
    """One step of a test execution; ids are unique among those of all executions."""

    id: _PublicId
    inline: ExecutionInlineStepRow


class TestExecutionRow(Row):
    """A test execution."""

    __test__ = False

    id: _PublicId
    key: _ExecutionKey
    test_case_key: _CaseKey
    test_case_version: _Version
    test_case_version_id: _PublicId
    test_cycle_key: _OptionalCycleKey = None
    status_name: _Name
    environment_name: _OptionalName = None
    jira_project_version: _OptionalJiraId = None
    actual_end_date: _Moment
    estimated_time: _OptionalMilliseconds = None
    execution_time: _OptionalMilliseconds = None
    executed_by_id: _OptionalAccount = None
    assigned_to_id: _OptionalAccount = None
    comment: _OptionalText = None
    automated: _Flag = False
    custom_fields: _CustomFields = Field(default_factory=dict)
    steps: tuple[ExecutionStepRow, ...] = ()
    links: tuple[LinkRow, ...] = ()
    archived: _Aside = None


class OwnerKind(StrEnum):
    """What a file is attached to."""

    TEST_CASE = "test-case"
    TEST_PLAN = "test-plan"
    TEST_CYCLE = "test-cycle"
    TEST_EXECUTION = "test-execution"


class AttachmentRow(Row):
    """An attached file; its bytes are the member ``attachments/{id}``."""

    id: _PublicId
    owner: Annotated[OwnerKind, DataClass.OPERATIONAL]
    owner_key: Annotated[str, _key("[TPRE]"), DataClass.OPERATIONAL]
    step_id: _OptionalPublicId = None
    """A step of the owner."""
    name: Annotated[
        str, Field(min_length=1, max_length=MAX_NAME_LENGTH), DataClass.CUSTOMER_CONTENT
    ]
    content_type: Annotated[str, Field(min_length=1, max_length=255), DataClass.CUSTOMER_CONTENT]
    size: Annotated[int, Field(ge=1, le=_MAX_INT64), DataClass.OPERATIONAL]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$"), DataClass.CUSTOMER_CONTENT]


class Source(Row):
    """Where an archive comes from."""

    kind: Annotated[SourceKind, DataClass.OPERATIONAL]
    site_url: Annotated[str | None, Field(max_length=2_048), DataClass.JIRA_ID] = None
    """Base URL of the Jira site; its ids mean nothing on another one."""


class ExportedProject(Row):
    """The project; its id and key are those in all ids and keys of the archive."""

    id: Annotated[int, AfterValidator(ProjectId), DataClass.OPERATIONAL]
    key: Annotated[
        str, Field(pattern=rf"^{PROJECT_KEY_PATTERN}$", max_length=64), DataClass.JIRA_ID
    ]


class MemberEntry(Row):
    """What a member of rows holds, before compression."""

    rows: Annotated[int, Field(ge=0), DataClass.OPERATIONAL]
    size: Annotated[int, Field(ge=0), DataClass.OPERATIONAL]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$"), DataClass.OPERATIONAL]


class Manifest(Row):
    """``manifest.json``, the last member."""

    format: Annotated[str, DataClass.OPERATIONAL] = FORMAT
    version: Annotated[int, DataClass.OPERATIONAL] = VERSION
    part: Annotated[Part, DataClass.OPERATIONAL]
    source: Source
    project: ExportedProject
    created_on: _Moment
    members: dict[Annotated[Member, DataClass.OPERATIONAL], MemberEntry]
    """All members of the part, empty ones too."""
    last_numbers: Annotated[
        dict[str, Annotated[int, Field(ge=0, le=NUMBER_MASK)]], DataClass.OPERATIONAL
    ] = Field(default_factory=dict)
    """By letter of key (T, P, R, E): numbers up to these were given away, and are not given again.
    Without it, those up to the highest that is there."""


ROWS: dict[Part, dict[Member, type[Row]]] = {
    Part.LIBRARY: {
        Member.OPTIONS: OptionRow,
        Member.CUSTOM_FIELDS: CustomFieldRow,
        Member.FOLDERS: FolderRow,
        Member.TEST_CASES: TestCaseRow,
        Member.TEST_CASE_VERSIONS: TestCaseRow,
        Member.ATTACHMENTS: AttachmentRow,
    },
    Part.EXECUTIONS: {
        Member.TEST_PLANS: TestPlanRow,
        Member.TEST_CYCLES: TestCycleRow,
        Member.TEST_EXECUTIONS: TestExecutionRow,
        Member.ATTACHMENTS: AttachmentRow,
    },
}
"""The members of each part, in their order in the archive, and what their rows are."""
