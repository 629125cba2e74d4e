"""The test cycle."""

from datetime import datetime
from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from contracts.classes import DataClass
from services.executions.domain.customfields import CustomValue
from services.executions.domain.links import Link

AUTOMATED_BUILD = "Automated Build"
"""Name of a cycle that an upload opens without naming it. Source: behaviour.md 15.1."""


class TestCycle(TypedDict):
    """One test cycle as stored."""

    _id: Annotated[str, DataClass.OPERATIONAL]
    """tenant/id."""
    tenant: Annotated[str, DataClass.OPERATIONAL]
    id: Annotated[int, DataClass.OPERATIONAL]
    project: Annotated[int, DataClass.OPERATIONAL]
    name: Annotated[str, DataClass.CUSTOMER_CONTENT]
    description: Annotated[str | None, DataClass.CUSTOMER_CONTENT]
    status: Annotated[int, DataClass.OPERATIONAL]
    folder: Annotated[int | None, DataClass.OPERATIONAL]
    jira_version: Annotated[int | None, DataClass.JIRA_ID]
    planned_start: Annotated[datetime | None, DataClass.OPERATIONAL]
    planned_end: Annotated[datetime | None, DataClass.OPERATIONAL]
    owner: Annotated[str | None, DataClass.JIRA_ID]
    custom_fields: NotRequired[list[CustomValue]]
    """Absent in cycles that never had a value."""
    upload: NotRequired[Annotated[str, DataClass.OPERATIONAL]]
    links: NotRequired[list[Link]]
    """At most 1,000, the oldest first; absent until the first one."""
    created_on: Annotated[datetime, DataClass.OPERATIONAL]
    imported: NotRequired[Annotated[str, DataClass.OPERATIONAL]]
    """The import that it came with."""
    updated_on: Annotated[datetime, DataClass.OPERATIONAL]
    archived_on: NotRequired[Annotated[datetime, DataClass.OPERATIONAL]]
    """Of one on a shelf."""
    rev: Annotated[int, DataClass.OPERATIONAL]


class CycleContent(TypedDict):
    """What a replacement sets; of the planned dates those that it names."""

    name: Annotated[str, DataClass.CUSTOMER_CONTENT]
    description: Annotated[str | None, DataClass.CUSTOMER_CONTENT]
    status: Annotated[int, DataClass.OPERATIONAL]
    folder: Annotated[int | None, DataClass.OPERATIONAL]
    jira_version: Annotated[int | None, DataClass.JIRA_ID]
    planned_start: NotRequired[Annotated[datetime, DataClass.OPERATIONAL]]
    planned_end: NotRequired[Annotated[datetime, DataClass.OPERATIONAL]]
    owner: Annotated[str | None, DataClass.JIRA_ID]
    custom_fields: list[CustomValue]
