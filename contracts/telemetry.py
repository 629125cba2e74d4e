"""The anonymous event: a type of its own, built only by telemetry's anonymizer from an allow-list.

Every field is an enum value, a bucket, a template, a truncated time or a keyed pseudonym.
"""

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from contracts.base import Contract
from contracts.classes import DataClass

TENANT_HANDLE_HEADER = "ostro-tenant-handle"
"""Kafka header with a random handle of the tenant, for consent at send time; never sent on."""


class AnonymousEvent(Contract):
    """What a processor may get. Unknown is None and is left out of what is sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event_id: Annotated[str, DataClass.PSEUDONYM]
    """Keyed hash of the product event's id: the processors' idempotency key."""
    name: Annotated[str, DataClass.OPERATIONAL]
    user: Annotated[str | None, DataClass.PSEUDONYM] = Field(None, pattern=r"^[0-9a-f]{24}$")
    instance: Annotated[str | None, DataClass.PSEUDONYM] = Field(None, pattern=r"^[0-9a-f]{24}$")
    hour: Annotated[datetime, DataClass.OPERATIONAL]
    """UTC, truncated to the hour."""
    path: Annotated[str | None, DataClass.OPERATIONAL] = None
    """Route template, for example ``/v2/automations/executions/junit``."""
    browser: Annotated[str | None, DataClass.OPERATIONAL] = None
    app_version: Annotated[str | None, DataClass.OPERATIONAL] = None
    jira_version: Annotated[str | None, DataClass.OPERATIONAL] = None
    licence_tier: Annotated[str | None, DataClass.OPERATIONAL] = None
    licence_type: Annotated[str | None, DataClass.OPERATIONAL] = None
    format: Annotated[str | None, DataClass.OPERATIONAL] = None
    size: Annotated[str | None, DataClass.OPERATIONAL] = None
    """Bucket of the number of results, for example ``101-1000``."""
    duration: Annotated[str | None, DataClass.OPERATIONAL] = None
    """Bucket of the duration, for example ``1-10s``."""
