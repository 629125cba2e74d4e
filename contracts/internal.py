"""Questions that services ask the owner over ``/internal``: bodies of requests and answers.

The caller signs a 60-second token that names itself, the audience, the tenant and its own
caller's principal. A path is ``/internal/v1/...`` on the owner's internal port.
"""

from datetime import datetime
from typing import Annotated

from contracts.base import Contract
from contracts.classes import DataClass
from contracts.customfields import CustomFieldState
from contracts.permissions import Membership, ProjectPermissions
from contracts.tenancy import ProjectState, SigningKeyState, TenantState
from contracts.testcases import FolderState, OptionState, TestCaseState


class ProjectAnswer(Contract):
    """``GET tenancy /internal/v1/projects/{id or key}``; 404 when unknown."""

    project: ProjectState
    permissions: ProjectPermissions | None = None
    """None while nobody has set a scheme."""


class MembershipAnswer(Contract):
    """``GET tenancy /internal/v1/memberships/{account id}?project=ID``: from Jira when needed.

    With a project of ours, its roles are among it. When Jira cannot be asked it is the last one
    known, whose ``resolved_at`` says how old it is; 503 when there is none.
    """

    membership: Membership


class TenantAnswer(Contract):
    """``GET tenancy /internal/v1/tenant``: the tenant of the token; 404 when unknown."""

    tenant: TenantState
    sequence: Annotated[int, DataClass.OPERATIONAL]
    revoked_tokens: Annotated[tuple[str, ...], DataClass.OPERATIONAL]
    """Ids of its revoked tokens, for a copy that may not have heard of them. Never left out."""


class SigningKeysAnswer(Contract):
    """``GET tenancy /internal/v1/signing-keys``."""

    keys: list[SigningKeyState]


CONTEXT_TOKEN_HEADER = "ostro-context-token"  # noqa: S105  the name of a header
"""Header of an internal question: a context token of Connect, as a browser sent it."""


class BrowserCallAnswer(Contract):
    """``GET tenancy /internal/v1/browser-call``: who calls from a page inside Jira.

    Asked with the context token in ``ostro-context-token``, the one place where a credential goes
    from one service to another; it is never stored. 404 when the token proves nothing.
    """

    tenant: Annotated[str, DataClass.OPERATIONAL]
    active: Annotated[bool, DataClass.OPERATIONAL]
    """Whether Connect's calls may be served."""
    account_id: Annotated[str | None, DataClass.JIRA_ID] = None
    """None for somebody who is not logged in."""


class OptionsAnswer(Contract):
    """``GET testcases /internal/v1/options?project=ID``: all options of a project.

    Makes the default options first when the project has none yet.
    """

    options: list[OptionState]


class CustomFieldsAnswer(Contract):
    """``GET testcases /internal/v1/custom-fields?project=ID``: all custom fields of a project."""

    fields: list[CustomFieldState]


class UsageRequest(Contract):
    """``POST executions /internal/v1/usage``: what has this option, or a value of this field.

    400 unless one of the two is asked for.
    """

    project: Annotated[int, DataClass.OPERATIONAL]
    option: Annotated[int | None, DataClass.OPERATIONAL] = None
    custom_field: Annotated[int | None, DataClass.OPERATIONAL] = None


class UsageAnswer(Contract):
    """How many things; what uploads have not stored yet is not among them."""

    test_cycles: Annotated[int, DataClass.OPERATIONAL]
    test_executions: Annotated[int, DataClass.OPERATIONAL]
    test_plans: Annotated[int, DataClass.OPERATIONAL] = 0
    uploads_pending: Annotated[bool, DataClass.OPERATIONAL]
    """Whether some upload of the project may still store things that have it."""
    archived_here: Annotated[bool, DataClass.OPERATIONAL]
    """Whether executions has heard that the option is archived, and hands it out no more."""


class DependentsRequest(Contract):
    """``POST executions /internal/v1/dependents``: what hangs on cases, or stands in folders.

    At most 1,000 of each, all of one project.
    """

    cases: Annotated[tuple[int, ...], DataClass.OPERATIONAL] = ()
    folders: Annotated[tuple[int, ...], DataClass.OPERATIONAL] = ()


class HeldThings(Contract):
    """How many there are, and the ids of the first hundred."""

    count: Annotated[int, DataClass.OPERATIONAL]
    ids: Annotated[tuple[int, ...], DataClass.OPERATIONAL] = ()


class DependentsAnswer(Contract):
    """The archived ones among executions count: they go with their case or cycle."""

    test_executions: HeldThings
    """Of the cases, and those in the cycles."""
    test_cycles: HeldThings
    test_plans: HeldThings


class FolderContentsRequest(Contract):
    """``POST executions /internal/v1/folders/contents``: move or delete some of what is in it."""

    folder: Annotated[int, DataClass.OPERATIONAL]
    delete: Annotated[bool, DataClass.OPERATIONAL]
    """Else moved to the root."""


class FolderContentsAnswer(Contract):
    """Whether there may be more: then ask again."""

    more: Annotated[bool, DataClass.OPERATIONAL]


class FolderAnswer(Contract):
    """``GET testcases /internal/v1/folders/{id}``; 404 when unknown."""

    folder: FolderState


class ResolveRequest(Contract):
    """``POST testcases /internal/v1/testcases/resolve``: which of these exist, visible ones only.

    At most 1,000 numbers and names together.
    """

    project: Annotated[int, DataClass.OPERATIONAL]
    numbers: Annotated[tuple[int, ...], DataClass.OPERATIONAL] = ()
    archived: Annotated[bool, DataClass.OPERATIONAL] = False
    """Of those with these numbers the archived ones, and no others."""
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


class ScriptStep(Contract):
    """One step as it is run. Texts hold HTML fragments."""

    id: Annotated[int | None, DataClass.OPERATIONAL]
    """None for the text of a called case that has no steps."""
    case: Annotated[int, DataClass.OPERATIONAL]
    """The case that it stands in: another one's where it came by a call-to-test step."""
    description: Annotated[str | None, DataClass.CUSTOMER_CONTENT] = None
    test_data: Annotated[str | None, DataClass.CUSTOMER_CONTENT] = None
    expected_result: Annotated[str | None, DataClass.CUSTOMER_CONTENT] = None
    reflect_ref: Annotated[str | None, DataClass.CUSTOMER_CONTENT] = None


class TestCaseAnswer(Contract):
    """A case with its script, as it is now. A called case that is not to be seen adds nothing."""

    __test__ = False

    case: TestCaseState
    estimated_time: Annotated[int | None, DataClass.CUSTOMER_CONTENT] = None
    """In ms."""
    script: Annotated[str, DataClass.OPERATIONAL]
    """``steps``, ``plain`` or ``bdd``."""
    text: Annotated[str | None, DataClass.CUSTOMER_CONTENT] = None
    """Of a plain or bdd script alone."""
    steps: tuple[ScriptStep, ...] = ()
    """With calls replaced by the steps of what is called; none in a plain or bdd script."""
    calls: Annotated[bool, DataClass.OPERATIONAL] = False
    """Whether the script has call-to-test steps."""


class RunsRequest(Contract):
    """``POST testcases /internal/v1/testcases/runs``: cases as they are run, at most 100."""

    cases: Annotated[tuple[int, ...], DataClass.OPERATIONAL]
    fields: Annotated[tuple[int, ...], DataClass.OPERATIONAL] = ()
    """Projects whose custom fields are asked for along with them, at most 100."""


class RefusedRun(Contract):
    """A case that nobody can run."""

    case: Annotated[int, DataClass.OPERATIONAL]
    message: Annotated[str, DataClass.OPERATIONAL]
    """Its steps, with those of the cases that it calls, come to more than 1,000 or 4 MiB, or calls
    go deeper than 20."""


class RunsAnswer(Contract):
    """In no order; what is unknown is left out."""

    cases: tuple[TestCaseAnswer, ...]
    refused: tuple[RefusedRun, ...] = ()
    left: Annotated[tuple[int, ...], DataClass.OPERATIONAL] = ()
    """To be asked for once more: the answer is full. Never all of them."""
    fields: tuple[CustomFieldState, ...] | None = None
    """All custom fields of the projects; None where one of these is not to be seen, and from an
    owner that does not know the question."""


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


class PermissionCheckRequest(Contract):
    """``POST tenancy /internal/v1/permission-check``: what an account may do in Jira's projects.

    At most 50 permissions (Jira's keys, as ``BROWSE_PROJECTS``) and 1,000 projects. Answers are up
    to a minute old. 400 for an empty account id; 404 and 503 as with issues.
    """

    account_id: Annotated[str, DataClass.JIRA_ID]
    permissions: Annotated[tuple[str, ...], DataClass.OPERATIONAL]
    projects: Annotated[tuple[int, ...], DataClass.JIRA_ID]
    """Jira's project ids."""


class PermissionInProjects(Contract):
    """One permission and the projects where the account has it."""

    permission: Annotated[str, DataClass.OPERATIONAL]
    projects: Annotated[tuple[int, ...], DataClass.JIRA_ID]


class PermissionCheckAnswer(Contract):
    """What is granted. Whatever is not named is denied."""

    granted: list[PermissionInProjects]


class UsersRequest(Contract):
    """``POST tenancy /internal/v1/users``: what accounts are called, at most 200.

    For showing only: names are never stored, and up to two minutes old. 404 and 503 as with issues.
    """

    account_ids: Annotated[tuple[str, ...], DataClass.JIRA_ID]


class UserName(Contract):
    """An account and its display name. The name is for the answer at hand, never for a store."""

    account_id: Annotated[str, DataClass.JIRA_ID]
    display_name: Annotated[str, DataClass.CUSTOMER_CONTENT]


class UsersAnswer(Contract):
    """The accounts that the site knows; the others are left out."""

    users: list[UserName]


class JiraAnswer(Contract):
    """``GET tenancy /internal/v1/jira``: what Jira last said of itself and of our licence there.

    Unknown is None, never a constant. 404 for a tenant without Jira.
    """

    jira_instance: Annotated[str | None, DataClass.JIRA_ID] = None
    """Jira's cloud id."""
    jira_version: Annotated[str | None, DataClass.OPERATIONAL] = None
    licence_tier: Annotated[str | None, DataClass.OPERATIONAL] = None
    licence_type: Annotated[str | None, DataClass.OPERATIONAL] = None
    """Such as COMMERCIAL; None when there is no licence, which is so for an app that is free."""
    licence_active: Annotated[bool | None, DataClass.OPERATIONAL] = None
    licence_evaluation: Annotated[bool | None, DataClass.OPERATIONAL] = None
    support_entitlement: Annotated[str | None, DataClass.JIRA_ID] = None
    read_at: Annotated[datetime | None, DataClass.OPERATIONAL] = None
    """When Jira was last asked with success; None before."""
