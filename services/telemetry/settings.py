"""Settings of telemetry."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, HttpUrl, field_validator

from kit.settings import MongoSettings, ServiceSettings, read_secret
from services.telemetry.adapters.processors.amplitude import Api
from services.telemetry.adapters.sealing import read_wrapping_key
from services.telemetry.domain.pseudonyms import Period

DATABASE = "ostro_telemetry"


def _unset_when_empty(value: Any) -> Any:
    return None if value == "" else value


OptionalUrl = Annotated[HttpUrl | None, BeforeValidator(_unset_when_empty)]
OptionalFile = Annotated[Path | None, BeforeValidator(_unset_when_empty)]


class TelemetrySettings(ServiceSettings):
    """A processor whose URL or key is not set does not run: its events are neither sent nor read.

    Regions are chosen by the URL; the key must be of the same region.
    """

    http_port: int = Field(8104, ge=1, le=65535, description="public API")
    internal_port: int = Field(8204, ge=1, le=65535, description="internal listener")
    mongodb_database: str = Field(DATABASE, description="own database")

    pseudonym_key_file: Path = Field(
        description="file with 32 bytes in base64 that seal the keys of pseudonyms"
    )
    pseudonym_period: Period = Field(
        Period.MONTH,
        description="how long a key of pseudonyms is used: day, week, month or quarter",
    )
    segment_url: OptionalUrl = Field(
        None,
        description="base URL: https://api.segment.io, or https://events.eu1.segmentapis.com",
    )
    segment_write_key_file: OptionalFile = Field(None, description="file with the write key")
    amplitude_url: OptionalUrl = Field(
        None,
        description="base URL: https://api2.amplitude.com, or https://api.eu.amplitude.com",
    )
    amplitude_api_key_file: OptionalFile = Field(None, description="file with the API key")
    amplitude_api: Api = Field(Api.BATCH, description="batch or http (HTTP V2)")
    amplitude_throttle_seconds: float | None = Field(
        None, gt=0, description="pause for a user over the rate; Amplitude's advice by default"
    )
    bugsnag_api_key_file: OptionalFile = Field(
        None, description="file with the API key of the project; without it nothing is sent"
    )
    bugsnag_notify_url: OptionalUrl = Field(
        None,
        description="whole URL for errors; https://notify.bugsnag.com by default, for a key that "
        "begins with 00000 https://notify.bugsnag.smartbear.com",
    )
    bugsnag_sessions_url: OptionalUrl = Field(
        None,
        description="whole URL for sessions; https://sessions. and the same realm by default",
    )
    bugsnag_traces_url: OptionalUrl = Field(
        None,
        description="whole URL for spans; https://<API key>.otlp. and the same realm, /v1/traces, "
        "by default",
    )
    bugsnag_spans: bool = Field(
        default=True, description="send a sample of requests as spans, which BugSnag charges for"
    )
    bugsnag_own_errors: bool = Field(
        default=False,
        description="send errors, starts and spans that concern no tenant: the operator's consent",
    )
    bugsnag_release_stage: str = Field(
        "production", pattern=r"^[a-z][a-z0-9-]{0,30}$", description="release stage in BugSnag"
    )

    telemetry_sink_file: OptionalFile = Field(
        None, description="file that gets every anonymous event as a line of JSON; off when empty"
    )
    telemetry_sink_file_bytes: int = Field(
        100_000_000, ge=1_000_000, description="size at which the sink file is rotated"
    )
    telemetry_sink_files: int = Field(
        5, ge=1, le=1000, description="how many sink files are kept, the current one included"
    )

    browser_per_minute: int = Field(
        60, gt=0, description="most requests with events of pages in Jira, per person"
    )
    browser_site_per_minute: int = Field(
        6_000, gt=0, description="the same, for all persons of a site together"
    )

    launchdarkly_sdk_key_file: OptionalFile = Field(
        None, description="file with LaunchDarkly's SDK key; without it nobody asks LaunchDarkly"
    )
    launchdarkly_region: Literal["us", "eu"] = Field(
        "us", description="us or eu: hosts of LaunchDarkly"
    )
    launchdarkly_stream_url: OptionalUrl = Field(
        None, description="base URL of the stream, instead of the region's"
    )
    launchdarkly_base_url: OptionalUrl = Field(
        None, description="base URL of the SDK API, instead of the region's"
    )
    launchdarkly_events_url: OptionalUrl = Field(
        None, description="base URL of the events API, to which nothing is sent"
    )
    flags_file: OptionalFile = Field(
        None, description="JSON file of flags; with it LaunchDarkly is not asked"
    )

    @field_validator("pseudonym_key_file")
    @classmethod
    def _readable(cls, path: Path) -> Path:
        read_wrapping_key(path)
        return path


class AdminSettings(MongoSettings):
    """What ``admin`` needs: telemetry's database and nothing else."""

    mongodb_database: str = Field(DATABASE, description="telemetry's database")


def secret_or_none(path: Path | None) -> str | None:
    """Return a key, None when its file is not named or empty."""
    return None if path is None else read_secret(path).strip() or None
