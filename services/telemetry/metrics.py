"""Every metric of telemetry. Labels are our own enums; nothing of an event is a label."""

from prometheus_client import Counter, Gauge

from kit.observability.metrics import REGISTRY

DROPPED_EVENTS = Counter(
    "ostro_telemetry_dropped_events_total",
    "Product events that were forgotten, by reason",
    ["reason"],
    registry=REGISTRY,
)
DROPPED_FIELDS = Counter(
    "ostro_telemetry_dropped_fields_total",
    "Fields of product events that this version does not know",
    registry=REGISTRY,
)
ANONYMISED = Counter(
    "ostro_telemetry_anonymised_events_total",
    "Anonymous events that the broker has",
    registry=REGISTRY,
)
DROPPED_DIAGNOSTICS = Counter(
    "ostro_telemetry_dropped_diagnostics_total",
    "Errors, starts and sampled requests that were forgotten, by reason",
    ["reason"],
    registry=REGISTRY,
)
ANONYMISED_DIAGNOSTICS = Counter(
    "ostro_telemetry_anonymised_diagnostics_total",
    "Anonymous errors, starts and sampled requests that the broker has",
    registry=REGISTRY,
)
SENT = Counter(
    "ostro_telemetry_sent_events_total",
    "Anonymous events that a processor accepted",
    ["processor"],
    registry=REGISTRY,
)
PARKED = Counter(
    "ostro_telemetry_parked_events_total",
    "Anonymous events that a processor will never take",
    ["processor"],
    registry=REGISTRY,
)
SKIPPED = Counter(
    "ostro_telemetry_skipped_events_total",
    "Anonymous events not sent: no consent, or the tenant is not active",
    ["processor", "reason"],
    registry=REGISTRY,
)
RETRIES = Counter(
    "ostro_telemetry_retries_total",
    "Requests to a processor that are sent again, by cause",
    ["processor", "cause"],
    registry=REGISTRY,
)
CIRCUIT_OPEN = Gauge(
    "ostro_telemetry_circuit_open",
    "1 from a processor's third failure in a row until it answers; single requests probe",
    ["processor"],
    registry=REGISTRY,
)
OLDEST_EVENT = Gauge(
    "ostro_telemetry_oldest_event_seconds",
    "Age of the oldest record of the batch that a processor has not settled; 0 between batches",
    ["processor"],
    registry=REGISTRY,
)
STOPPED = Gauge(
    "ostro_telemetry_processor_stopped",
    "1 while a processor refuses our configuration and nothing moves",
    ["processor"],
    registry=REGISTRY,
)
BEAMER_REQUESTS = Counter(
    "ostro_telemetry_beamer_requests_total",
    "Requests to Beamer, by outcome",
    ["outcome"],
    registry=REGISTRY,
)
FLAG_STATES = Counter(
    "ostro_telemetry_flag_states_total",
    "States of flags that were published",
    registry=REGISTRY,
)
FLAGS_STALE = Gauge(
    "ostro_telemetry_flags_stale",
    "1 while LaunchDarkly or the flags file cannot be read; what was decided last holds",
    registry=REGISTRY,
)
