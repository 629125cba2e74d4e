"""Which fields each product event may carry out of the house. What is not here stays."""

from collections.abc import Mapping

from contracts.usage import UsageEventName

_TENANT = frozenset({"instance", "jira_version", "licence_tier", "licence_type"})
_REQUEST = frozenset({"user", "path", "client", "app_version"})

ALLOWED: Mapping[str, frozenset[str]] = {
    UsageEventName.UPLOADED_AUTOMATION_RESULTS: _TENANT | _REQUEST | {"format", "size", "duration"},
    UsageEventName.ENABLED_PROJECT: _TENANT | _REQUEST,
    UsageEventName.CREATED_API_TOKEN: _TENANT | _REQUEST,
    UsageEventName.INSTALLED_APP: _TENANT | {"app_version"},
    UsageEventName.UNINSTALLED_APP: _TENANT | {"app_version"},
}
"""Event name to the fields of ``rules.RULES``; an event that is not here is dropped."""
