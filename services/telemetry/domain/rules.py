"""One written rule per field of the anonymous event, and the policy for what has none.

``docs/privacy/anonymization.md`` renders these; a test compares them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from contracts.envelope import Event
from contracts.telemetry import ClientFamily, LicenceType, UploadFormat
from contracts.tenancy import TenantState
from contracts.usage import ProductEvent
from services.telemetry.domain import buckets
from services.telemetry.domain.clients import client_of
from services.telemetry.domain.paths import template_of
from services.telemetry.domain.pseudonyms import Domain, pseudonym


@dataclass(frozen=True, slots=True)
class Context:
    """What an event is anonymised with: its tenant's facts and the key of its epoch."""

    tenant: TenantState
    key: bytes


@dataclass(frozen=True, slots=True)
class Rule:
    """How one field is made. ``apply`` returns None for what is absent or cannot be read."""

    source: str
    """``ProductEvent`` or ``TenantState`` field that it is made from."""
    treatment: str
    apply: Callable[[ProductEvent, Context], Any]


def _user(event: ProductEvent, context: Context) -> str | None:
    account = event.account_id
    return pseudonym(context.key, Domain.USER, account) if account else None


def _instance(_: ProductEvent, context: Context) -> str | None:
    instance = context.tenant.jira_instance
    return pseudonym(context.key, Domain.INSTANCE, instance) if instance else None


def _format(event: ProductEvent, _: Context) -> UploadFormat | None:
    return next((f for f in UploadFormat if f.value == event.format), None)


def _licence_type(_: ProductEvent, context: Context) -> LicenceType | None:
    text = context.tenant.licence_type
    return None if text is None else buckets.licence_type(text)


def _family(user_agent: str) -> ClientFamily:
    return client_of(user_agent).family


def _major(user_agent: str) -> int | None:
    return client_of(user_agent).major


def _text(function: Callable[[str], Any], text: str | None) -> Any:
    return None if text is None else function(text)


RULES: Mapping[str, Rule] = {
    "user": Rule(
        "ProductEvent.account_id",
        "24 hex characters of HMAC-SHA256 under the tenant's key of the month, domain `user`",
        _user,
    ),
    "instance": Rule(
        "TenantState.jira_instance",
        "24 hex characters of HMAC-SHA256 under the tenant's key of the month, domain `instance`",
        _instance,
    ),
    "path": Rule(
        "ProductEvent.url_path",
        "route template of an allow-list, else `/other`; query and fragment are gone, "
        "keys, ids and names become placeholders",
        lambda e, _: _text(template_of, e.url_path),
    ),
    "client": Rule(
        "ProductEvent.user_agent",
        "family of a fixed list, else `Other`; no device or system",
        lambda e, _: _text(_family, e.user_agent),
    ),
    "client_major": Rule(
        "ProductEvent.user_agent",
        "major version of a family that we know, 1 to 999; nothing of what follows it",
        lambda e, _: _text(_major, e.user_agent),
    ),
    "app_version": Rule(
        "ProductEvent.app_version",
        "major.minor",
        lambda e, _: _text(buckets.app_version, e.app_version),
    ),
    "jira_version": Rule(
        "TenantState.jira_version",
        "major.minor",
        lambda _, c: _text(buckets.jira_version, c.tenant.jira_version),
    ),
    "licence_tier": Rule(
        "TenantState.licence_tier",
        "bucket: 1-10, 11-100, 101-1000, 1001-10000, 10001+",
        lambda _, c: _text(buckets.licence_tier, c.tenant.licence_tier),
    ),
    "licence_type": Rule("TenantState.licence_type", "one of Atlassian's types", _licence_type),
    "format": Rule("ProductEvent.format", "junit, cucumber or custom", _format),
    "size": Rule(
        "ProductEvent.count",
        "bucket: 0, 1, 2-10, 11-100, 101-1000, 1001-10000, 10001+",
        lambda e, _: None if e.count is None else buckets.count_bucket(e.count),
    ),
    "duration": Rule(
        "ProductEvent.duration_ms",
        "bucket: 0-100ms, 100ms-1s, 1-10s, 10-60s, 60s+",
        lambda e, _: None if e.duration_ms is None else buckets.duration_bucket(e.duration_ms),
    ),
}

FIXED: Mapping[str, str] = {
    "event_id": "32 hex characters of HMAC-SHA256 of the product event's id under the tenant's "
    "key of the month, domain `event`",
    "name": "one of the closed catalogue of event names; any other event is dropped",
    "hour": "time of the event, truncated to the hour in UTC",
}
"""Fields that every anonymous event has; made by the anonymizer from the envelope."""

WITHHELD: Mapping[str, str] = {
    "ProductEvent.project": "our own number of a project means nothing to a product team",
    "TenantState.tenant": "names the customer; processors get no tenant at all",
    "TenantState.status": "decides whether anything is sent, and is not sent itself",
    "TenantState.cell": "where a tenant lives is nobody else's business",
    "TenantState.site_url": "names the customer",
    "TenantState.support_entitlement": "names the customer in the vendor's books; about ten "
    "million values, so that even a keyed hash would be one more constant to link by",
}
"""Input fields that never leave, and why."""


def fields_of(
    event: Event[ProductEvent], context: Context, names: frozenset[str]
) -> dict[str, Any]:
    """Apply the rules of the allowed fields."""
    return {name: RULES[name].apply(event.data, context) for name in names}
