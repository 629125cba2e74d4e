"""The shapes of answers, field for field the vendor's (openapi-facts, components)."""

from typing import Any, NotRequired

from typing_extensions import TypedDict

from kit.http.references import ResourceRef, UserRef


class SelfRef(TypedDict):
    """A link without an id."""

    self: str


class CreatedResource(TypedDict):
    """Answer of most creations."""

    id: int
    self: str


class KeyedCreatedResource(CreatedResource):
    """Answer of creating something that has a key."""

    key: str


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


class Links(TypedDict):
    """Links of a test case."""

    self: str
    issues: list[IssueLink]
    webLinks: list[WebLink]


class TestCaseKeyAndVersion(TypedDict):
    """A test case as it stands in the list of an issue."""

    key: str
    version: int
    self: str


class TestCase(TypedDict):
    """One test case."""

    id: int
    key: str
    name: str
    project: ResourceRef
    createdOn: str
    objective: str | None
    precondition: str | None
    estimatedTime: int | None
    labels: list[str]
    component: ResourceRef | None
    priority: ResourceRef
    status: ResourceRef
    folder: ResourceRef | None
    owner: UserRef | None
    testScript: SelfRef
    customFields: dict[str, Any]
    links: Links


class TestScript(TypedDict):
    """A plain or BDD script."""

    type: str
    text: str
    id: int


class InlineStep(TypedDict):
    """A step written out."""

    description: str | None
    testData: str | None
    expectedResult: str | None
    customFields: dict[str, Any]
    reflectRef: str | None


class CallToTestParameter(TypedDict, total=False):
    """A parameter of a called test case; what was not given is left out."""

    name: str
    type: str
    value: str


class CallToTestStep(TypedDict):
    """A call of another test case."""

    self: str
    testCaseKey: str
    parameters: list[CallToTestParameter] | None


class TestStep(TypedDict):
    """One step: the unused one of the two is null."""

    id: int
    inline: InlineStep | None
    testCase: CallToTestStep | None


class Folder(TypedDict):
    """One folder; ``parentId`` is null at the root."""

    id: int
    parentId: int | None
    name: str
    index: int
    folderType: str
    project: ResourceRef


class Option(TypedDict):
    """What statuses, priorities and environments have in common."""

    id: int
    project: ResourceRef
    name: str
    description: str | None
    index: int


class Status(Option):
    """One status; its type is not shown."""

    color: str
    archived: bool
    default: bool


class Priority(Option):
    """One priority."""

    color: str
    default: bool


class Environment(Option):
    """One environment."""

    archived: bool
