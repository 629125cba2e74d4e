"""The test plan."""

from datetime import datetime
from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from contracts.classes import DataClass
from services.executions.domain.customfields import CustomValue
from services.executions.domain.links import Link


class TestPlan(TypedDict):
    """One test plan as stored."""

    _id: Annotated[str, DataClass.OPERATIONAL]
    """tenant/id."""
    tenant: Annotated[str, DataClass.OPERATIONAL]
    id: Annotated[int, DataClass.OPERATIONAL]
    project: Annotated[int, DataClass.OPERATIONAL]
    name: Annotated[str, DataClass.CUSTOMER_CONTENT]
    objective: Annotated[str | None, DataClass.CUSTOMER_CONTENT]
    """An HTML fragment."""
    status: Annotated[int, DataClass.OPERATIONAL]
    folder: Annotated[int | None, DataClass.OPERATIONAL]
    owner: Annotated[str | None, DataClass.JIRA_ID]
    labels: Annotated[list[str], DataClass.CUSTOMER_CONTENT]
    custom_fields: list[CustomValue]
    links: list[Link]
    """At most 1,000, the oldest first: to issues, pages and test cycles."""
    created_on: Annotated[datetime, DataClass.OPERATIONAL]
    imported: NotRequired[Annotated[str, DataClass.OPERATIONAL]]
    """The import that it came with."""
    updated_on: Annotated[datetime, DataClass.OPERATIONAL]
    archived_on: NotRequired[Annotated[datetime, DataClass.OPERATIONAL]]
    """Of one on a shelf."""
    rev: Annotated[int, DataClass.OPERATIONAL]
