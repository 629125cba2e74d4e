"""The stored documents. Every field says what kind of data it holds."""

from datetime import datetime
from typing import Annotated, Any, NotRequired

from typing_extensions import TypedDict

from contracts.classes import DataClass
from kit.attachments import wiring as attachment_wiring
from kit.jobs import wiring as job_wiring
from kit.segments.blocks import StoredBlock
from kit.segments.summaries import StoredSummary
from kit.transfer import rows as import_rows

Outbox = Annotated[list[dict[str, Any]], DataClass.OPERATIONAL]
"""Entries of ``kit.outbox.entries``: ids, times and trace parents."""


class OptionDocument(TypedDict):
    """A status, priority or environment. ``_id``: tenant/option id.

    One that is removed has no type and no texts, until its tombstone is sent.
    """

    _id: Annotated[str, DataClass.OPERATIONAL]
    tenant: Annotated[str, DataClass.OPERATIONAL]
    id: Annotated[int, DataClass.OPERATIONAL]
    project: Annotated[int, DataClass.OPERATIONAL]
    type: Annotated[str, DataClass.OPERATIONAL]
    name: Annotated[str, DataClass.CUSTOMER_CONTENT]
    name_key: Annotated[str, DataClass.CUSTOMER_CONTENT]
    """The name as it is compared; unique per tenant, project and type."""
    description: Annotated[str | None, DataClass.CUSTOMER_CONTENT]
    color: Annotated[str | None, DataClass.CUSTOMER_CONTENT]
    index: Annotated[int, DataClass.OPERATIONAL]
    default: Annotated[bool, DataClass.OPERATIONAL]
    archived: Annotated[bool, DataClass.OPERATIONAL]
    deleted: NotRequired[Annotated[bool, DataClass.OPERATIONAL]]
    updated_on: Annotated[datetime, DataClass.OPERATIONAL]
    rev: Annotated[int, DataClass.OPERATIONAL]
    outbox: Outbox


class FolderDocument(TypedDict):
    """A folder. ``_id``: tenant/folder id."""

    _id: Annotated[str, DataClass.OPERATIONAL]
    tenant: Annotated[str, DataClass.OPERATIONAL]
    id: Annotated[int, DataClass.OPERATIONAL]
    project: Annotated[int, DataClass.OPERATIONAL]
    type: Annotated[str, DataClass.OPERATIONAL]
    name: Annotated[str, DataClass.CUSTOMER_CONTENT]
    index: Annotated[int, DataClass.OPERATIONAL]
    parent: Annotated[int | None, DataClass.OPERATIONAL]
    updated_on: Annotated[datetime, DataClass.OPERATIONAL]
    imported: NotRequired[Annotated[str, DataClass.OPERATIONAL]]
    """The import that it came with."""
    archived_on: NotRequired[Annotated[datetime, DataClass.OPERATIONAL]]
    deleted: NotRequired[Annotated[bool, DataClass.OPERATIONAL]]
    rev: Annotated[int, DataClass.OPERATIONAL]
    outbox: Outbox


class CustomFieldOptionDocument(TypedDict):
    """An option of a select list."""

    id: Annotated[int, DataClass.OPERATIONAL]
    name: Annotated[str, DataClass.CUSTOMER_CONTENT]
    default: Annotated[bool, DataClass.OPERATIONAL]
    archived: Annotated[bool, DataClass.OPERATIONAL]


class CustomFieldDocument(TypedDict):
    """The definition of a custom field. ``_id``: tenant/custom field id.

    One that is removed has no name and no options, until its tombstone is sent.
    """

    _id: Annotated[str, DataClass.OPERATIONAL]
    tenant: Annotated[str, DataClass.OPERATIONAL]
    id: Annotated[int, DataClass.OPERATIONAL]
    project: Annotated[int, DataClass.OPERATIONAL]
    entity: Annotated[str, DataClass.OPERATIONAL]
    type: Annotated[str, DataClass.OPERATIONAL]
    name: NotRequired[Annotated[str, DataClass.CUSTOMER_CONTENT]]
    name_key: NotRequired[Annotated[str, DataClass.CUSTOMER_CONTENT]]
    """The name as it is compared; unique per tenant, project and entity."""
    index: Annotated[int, DataClass.OPERATIONAL]
    required: Annotated[bool, DataClass.OPERATIONAL]
    options: NotRequired[list[CustomFieldOptionDocument]]
    updated_on: Annotated[datetime, DataClass.OPERATIONAL]
    deleted: NotRequired[Annotated[bool, DataClass.OPERATIONAL]]
    imported: NotRequired[Annotated[str, DataClass.OPERATIONAL]]
    """The import that it came with."""
    rev: Annotated[int, DataClass.OPERATIONAL]
    outbox: Outbox


class CustomValueDocument(TypedDict):
    """The value of a custom field: an account in ``user``, anything else in ``value``."""

    field: Annotated[int, DataClass.OPERATIONAL]
    value: NotRequired[Annotated[str | int | float | bool | list[int], DataClass.CUSTOMER_CONTENT]]
    user: NotRequired[Annotated[str, DataClass.JIRA_ID]]


class InlineStepDocument(TypedDict):
    """A step written out."""

    description: Annotated[str | None, DataClass.CUSTOMER_CONTENT]
    test_data: Annotated[str | None, DataClass.CUSTOMER_CONTENT]
    expected_result: Annotated[str | None, DataClass.CUSTOMER_CONTENT]
    reflect_ref: Annotated[str | None, DataClass.CUSTOMER_CONTENT]


class CallParameterDocument(TypedDict):
    """A parameter of a called case."""

    name: Annotated[str | None, DataClass.CUSTOMER_CONTENT]
    type: Annotated[str | None, DataClass.OPERATIONAL]
    value: Annotated[str | None, DataClass.CUSTOMER_CONTENT]


class CallDocument(TypedDict):
    """A call of another case."""

    case: Annotated[int, DataClass.OPERATIONAL]
    key: Annotated[str, DataClass.OPERATIONAL]
    parameters: list[CallParameterDocument] | None


class StepDocument(TypedDict):
    """One step: written out, or a call."""

    id: Annotated[int, DataClass.OPERATIONAL]
    inline: NotRequired[InlineStepDocument]
    call: NotRequired[CallDocument]
    custom_fields: NotRequired[list[CustomValueDocument]]


class ScriptDocument(TypedDict):
    """The script of the newest version: steps, or a text."""

    type: Annotated[str, DataClass.OPERATIONAL]
    steps: NotRequired[list[StepDocument]]
    text: NotRequired[Annotated[str, DataClass.CUSTOMER_CONTENT]]


class LinkDocument(TypedDict):
    """A link to an issue (``issue``) or to a page (``url`` and ``description``).

    What a kind does not have is left out: the index by issue holds links to issues alone.
    """

    id: Annotated[int, DataClass.OPERATIONAL]
    kind: Annotated[str, DataClass.OPERATIONAL]
    """``issue`` or ``web``."""
    type: Annotated[str, DataClass.OPERATIONAL]
    issue: NotRequired[Annotated[int, DataClass.JIRA_ID]]
    url: NotRequired[Annotated[str, DataClass.CUSTOMER_CONTENT]]
    description: NotRequired[Annotated[str | None, DataClass.CUSTOMER_CONTENT]]


class WordsDocument(TypedDict):
    """What the search finds a case by: see ``domain.searchwords``."""

    words: Annotated[list[str], DataClass.CUSTOMER_CONTENT]


class TestCaseDocument(TypedDict):
    """A test case as its newest version says, or an older one, which has no links.

    ``_id``: tenant/project/number, or tenant/project/name/digest[/salt] of a case that was made
    by name, so that the name is made once; of an older version tenant/project/number/version.
    """

    _id: Annotated[str, DataClass.CUSTOMER_CONTENT]
    tenant: Annotated[str, DataClass.OPERATIONAL]
    id: Annotated[int, DataClass.OPERATIONAL]
    project: Annotated[int, DataClass.OPERATIONAL]
    visible: Annotated[bool, DataClass.OPERATIONAL]
    removed: NotRequired[Annotated[str, DataClass.OPERATIONAL]]
    """Why a case is not visible that was: ``archived``, or ``deleted`` and going to be erased."""
    archived_on: NotRequired[Annotated[datetime, DataClass.OPERATIONAL]]
    deleted: NotRequired[Annotated[bool, DataClass.OPERATIONAL]]
    provisional_for: NotRequired[Annotated[list[str], DataClass.OPERATIONAL]]
    """Uploads that hold a case that is not visible yet."""
    name: Annotated[str, DataClass.CUSTOMER_CONTENT]
    version: Annotated[int, DataClass.OPERATIONAL]
    version_id: Annotated[int, DataClass.OPERATIONAL]
    priority: Annotated[int, DataClass.OPERATIONAL]
    status: Annotated[int, DataClass.OPERATIONAL]
    created_on: Annotated[datetime, DataClass.OPERATIONAL]
    updated_on: Annotated[datetime, DataClass.OPERATIONAL]
    objective: Annotated[str | None, DataClass.CUSTOMER_CONTENT]
    precondition: Annotated[str | None, DataClass.CUSTOMER_CONTENT]
    estimated_time: Annotated[int | None, DataClass.CUSTOMER_CONTENT]
    labels: Annotated[list[str], DataClass.CUSTOMER_CONTENT]
    component: Annotated[int | None, DataClass.JIRA_ID]
    folder: Annotated[int | None, DataClass.OPERATIONAL]
    owner: Annotated[str | None, DataClass.JIRA_ID]
    script: ScriptDocument
    custom_fields: NotRequired[list[CustomValueDocument]]
    """Absent in cases that never had a value."""
    links: NotRequired[list[LinkDocument]]
    """At most 1,000, oldest first; absent until the first one."""
    search: list[WordsDocument]
    """Words of the case itself, and of its script: the two change apart."""
    imported: NotRequired[Annotated[str, DataClass.OPERATIONAL]]
    """The import that it came with."""
    rev: Annotated[int, DataClass.OPERATIONAL]
    """Number of states published: 0 while provisional."""
    outbox: Outbox


class ProjectDocument(TypedDict):
    """What was done for a project. ``_id``: tenant/project."""

    _id: Annotated[str, DataClass.OPERATIONAL]
    tenant: Annotated[str, DataClass.OPERATIONAL]
    project: Annotated[int, DataClass.OPERATIONAL]
    defaults: NotRequired[Annotated[int, DataClass.OPERATIONAL]]
    """How many default options it has; fewer than there are by now: some are to be made."""
    changes: NotRequired[Annotated[int, DataClass.OPERATIONAL]]
    """Changes of its options and custom fields: whoever makes one writes here first."""


class EndedUploadDocument(TypedDict):
    """The verdict on an upload. ``_id``: tenant/upload; forgotten after 30 days."""

    _id: Annotated[str, DataClass.OPERATIONAL]
    tenant: Annotated[str, DataClass.OPERATIONAL]
    project: Annotated[int, DataClass.OPERATIONAL]
    accepted: Annotated[bool, DataClass.OPERATIONAL]
    ended_on: Annotated[datetime, DataClass.OPERATIONAL]


class CallTurnDocument(TypedDict):
    """Whoever writes call-to-test steps of a tenant writes here first. ``_id``: tenant."""

    _id: Annotated[str, DataClass.OPERATIONAL]
    tenant: Annotated[str, DataClass.OPERATIONAL]
    changes: Annotated[int, DataClass.OPERATIONAL]


class DeletedIssueDocument(TypedDict):
    """An issue that Jira deleted. ``_id``: tenant/issue; forgotten after a day."""

    _id: Annotated[str, DataClass.JIRA_ID]
    tenant: Annotated[str, DataClass.OPERATIONAL]
    issue: Annotated[int, DataClass.JIRA_ID]
    at: Annotated[datetime, DataClass.OPERATIONAL]


DOCUMENTS: dict[str, type] = {
    "options": OptionDocument,
    "custom_fields": CustomFieldDocument,
    "folders": FolderDocument,
    "testcases": TestCaseDocument,
    "projects": ProjectDocument,
    "ended_uploads": EndedUploadDocument,
    "deleted_issues": DeletedIssueDocument,
    "call_turns": CallTurnDocument,
    "testcase_versions": TestCaseDocument,
    import_rows.COLLECTION: import_rows.ImportDocument,
    "segment_blocks": StoredBlock,
    "testcase_summaries": StoredSummary,
    "folder_blocks": StoredBlock,
    "folder_summaries": StoredSummary,
    **attachment_wiring.DOCUMENTS,
    **job_wiring.DOCUMENTS,
}
"""Collection to document, for the data inventory."""
