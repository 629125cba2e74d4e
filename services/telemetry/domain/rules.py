"""One written rule per field of the anonymous event, and the policy for what has none.

``docs/privacy/anonymization.md`` renders these.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from contracts.catalogue import CATALOGUE
from contracts.telemetry import (
    ClientFamily,
    CountBucket,
    DurationBucket,
    LicenceTier,
    LicenceType,
    UploadFormat,
)
from contracts.tenancy import TenantState
from contracts.usage import ProductEvent
from services.telemetry.domain import buckets
from services.telemetry.domain.clients import client_of
from services.telemetry.domain.paths import template_of
from services.telemetry.domain.pseudonyms import Domain, Pseudonyms


class Context:
    """What events are anonymised with: facts of their tenant, the key of their epoch, a choice.

    Made once for many events: what the tenant decides alone is worked out once.
    """

    def __init__(self, tenant: TenantState, key: bytes, *, keep_keys: bool = False) -> None:
        self.tenant = tenant
        self.pseudonyms = Pseudonyms(key)
        self.keep_keys = keep_keys
        self._facts: dict[str, Mapping[str, Any]] = {}

    def facts_of(self, name: str) -> Mapping[str, Any]:
        """Return the fields that are the same for every event of this name."""
        found = self._facts.get(name)
        if found is None:
            fields = CATALOGUE[name].fields
            found = {field: fact.apply(self) for field, fact in FACTS.items() if field in fields}
            self._facts[name] = found
        return found


@dataclass(frozen=True, slots=True)
class Fact:
    """How a field is made of the tenant. ``apply`` returns None for what cannot be read."""

    source: str
    """``TenantState`` field that it is made from."""
    treatment: str
    apply: Callable[[Context], Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """How a field is made of the event. ``apply`` returns None for what cannot be read."""

    source: str
    """``ProductEvent`` field that it is made from."""
    treatment: str
    apply: Callable[[ProductEvent, Context], Any]


_UPLOAD_FORMATS = {member.value: member for member in UploadFormat}
_EPOCH_KEY = "24 hex characters of HMAC-SHA256 under the tenant's key of the epoch, domain"


def _user(event: ProductEvent, context: Context) -> str | None:
    account = event.account_id
    return context.pseudonyms.of(Domain.USER, account) if account else None


def _path(event: ProductEvent, context: Context) -> str | None:
    path = event.url_path
    return None if path is None else template_of(path, keep_keys=context.keep_keys)


def _client(event: ProductEvent, _: Context) -> ClientFamily | None:
    return None if event.user_agent is None else client_of(event.user_agent).family


def _client_major(event: ProductEvent, _: Context) -> int | None:
    return None if event.user_agent is None else client_of(event.user_agent).major


def _app_version(event: ProductEvent, _: Context) -> str | None:
    return None if event.app_version is None else buckets.app_version(event.app_version)


def _format(event: ProductEvent, _: Context) -> UploadFormat | None:
    return None if event.format is None else _UPLOAD_FORMATS.get(event.format)


def _size(event: ProductEvent, _: Context) -> CountBucket | None:
    return None if event.count is None else buckets.count_bucket(event.count)


def _duration(event: ProductEvent, _: Context) -> DurationBucket | None:
    return None if event.duration_ms is None else buckets.duration_bucket(event.duration_ms)


def _instance(context: Context) -> str | None:
    instance = context.tenant.jira_instance
    return context.pseudonyms.of(Domain.INSTANCE, instance) if instance else None


def _jira_version(context: Context) -> str | None:
    text = context.tenant.jira_version
    return None if text is None else buckets.jira_version(text)


def _licence_tier(context: Context) -> LicenceTier | None:
    text = context.tenant.licence_tier
    return None if text is None else buckets.licence_tier(text)


def _licence_type(context: Context) -> LicenceType | None:
    text = context.tenant.licence_type
    return None if text is None else buckets.licence_type(text)


RULES: Mapping[str, Rule] = {
    "user": Rule("ProductEvent.account_id", f"{_EPOCH_KEY} `user`", _user),
    "path": Rule(
        "ProductEvent.url_path",
        "route template of an allow-list, else `/other`; query and fragment are gone, keys, ids "
        "and names become placeholders; issue and test keys stay if the tenant chose `keepKeys`",
        _path,
    ),
    "client": Rule(
        "ProductEvent.user_agent",
        "family of a fixed list, else `Other`; no device or system",
        _client,
    ),
    "client_major": Rule(
        "ProductEvent.user_agent",
        "major version of a family that we know, 1 to 999; nothing of what follows it",
        _client_major,
    ),
    "app_version": Rule("ProductEvent.app_version", "major.minor", _app_version),
    "format": Rule("ProductEvent.format", "junit, cucumber or custom", _format),
    "size": Rule(
        "ProductEvent.count", "bucket: 0, 1, 2-10, 11-100, 101-1000, 1001-10000, 10001+", _size
    ),
    "duration": Rule(
        "ProductEvent.duration_ms", "bucket: 0-100ms, 100ms-1s, 1-10s, 10-60s, 60s+", _duration
    ),
}
"""Fields that differ from event to event."""

FACTS: Mapping[str, Fact] = {
    "instance": Fact("TenantState.jira_instance", f"{_EPOCH_KEY} `instance`", _instance),
    "jira_version": Fact("TenantState.jira_version", "major.minor", _jira_version),
    "licence_tier": Fact(
        "TenantState.licence_tier",
        "bucket: 1-10, 11-100, 101-1000, 1001-10000, 10001+",
        _licence_tier,
    ),
    "licence_type": Fact("TenantState.licence_type", "one of Atlassian's types", _licence_type),
}
"""Fields that are the same for every event of a tenant."""

FIXED: Mapping[str, str] = {
    "event_id": "32 hex characters of HMAC-SHA256 of the product event's id under the tenant's "
    "key of the epoch, domain `event`",
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


_APPLIED = {
    name: tuple((field, rule.apply) for field, rule in RULES.items() if field in definition.fields)
    for name, definition in CATALOGUE.items()
}


def fields_of(event: ProductEvent, context: Context) -> dict[str, Any]:
    """Apply the rules of the fields that the catalogue allows an event of this name."""
    fields = dict(context.facts_of(event.name))
    for name, apply in _APPLIED[event.name]:
        fields[name] = apply(event, context)
    return fields
