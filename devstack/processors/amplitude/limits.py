"""Amplitude's numbers; where the documents leave room, the stricter reading."""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

HTTP_V2 = "/2/httpapi"
BATCH = "/batch"


class Limits(BaseModel):
    """Settable by `POST /control/limits`."""

    model_config = ConfigDict(extra="forbid")

    http_bytes: int = 1_000_000
    http_events: int = 1999  # fewer than 2000
    http_events_per_second: int = 30
    batch_bytes: int = 20_000_000
    batch_events: int = 2000
    batch_events_per_second: int = 1000
    batch_events_per_day: int = 500_000
    rate_window_seconds: float = 30.0  # assumed: the average is taken over the advised pause
    dedup_seconds: float = 7 * 86400
    min_id_length: int = 5
    max_string: int = 1024
    max_depth: int = 40
    kept_events: int = 200_000
    refused_ids: str | None = None
    """A regular expression: events whose insert_id begins so are invalid whenever they come."""


@dataclass(frozen=True, slots=True)
class EndpointLimits:
    max_bytes: int
    max_events: int
    events_per_second: int
    events_per_day: int | None


def of_endpoint(limits: Limits, path: str) -> EndpointLimits:
    if path == BATCH:
        return EndpointLimits(
            limits.batch_bytes,
            limits.batch_events,
            limits.batch_events_per_second,
            limits.batch_events_per_day,
        )
    return EndpointLimits(
        limits.http_bytes, limits.http_events, limits.http_events_per_second, None
    )
