"""Product events and contexts for the tests of the anonymizer."""

from datetime import UTC, datetime
from typing import Any

from contracts.envelope import Event
from contracts.telemetry import AnonymousEvent
from contracts.tenancy import TenantState, TenantStatus
from contracts.topics import USAGE
from contracts.usage import ProductEvent, UsageEventName
from services.telemetry.domain.anonymizer import anonymize
from services.telemetry.domain.rules import Context

KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))
NOW = datetime(2026, 11, 24, 12, 34, 56, 789_000, tzinfo=UTC)
# the seed's table of example values
ACCOUNT = "6a2ba123e12f789c1234c4ef"
INSTANCE = "JHYU-AS8U-ASDF-BHJ7"
SEN = "SEN-1234566"


def product(time: datetime = NOW, event_id: str = "event-1", **fields: Any) -> Event[ProductEvent]:
    """Build an upload's event; ``fields`` as in ``ProductEvent``."""
    data = {"name": UsageEventName.UPLOADED_AUTOMATION_RESULTS, "account_id": ACCOUNT} | fields
    return Event[ProductEvent](
        id=event_id,
        source="ostro/executions",
        type=USAGE.type,
        subject="upload-1",
        time=time,
        tenantid="tenant-1",
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        data=ProductEvent(**data),
    )


def context(key: bytes = KEY, **facts: Any) -> Context:
    """Build the context of a tenant with the seed's facts."""
    values = {
        "tenant": "tenant-1",
        "status": TenantStatus.ACTIVE,
        "cell": "local",
        "site_url": "https://acme.atlassian.net",
        "licence_tier": "2000 users",
        "licence_type": "COMMERCIAL",
        "support_entitlement": SEN,
        "jira_instance": INSTANCE,
        "jira_version": "8.14.0",
    } | facts
    return Context(TenantState(**values), key)


def anonymous(event: Event[ProductEvent], given: Context | None = None) -> AnonymousEvent:
    """Anonymise an event that must pass."""
    result = anonymize(event, given or context())
    assert isinstance(result, AnonymousEvent)
    return result
