"""Product events: who did what where, for telemetry only. Never per result, never dead-lettered."""

from enum import StrEnum
from typing import Annotated

from contracts.base import Contract
from contracts.classes import DataClass


class UsageEventName(StrEnum):
    """Names of ``contracts.catalogue``. An event that is not here is dropped and counted."""

    UPLOADED_AUTOMATION_RESULTS = "Uploaded automation results"
    ENABLED_PROJECT = "Enabled project"
    CREATED_API_TOKEN = "Created API token"  # noqa: S105  an event name
    INSTALLED_APP = "Installed app"
    UNINSTALLED_APP = "Uninstalled app"
    CHANGED_PERMISSIONS = "Changed permissions"
    EXPORTED_PROJECT = "Exported project"
    IMPORTED_PROJECT = "Imported project"
    VIEWED_TEST_PLAYER = "Viewed test player"
    VIEWED_TEST_CASE = "Viewed test case"
    VIEWED_TEST_CYCLE = "Viewed test cycle"
    VIEWED_TEST_PLAN = "Viewed test plan"
    VIEWED_REPORT = "Viewed report"
    OPENED_SETTINGS = "Opened settings"


class ProductEvent(Contract):
    """One thing a person or client did. Personal until the anonymizer has made another of it."""

    name: Annotated[str, DataClass.OPERATIONAL]
    """One of ``UsageEventName``; a plain string so that an old consumer can drop a new name."""
    account_id: Annotated[str | None, DataClass.JIRA_ID] = None
    url_path: Annotated[str | None, DataClass.CUSTOMER_CONTENT] = None
    user_agent: Annotated[str | None, DataClass.CUSTOMER_CONTENT] = None
    app_version: Annotated[str | None, DataClass.OPERATIONAL] = None
    project: Annotated[int | None, DataClass.OPERATIONAL] = None
    format: Annotated[str | None, DataClass.OPERATIONAL] = None
    """Upload format: junit, cucumber or custom."""
    count: Annotated[int | None, DataClass.OPERATIONAL] = None
    """Results of an upload; telemetry sends a bucket, not the number."""
    duration_ms: Annotated[int | None, DataClass.OPERATIONAL] = None
