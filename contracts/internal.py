"""Questions that services ask the owner over ``/internal``: bodies of requests and answers.

The caller signs a 60-second token that names itself, the audience, the tenant and its own
caller's principal. A path is ``/internal/v1/...`` on the owner's internal port.
"""

from typing import Annotated

from contracts.base import Contract
from contracts.classes import DataClass
from contracts.tenancy import ProjectState, SigningKeyState, TenantState
from contracts.testcases import FolderState, OptionState, TestCaseState


class ProjectAnswer(Contract):
    """``GET tenancy /internal/v1/projects/{id or key}``; 404 when unknown."""

    project: ProjectState


class TenantAnswer(Contract):
    """``GET tenancy /internal/v1/tenant``: the tenant of the token; 404 when unknown."""

    tenant: TenantState
    sequence: Annotated[int, DataClass.OPERATIONAL]


class SigningKeysAnswer(Contract):
    """``GET tenancy /internal/v1/signing-keys``."""

    keys: list[SigningKeyState]


class OptionsAnswer(Contract):
    """``GET testcases /internal/v1/options?project=ID``: all options of a project.

    Makes the default options first when the project has none yet.
    """

    options: list[OptionState]


class FolderAnswer(Contract):
    """``GET testcases /internal/v1/folders/{id}``; 404 when unknown."""

    folder: FolderState


class ResolveRequest(Contract):
    """``POST testcases /internal/v1/testcases/resolve``: which of these exist, visible ones only.

    At most 1,000 numbers and names together.
    """

    project: Annotated[int, DataClass.OPERATIONAL]
    numbers: Annotated[tuple[int, ...], DataClass.OPERATIONAL] = ()
    names: Annotated[tuple[str, ...], DataClass.CUSTOMER_CONTENT] = ()


class EnsureRequest(Contract):
    """``POST testcases /internal/v1/testcases/ensure``: find by name, create what is missing.

    Idempotent. Cases made by it stay provisional (visible in no /v2 read) until an upload that
    asked for them is accepted. At most 1,000 names.
    """

    project: Annotated[int, DataClass.OPERATIONAL]
    upload: Annotated[str, DataClass.OPERATIONAL]
    names: Annotated[list[str], DataClass.CUSTOMER_CONTENT]


class TestCasesAnswer(Contract):
    """Answer of resolve and ensure, in no order; for a name held by several cases the oldest."""

    __test__ = False

    cases: list[TestCaseState]


class UploadEndedRequest(Contract):
    """``POST testcases /internal/v1/uploads/{upload}/(accepted|aborted)``; empty 204."""

    project: Annotated[int, DataClass.OPERATIONAL]


class IssuesRequest(Contract):
    """``POST tenancy /internal/v1/issues``: issues by key or by id, at most 100 together."""

    keys: Annotated[tuple[str, ...], DataClass.JIRA_ID] = ()
    ids: Annotated[tuple[int, ...], DataClass.JIRA_ID] = ()


class IssueRef(Contract):
    """An issue as Jira names it now. The key is for the answer at hand, never for a store."""

    id: Annotated[int, DataClass.JIRA_ID]
    key: Annotated[str, DataClass.JIRA_ID]
    asked: Annotated[str, DataClass.JIRA_ID]
    """The key (upper case) or id that was asked for: a moved issue has another key now."""
    project: Annotated[int, DataClass.JIRA_ID]
    """Jira's project id."""


class IssuesAnswer(Contract):
    """The issues that Jira knows and shows to the app; the others are unknown.

    503 when Jira cannot be asked, 404 for a tenant without Jira.
    """

    issues: list[IssueRef]
