"""Every metric of tenancy. Labels are our own words: no tenant, no key, no text of a customer."""

from prometheus_client import Counter

from kit.observability.metrics import REGISTRY

WEBHOOKS = Counter(
    "ostro_tenancy_webhooks_total",
    "Webhooks of verified sites: published, or dropped by reason",
    ["outcome"],
    registry=REGISTRY,
)
WEBHOOKS_REFUSED = Counter(
    "ostro_tenancy_webhooks_refused_total",
    "Webhooks that were not taken, by reason; Jira sends again what was too many",
    ["reason"],
    registry=REGISTRY,
)
JIRA_ANSWERS = Counter(
    "ostro_tenancy_jira_answers_total",
    "Calls to Jira sites by what came back: ok, a status, 5xx, other, none (no answer)",
    ["answer"],
    registry=REGISTRY,
)
FAILED_DELIVERIES = Counter(
    "ostro_tenancy_failed_deliveries_total",
    "Webhooks that Jira had given up, found by the sweep",
    registry=REGISTRY,
)
KEY_SERVICE_CALLS = Counter(
    "ostro_tenancy_key_service_calls_total",
    "Calls to AWS KMS by outcome: ok, refused (what was to be opened is broken), unavailable",
    ["outcome"],
    registry=REGISTRY,
)
