"""The table of values that customers know, and what the anonymizer makes of each example."""

from datetime import UTC, datetime

from contracts.envelope import Event
from contracts.telemetry import AnonymousEvent
from contracts.tenancy import TenantState, TenantStatus
from contracts.topics import USAGE
from contracts.usage import ProductEvent, UsageEventName
from services.telemetry.domain.anonymizer import anonymize
from services.telemetry.domain.rules import WITHHELD, Context
from tools.docs.markdown import code, table

_EVENT = ProductEvent(
    name=UsageEventName.VIEWED_TEST_PLAYER,
    account_id="6a2ba123e12f789c1234c4ef",
    url_path="/jira/browse/ABC-123",
    user_agent="Mozilla/5.0",
    app_version="7.1.1",
)
_TENANT = TenantState(
    tenant="example",
    status=TenantStatus.ACTIVE,
    cell="local",
    licence_tier="2000 users",
    licence_type="COMMERCIAL",
    support_entitlement="SEN-1234566",
    jira_instance="JHYU-AS8U-ASDF-BHJ7",
    jira_version="8.14.0",
)
_ROWS: tuple[tuple[str, str | None, str | None], ...] = (
    ("URL path", _EVENT.url_path, "path"),
    ("User ID", _EVENT.account_id, "user"),
    ("License tier", _TENANT.licence_tier, "licence_tier"),
    ("License type", _TENANT.licence_type, "licence_type"),
    ("Support Entitlement Number", _TENANT.support_entitlement, None),
    ("App version", _EVENT.app_version, "app_version"),
    ("Jira instance ID", _TENANT.jira_instance, "instance"),
    ("Jira version", _TENANT.jira_version, "jira_version"),
    ("User agent", _EVENT.user_agent, "client"),
    ("Tracking event name", _EVENT.name, "name"),
)
_WITHHELD = WITHHELD["TenantState.support_entitlement"]


def promised_table() -> str:
    """Return data, example and what leaves of it; pseudonyms are those of a key of zeros."""
    event = _anonymous()
    return table(
        ("Data", "Example", "Leaves as", "Field"),
        (
            (name, code(example), f"nothing: {_WITHHELD}", "")
            if field is None
            else (name, code(example), code(getattr(event, field)), code(field))
            for name, example, field in _ROWS
        ),
    )


def _anonymous() -> AnonymousEvent:
    event = Event[ProductEvent](
        id="example",
        source="ostro/browser",
        type=USAGE.type,
        subject="example",
        time=datetime(2026, 1, 1, tzinfo=UTC),
        tenantid="example",
        data=_EVENT,
    )
    found = anonymize(event, Context(_TENANT, bytes(32)))
    if not isinstance(found, AnonymousEvent):
        raise TypeError(found)
    return found
