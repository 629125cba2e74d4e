"""Settings of telemetry."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, HttpUrl, field_validator, model_validator

from kit.settings import MongoSettings, ServiceSettings, read_secret
from services.telemetry.adapters.processors.amplitude import Api
from services.telemetry.adapters.processors.regions import Region, region_of
from services.telemetry.adapters.sealing import read_wrapping_key
from services.telemetry.domain.pseudonyms import Period

DATABASE = "ostro_telemetry"


def _unset_when_empty(value: Any) -> Any:
    return None if value == "" else value


OptionalUrl = Annotated[HttpUrl | None, BeforeValidator(_unset_when_empty)]
OptionalFile = Annotated[Path | None, BeforeValidator(_unset_when_empty)]
OptionalRegion = Annotated[Region | None, BeforeValidator(_unset_when_empty)]
OptionalPath = Annotated[
    Annotated[str, Field(pattern=r"^/")] | None, BeforeValidator(_unset_when_empty)
]
OptionalText = Annotated[str | None, BeforeValidator(_unset_when_empty)]
OptionalId = Annotated[
    Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None,
    BeforeValidator(_unset_when_empty),
]


class TelemetrySettings(ServiceSettings):
    """A processor without a key does not run: its events are neither sent nor read.

    Neither do Amplitude and Segment without a region or a URL: where data goes is a choice.
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
    processors_region: OptionalRegion = Field(
        None,
        description="us or eu: hosts of Amplitude, Segment and LaunchDarkly that have no URL here; "
        "the keys must be of the same region",
    )
    segment_url: OptionalUrl = Field(
        None, description="base URL of the tracking API, instead of the region's"
    )
    segment_path: str = Field(
        "/v1/batch", pattern=r"^/", description="path of the tracking API below its base URL"
    )
    segment_write_key_file: OptionalFile = Field(None, description="file with the write key")
    amplitude_url: OptionalUrl = Field(
        None, description="base URL of the upload APIs, instead of the region's"
    )
    amplitude_path: OptionalPath = Field(
        None, description="path below that; of the chosen API by default: /batch or /2/httpapi"
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

    beamer_url: HttpUrl = Field(
        HttpUrl("https://api.getbeamer.com/v0"), description="base URL of Beamer's API"
    )
    beamer_api_key_file: OptionalFile = Field(
        None, description="file with Beamer's API key; without it pages get no notices"
    )
    beamer_monthly_requests: int = Field(
        1_000, ge=10, description="requests to Beamer that the plan allows in a month"
    )

    amplitude_deletion_url: OptionalUrl = Field(
        None,
        description="base URL of Amplitude's deletions; of the events' region by default",
    )
    amplitude_secret_key_file: OptionalFile = Field(
        None, description="file with the project's secret key; without it nothing is deleted there"
    )
    amplitude_deletion_requester: OptionalText = Field(
        None, description="address of a role, not of a person, that asks for deletions"
    )
    segment_api_url: OptionalUrl = Field(
        None, description="base URL of Segment's Public API; of the events' region by default"
    )
    segment_api_token_file: OptionalFile = Field(
        None, description="file with a Public API token; without it nothing is deleted there"
    )
    bugsnag_data_url: OptionalUrl = Field(
        None, description="base URL of BugSnag's Data Access API; of the key's realm by default"
    )
    bugsnag_data_token_file: OptionalFile = Field(
        None, description="file with a personal auth token; without it nothing is deleted there"
    )
    bugsnag_project_id: OptionalId = Field(None, description="id of the project in BugSnag")
    erasure_settle_seconds: float = Field(
        60.0,
        ge=0,
        description="pause before processors are asked to delete, for what is being sent",
    )
    erasure_poll_seconds: float = Field(
        3_600.0, gt=0, description="pause between two questions how far a deletion is"
    )
    erasure_deadline_days: float = Field(
        45.0, gt=0, description="after so many days a deletion that is not done has failed"
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
    launchdarkly_region: OptionalRegion = Field(
        None, description="region of LaunchDarkly alone, where it is another; us by default"
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

    @model_validator(mode="after")
    def _one_region(self) -> Self:
        """Refuse a host of another region beside a region: a slip would send data abroad."""
        for name in ("amplitude", "amplitude_deletion", "segment", "segment_api"):
            url = getattr(self, f"{name}_url")
            found = None if url is None else region_of(str(url))
            if None not in {found, self.processors_region} and found != self.processors_region:
                raise ValueError(f"{name}_url is a host of another region than processors_region")
        return self


class AdminSettings(MongoSettings):
    """What ``admin`` needs: telemetry's database and nothing else."""

    mongodb_database: str = Field(DATABASE, description="telemetry's database")


class EraseSettings(AdminSettings):
    """What ``admin erase`` needs besides: it works out pseudonyms."""

    pseudonym_key_file: Path = Field(
        description="file with 32 bytes in base64 that seal the keys of pseudonyms"
    )
    pseudonym_period: Period = Field(
        Period.MONTH, description="how long a key of pseudonyms is used"
    )
    erasure_settle_seconds: float = Field(
        60.0, ge=0, description="pause before processors are asked to delete"
    )


def secret_or_none(path: Path | None) -> str | None:
    """Return a key, None when its file is not named or empty."""
    return None if path is None else read_secret(path).strip() or None
