"""What services tell of themselves for BugSnag: errors, starts, requests. Facts about our code.

Never in here: an exception's message, arguments, notes or locals, source lines, paths of files,
names of hosts, paths of requests. The anonymous form is a type of its own, made by telemetry alone.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from contracts.base import Contract
from contracts.classes import DataClass
from contracts.telemetry import PSEUDONYM_PATTERN

OPERATOR = "operator"
"""Stands for the tenant of what concerns none: a start, the relay, a request nobody proved."""


class Place(StrEnum):
    """Where an error surfaced."""

    HTTP = "http"
    CONSUMER = "consumer"
    RELAY = "relay"
    BACKGROUND = "background"
    LOG = "log"


class Frame(Contract):
    """One of our own frames in a traceback."""

    module: Annotated[str, DataClass.OPERATIONAL]
    """Dotted, for example ``services.executions.usecases.uploads``."""
    function: Annotated[str, DataClass.OPERATIONAL]
    line: Annotated[int, DataClass.OPERATIONAL]


class ErrorReport(Contract):
    """One kind of error at one place, and how often it came since it was told last."""

    error_class: Annotated[str, DataClass.OPERATIONAL]
    """Dotted name of the exception's type; ``builtins`` is left out."""
    causes: Annotated[list[str], DataClass.OPERATIONAL] = Field(default_factory=list)
    """Types of what it came of, the nearest first."""
    frames: list[Frame] = Field(default_factory=list)
    """The innermost first."""
    handled: Annotated[bool, DataClass.OPERATIONAL]
    place: Annotated[str, DataClass.OPERATIONAL]
    count: Annotated[int, DataClass.OPERATIONAL] = 1


class RequestSpan(Contract):
    """A request of the public API, one of a sample."""

    method: Annotated[str, DataClass.OPERATIONAL]
    route: Annotated[str, DataClass.OPERATIONAL]
    """Template, never a path."""
    status: Annotated[int, DataClass.OPERATIONAL]
    duration_ms: Annotated[float, DataClass.OPERATIONAL]
    sampled: Annotated[float, DataClass.OPERATIONAL] = 1.0
    """Share of the requests like it that the sample holds."""


class Diagnostic(Contract):
    """One of the three. It happened at the envelope's time."""

    service: Annotated[str, DataClass.OPERATIONAL]
    release: Annotated[str, DataClass.OPERATIONAL]
    error: ErrorReport | None = None
    starts: Annotated[int | None, DataClass.OPERATIONAL] = None
    """Processes of the service that started."""
    request: RequestSpan | None = None


# --- the anonymous form -----------------------------------------------------------------------

_CLOSED = ConfigDict(frozen=True, extra="forbid")
CLASS_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]{0,63}(\.[A-Za-z_][A-Za-z0-9_]{0,63}){0,9}$"
MODULE_PATTERN = r"^(contracts|kit|services)(\.[a-z_][a-z0-9_]{0,63}){1,9}$"
FUNCTION_PATTERN = (
    r"^([A-Za-z_][A-Za-z0-9_]{0,63}|<(lambda|module|genexpr|listcomp|dictcomp|setcomp)>)$"
)
ROUTE_PATTERN = r"^(/:?[A-Za-z0-9._-]{1,40}){1,10}$"
MOST_FRAMES, MOST_CAUSES = 30, 5


class ServiceName(StrEnum):
    """Our four."""

    TESTCASES = "testcases"
    EXECUTIONS = "executions"
    TENANCY = "tenancy"
    TELEMETRY = "telemetry"


class Method(StrEnum):
    """Methods of the public API."""

    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    DELETE = "DELETE"
    HEAD = "HEAD"
    PATCH = "PATCH"


class AnonymousFrame(Contract):
    """A frame of our packages."""

    model_config = _CLOSED

    module: Annotated[str, DataClass.OPERATIONAL] = Field(pattern=MODULE_PATTERN)
    function: Annotated[str, DataClass.OPERATIONAL] = Field(pattern=FUNCTION_PATTERN)
    line: Annotated[int, DataClass.OPERATIONAL] = Field(ge=1, le=100_000)


class AnonymousError(Contract):
    """An error without anything that was in it."""

    model_config = _CLOSED

    error_class: Annotated[str, DataClass.OPERATIONAL] = Field(pattern=CLASS_PATTERN)
    causes: Annotated[
        tuple[Annotated[str, Field(pattern=CLASS_PATTERN)], ...], DataClass.OPERATIONAL
    ] = Field((), max_length=MOST_CAUSES)
    frames: tuple[AnonymousFrame, ...] = Field((), max_length=MOST_FRAMES)
    handled: Annotated[bool, DataClass.OPERATIONAL]
    place: Annotated[Place, DataClass.OPERATIONAL]
    count: Annotated[int, DataClass.OPERATIONAL] = Field(ge=1, le=1_000_000)


class AnonymousSpan(Contract):
    """A request without anything that was in it."""

    model_config = _CLOSED

    method: Annotated[Method, DataClass.OPERATIONAL]
    route: Annotated[str, DataClass.OPERATIONAL] = Field(pattern=ROUTE_PATTERN, max_length=200)
    status: Annotated[int, DataClass.OPERATIONAL] = Field(ge=100, le=599)
    duration_ms: Annotated[float, DataClass.OPERATIONAL] = Field(ge=0, le=3_600_000)
    """Two digits count."""
    sampled: Annotated[float, DataClass.OPERATIONAL] = Field(gt=0, le=1)


class AnonymousDiagnostic(Contract):
    """What BugSnag may get: one of error, starts and span. Closed, as ``AnonymousEvent`` is."""

    model_config = _CLOSED

    event_id: Annotated[str, DataClass.PSEUDONYM] = Field(pattern=r"^[0-9a-f]{32}$")
    service: Annotated[ServiceName, DataClass.OPERATIONAL]
    release: Annotated[str, DataClass.OPERATIONAL] = Field(pattern=r"^[0-9]{1,3}\.[0-9]{1,3}$")
    minute: Annotated[datetime, DataClass.OPERATIONAL]
    """UTC, truncated to the minute."""
    tenant: Annotated[str | None, DataClass.PSEUDONYM] = Field(None, pattern=PSEUDONYM_PATTERN)
    """Keyed hash of the tenant, None where none is concerned."""
    error: AnonymousError | None = None
    starts: Annotated[int | None, DataClass.OPERATIONAL] = Field(None, ge=1, le=1_000)
    span: AnonymousSpan | None = None

    @field_validator("minute")
    @classmethod
    def _truncated(cls, minute: datetime) -> datetime:
        if minute.tzinfo is None or minute.utcoffset() or minute.timestamp() % 60:
            raise ValueError("not a whole minute in UTC")
        return minute

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(part is not None for part in (self.error, self.starts, self.span)) != 1:
            raise ValueError("not exactly one of error, starts and span")
        return self
