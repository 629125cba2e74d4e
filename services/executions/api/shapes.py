"""The shapes of answers, field for field the vendor's (openapi-facts, components)."""

from typing import Any, NotRequired

from typing_extensions import TypedDict

from kit.http.references import ResourceRef, UserRef


class IssueLink(TypedDict):
    """A link to an issue; ``target`` is left out where there is no Jira site to point at."""

    issueId: int
    id: int
    self: str
    target: NotRequired[str]
    type: str


class WebLink(TypedDict):
    """A link to a page; ``description`` is left out where there is none."""

    description: NotRequired[str]
    url: str
    id: int
    self: str
    type: str


class ExecutionLinks(TypedDict):
    """Links of a test execution, the oldest first."""

    self: str
    issues: list[IssueLink]


class PlanOfCycle(TypedDict):
    """A plan that is linked to a cycle; ``target`` is where the API shows it."""

    id: int
    self: str
    testPlanId: int
    type: str
    target: str


class CycleLinks(ExecutionLinks):
    """Links of a test cycle; ``testPlans`` are those that the caller may view, by id."""

    webLinks: list[WebLink]
    testPlans: list[PlanOfCycle]


class CycleOfPlan(TypedDict):
    """A cycle that a plan is linked to; ``target`` is where the API shows it."""

    id: int
    self: str
    testCycleId: int
    type: str
    target: str


class PlanLinks(TypedDict):
    """Links of a test plan, the oldest first; ``testCycles`` are those that the caller may view."""

    webLinks: list[WebLink]
    issues: list[IssueLink]
    testCycles: list[CycleOfPlan]


class TestCycle(TypedDict):
    """One test cycle."""

    id: int
    key: str
    name: str
    project: ResourceRef
    jiraProjectVersion: ResourceRef | None
    status: ResourceRef
    folder: ResourceRef | None
    description: str | None
    plannedStartDate: str | None
    plannedEndDate: str | None
    owner: UserRef | None
    customFields: dict[str, Any]
    links: CycleLinks


class TestPlan(TypedDict):
    """One test plan."""

    id: int
    key: str
    name: str
    objective: str | None
    project: ResourceRef
    status: ResourceRef
    folder: ResourceRef | None
    owner: UserRef | None
    customFields: dict[str, Any]
    labels: list[str]
    links: PlanLinks


class CreatedResource(TypedDict):
    """What was made."""

    id: int
    self: str


class KeyedCreatedResource(CreatedResource):
    """What was made, with its key."""

    key: str


class TestExecution(TypedDict):
    """One test execution; ``testCase`` is the version that was run."""

    id: int
    key: str
    project: ResourceRef
    testCase: ResourceRef
    environment: ResourceRef | None
    jiraProjectVersion: ResourceRef | None
    testExecutionStatus: ResourceRef
    actualEndDate: str
    estimatedTime: int | None
    executionTime: int | None
    executedById: str | None
    assignedToId: str | None
    comment: str | None
    automated: bool
    testCycle: ResourceRef | None
    customFields: dict[str, Any]
    links: ExecutionLinks


class InlineExecutionStep(TypedDict):
    """What a step said when it ran, and what came of it."""

    description: str | None
    testData: str | None
    expectedResult: str | None
    actualResult: str | None
    testDataRowNumber: int | None
    reflectRef: str | None
    status: ResourceRef


class TestExecutionStep(TypedDict):
    """One step of a test execution."""

    id: int
    inline: InlineExecutionStep


class SelfRef(TypedDict):
    """Where something is."""

    self: str


class NewCycle(TypedDict):
    """The test cycle that an upload opened."""

    id: int
    url: str
    key: str


class Uploaded(TypedDict):
    """Answer of an upload."""

    testCycle: NewCycle


class UploadProgress(TypedDict):
    """How an upload fares."""

    id: str
    state: str
    """``storing``, ``stored``, or ``incomplete``: the rest was set aside as unreadable."""
    results: int
    stored: int
    acceptedOn: str
    testCycle: ResourceRef
