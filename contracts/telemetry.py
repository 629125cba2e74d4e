"""The anonymous event: a type of its own, built only by telemetry's anonymizer from an allow-list.

Every field is an enum value, a bucket, a template, a truncated time or a keyed pseudonym; no
field can hold free text. The rules stand in ``docs/privacy/anonymization.md``.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, field_validator

from contracts.base import Contract
from contracts.classes import DataClass
from contracts.usage import UsageEventName

TENANT_HANDLE_HEADER = "ostro-tenant-handle"
"""Kafka header with a random handle of the tenant, for consent at send time; never sent on."""
NO_TENANT = "anonymous"
"""Stands in the envelope of anonymous records where others name their tenant."""


class ProcessorName(StrEnum):
    """A third party that may get anonymous data; its consumer group is ``telemetry.<name>``."""

    AMPLITUDE = "amplitude"
    BEAMER = "beamer"
    BUGSNAG = "bugsnag"
    LAUNCHDARKLY = "launchdarkly"
    SEGMENT = "segment"

    @property
    def group(self) -> str:
        """Name of its consumer group."""
        return f"telemetry.{self.value}"


class ClientFamily(StrEnum):
    """Family of a user agent, without device or system."""

    CHROME = "Chrome"
    EDGE = "Edge"
    FIREFOX = "Firefox"
    SAFARI = "Safari"
    OPERA = "Opera"
    CURL = "curl"
    WGET = "Wget"
    PYTHON = "Python"
    NODE = "Node"
    JAVA = "Java"
    GO = "Go"
    DOTNET = ".NET"
    POWERSHELL = "PowerShell"
    POSTMAN = "Postman"
    OTHER = "Other"


class UploadFormat(StrEnum):
    """Format of uploaded results."""

    JUNIT = "junit"
    CUCUMBER = "cucumber"
    CUSTOM = "custom"


class CountBucket(StrEnum):
    """A number of things."""

    NONE = "0"
    ONE = "1"
    TO_10 = "2-10"
    TO_100 = "11-100"
    TO_1000 = "101-1000"
    TO_10000 = "1001-10000"
    MORE = "10001+"


class DurationBucket(StrEnum):
    """A span of time; an upper bound belongs to the next bucket."""

    TO_100_MS = "0-100ms"
    TO_1_S = "100ms-1s"
    TO_10_S = "1-10s"
    TO_60_S = "10-60s"
    MORE = "60s+"


class LicenceTier(StrEnum):
    """Number of licensed users."""

    TO_10 = "1-10"
    TO_100 = "11-100"
    TO_1000 = "101-1000"
    TO_10000 = "1001-10000"
    MORE = "10001+"


class LicenceType(StrEnum):
    """Atlassian's licence types; one that is not here is left out."""

    COMMERCIAL = "COMMERCIAL"
    ACADEMIC = "ACADEMIC"
    COMMUNITY = "COMMUNITY"
    DEMONSTRATION = "DEMONSTRATION"
    DEVELOPER = "DEVELOPER"
    EVALUATION = "EVALUATION"
    OPEN_SOURCE = "OPEN_SOURCE"
    PERSONAL = "PERSONAL"
    STARTER = "STARTER"
    TESTING = "TESTING"


_UTC = timedelta()
PSEUDONYM_PATTERN = r"^[0-9a-f]{24}$"


class AnonymousEvent(Contract):
    """What a processor may get. Unknown is None and is left out of what is sent.

    Closed on purpose, unlike other contracts: a field or value that this version does not know is
    poison, because nobody has said that it may leave the house.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    event_id: Annotated[str, DataClass.PSEUDONYM] = Field(pattern=r"^[0-9a-f]{32}$")
    """Keyed hash of the product event's id: the processors' idempotency key."""
    name: Annotated[UsageEventName, DataClass.OPERATIONAL]
    user: Annotated[str | None, DataClass.PSEUDONYM] = Field(None, pattern=PSEUDONYM_PATTERN)
    instance: Annotated[str | None, DataClass.PSEUDONYM] = Field(None, pattern=PSEUDONYM_PATTERN)
    hour: Annotated[datetime, DataClass.OPERATIONAL]
    """UTC, truncated to the hour."""
    path: Annotated[str | None, DataClass.OPERATIONAL] = Field(
        None, pattern=r"^(/:?[A-Za-z0-9._-]{1,40}){1,10}$"
    )
    """Route template, for example ``/jira/browse/:issueKey``; ``/other`` for one we do not know."""
    client: Annotated[ClientFamily | None, DataClass.OPERATIONAL] = None
    client_major: Annotated[int | None, DataClass.OPERATIONAL] = Field(None, ge=1, le=999)
    app_version: Annotated[str | None, DataClass.OPERATIONAL] = Field(
        None, pattern=r"^[0-9]{1,3}\.[0-9]{1,3}$"
    )
    jira_version: Annotated[str | None, DataClass.OPERATIONAL] = Field(
        None, pattern=r"^[0-9]{1,4}\.[0-9]{1,2}$"
    )
    licence_tier: Annotated[LicenceTier | None, DataClass.OPERATIONAL] = None
    licence_type: Annotated[LicenceType | None, DataClass.OPERATIONAL] = None
    format: Annotated[UploadFormat | None, DataClass.OPERATIONAL] = None
    size: Annotated[CountBucket | None, DataClass.OPERATIONAL] = None
    """Number of results of an upload."""
    duration: Annotated[DurationBucket | None, DataClass.OPERATIONAL] = None

    @field_validator("hour")
    @classmethod
    def _truncated(cls, hour: datetime) -> datetime:
        if hour.utcoffset() != _UTC or hour.minute or hour.second or hour.microsecond:
            raise ValueError("not a whole hour in UTC")
        return hour
