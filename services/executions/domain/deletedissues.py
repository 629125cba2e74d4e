"""Issues that Jira deleted lately."""

from datetime import datetime
from typing import Annotated

from typing_extensions import TypedDict

from contracts.classes import DataClass


class DeletedIssue(TypedDict):
    """Collection ``deleted_issues``; forgotten after a day."""

    _id: Annotated[str, DataClass.JIRA_ID]
    """tenant/issue."""
    tenant: Annotated[str, DataClass.OPERATIONAL]
    issue: Annotated[int, DataClass.JIRA_ID]
    at: Annotated[datetime, DataClass.OPERATIONAL]
