"""Every metric that kit exports, in one place, so that a typo fails and docs can list them."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

HTTP_REQUESTS = Counter(
    "ostro_http_requests_total",
    "Requests by route template",
    ["method", "route", "status"],
    registry=REGISTRY,
)
HTTP_SECONDS = Histogram(
    "ostro_http_request_seconds",
    "Time to answer",
    ["method", "route"],
    registry=REGISTRY,
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
RECORDS = Counter(
    "ostro_consumed_records_total",
    "Records processed and committed",
    ["group", "topic"],
    registry=REGISTRY,
)
RETRIES = Counter(
    "ostro_consumer_retries_total",
    "Batches tried again, by cause",
    ["group", "cause"],
    registry=REGISTRY,
)
DEAD_LETTERS = Counter(
    "ostro_dead_letters_total", "Poison records parked", ["group", "topic"], registry=REGISTRY
)
DROPPED = Counter(
    "ostro_dropped_records_total",
    "Poison records of topics without a DLQ",
    ["group", "topic"],
    registry=REGISTRY,
)
LAG = Gauge(
    "ostro_consumer_lag_records",
    "Records behind the end of the assigned partitions",
    ["group", "topic"],
    registry=REGISTRY,
)
TOKEN_USES = Counter(
    "ostro_token_uses_total",
    "First uses of a token in a minute: sent to tenancy, or dropped (Kafka was away, or too many)",
    ["outcome"],
    registry=REGISTRY,
)
UNCOUNTED_REQUESTS = Counter(
    "ostro_uncounted_requests_total",
    "Requests let pass without a look at the limit of their token: MongoDB was away",
    registry=REGISTRY,
)
LOST_USAGE = Counter(
    "ostro_lost_usage_events_total",
    "Product events that were lost because the broker did not take them in time",
    registry=REGISTRY,
)
OUTBOX_PUBLISHED = Counter(
    "ostro_outbox_published_total", "Events relayed", ["collection"], registry=REGISTRY
)
OUTBOX_OLDEST = Gauge(
    "ostro_outbox_oldest_seconds", "Age of the oldest pending event", registry=REGISTRY
)
OUTBOX_PARKED = Counter(
    "ostro_outbox_parked_total", "Events that can never be sent", ["collection"], registry=REGISTRY
)
FLAG_VALUES_REFUSED = Counter(
    "ostro_flag_values_refused_total",
    "Values of flags of the wrong type or out of bounds; the default holds",
    ["flag"],
    registry=REGISTRY,
)
FLAG_RECORDS_REFUSED = Counter(
    "ostro_flag_records_refused_total",
    "Records of flag states that cannot be read; what was known before holds",
    registry=REGISTRY,
)
DIAGNOSTICS = Counter(
    "ostro_diagnostics_total",
    "Errors, starts and sampled requests noted for BugSnag: sent, or lost (dropped: Kafka was "
    "away; full: too many different errors; unreadable: noting one failed itself)",
    ["outcome"],
    registry=REGISTRY,
)
