"""Versions of Jira that are gone."""

from datetime import datetime
from typing import Annotated

from typing_extensions import TypedDict

from contracts.classes import DataClass


class RemovedVersion(TypedDict):
    """Collection ``removed_versions``. Kept for good: Jira gives no id of a version twice."""

    _id: Annotated[str, DataClass.JIRA_ID]
    """tenant/version."""
    tenant: Annotated[str, DataClass.OPERATIONAL]
    version: Annotated[int, DataClass.JIRA_ID]
    merged_into: Annotated[int | None, DataClass.JIRA_ID]
    """The version that took its place."""
    at: Annotated[datetime, DataClass.OPERATIONAL]
