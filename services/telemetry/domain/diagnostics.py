"""The only way from a diagnostic to an anonymous one: pure, default deny.

Types of exceptions are named only where they are built in, of the standard library, ours, or of a
library on the list; frames only of our own packages; routes only as a template of the allow-list.
"""

import builtins
import re
import sys
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from contracts.base import Contract
from contracts.diagnostics import (
    CLASS_PATTERN,
    FUNCTION_PATTERN,
    MODULE_PATTERN,
    MOST_CAUSES,
    MOST_FRAMES,
    OPERATOR,
    AnonymousDiagnostic,
    AnonymousError,
    AnonymousFrame,
    AnonymousSpan,
    Diagnostic,
    ErrorReport,
    Frame,
    Method,
    Place,
    RequestSpan,
    ServiceName,
)
from contracts.envelope import Event
from services.telemetry.domain import buckets
from services.telemetry.domain.anonymizer import Dropped, DropReason
from services.telemetry.domain.paths import template_of
from services.telemetry.domain.pseudonyms import EVENT_CHARACTERS, Domain, plausible, pseudonym

OTHER_CLASS = "Other"
"""Stands for the type of an exception that may not be named."""
OURS = frozenset({"contracts", "kit", "services"})
LIBRARIES = frozenset(
    {
        "aiokafka", "anyio", "boto3", "botocore", "bson", "cryptography", "fastapi", "faststream",
        "gridfs", "h11", "httpcore", "httptools", "httpx", "jwt", "ldclient", "ld_openfeature",
        "motor", "openfeature", "opentelemetry", "orjson", "prometheus_client", "pydantic",
        "pydantic_core", "pydantic_settings", "pymongo", "starlette", "structlog", "typer",
        "urllib3", "uvicorn", "uvloop",
    }
)  # fmt: skip
_MODULES = OURS | LIBRARIES | sys.stdlib_module_names
_BUILT_IN = frozenset(
    name
    for name, found in vars(builtins).items()
    if isinstance(found, type) and issubclass(found, BaseException)
)
_CLASS, _MODULE, _FUNCTION = map(re.compile, (CLASS_PATTERN, MODULE_PATTERN, FUNCTION_PATTERN))


class Kind(StrEnum):
    """What a diagnostic tells."""

    ERROR = "error"
    STARTS = "starts"
    SPAN = "span"

    @classmethod
    def of(cls, event: AnonymousDiagnostic) -> "Kind":
        """Return what an anonymous one tells."""
        if event.error is not None:
            return cls.ERROR
        return cls.STARTS if event.span is None else cls.SPAN


def screen(event: Event[Diagnostic], now: datetime) -> Dropped | None:
    """Refuse what needs no key."""
    if event.data.service not in set(ServiceName):
        return Dropped(DropReason.UNKNOWN_EVENT)
    if not plausible(event.time, now):
        return Dropped(DropReason.IMPLAUSIBLE_TIME)
    return None


def anonymize(event: Event[Diagnostic], key: bytes) -> AnonymousDiagnostic | Dropped:
    """Build the anonymous form. ``key`` is the one of the event's tenant and epoch."""
    data = event.data
    try:
        return AnonymousDiagnostic(
            event_id=pseudonym(key, Domain.EVENT, event.id, EVENT_CHARACTERS),
            service=ServiceName(data.service),
            release=buckets.app_version(data.release) or "0.0",
            minute=event.time.astimezone(UTC).replace(second=0, microsecond=0),
            tenant=tenant_pseudonym(key, event.tenantid),
            error=None if data.error is None else _error(data.error),
            starts=data.starts,
            span=None if data.request is None else _span(data.request),
        )
    except Exception:  # noqa: BLE001  whatever went wrong, it must not leave
        return Dropped(DropReason.ERROR)


def tenant_pseudonym(key: bytes, tenant: str) -> str | None:
    """Return what BugSnag knows a tenant by in the key's epoch; None for the operator."""
    return None if tenant == OPERATOR else pseudonym(key, Domain.TENANT, tenant)


def allowed_class(name: str) -> str:
    """Return the name of an exception's type, or ``Other``."""
    if not _CLASS.fullmatch(name):
        return OTHER_CLASS
    root, dotted, _ = name.partition(".")
    return name if root in (_MODULES if dotted else _BUILT_IN) else OTHER_CLASS


def unknown_fields(content: Any) -> int:
    """Count the fields of a diagnostic's JSON that this version does not know."""
    if not isinstance(content, dict):
        return 0
    error = content.get("error")
    frames = error.get("frames") if isinstance(error, dict) else None
    parts: list[tuple[Any, type[Contract]]] = [
        (content, Diagnostic),
        (error, ErrorReport),
        (content.get("request"), RequestSpan),
        *((frame, Frame) for frame in (frames if isinstance(frames, list) else ())),
    ]
    return sum(
        len(part.keys() - model.model_fields.keys())
        for part, model in parts
        if isinstance(part, dict)
    )


def _error(report: ErrorReport) -> AnonymousError:
    return AnonymousError(
        error_class=allowed_class(report.error_class),
        causes=tuple(map(allowed_class, report.causes[:MOST_CAUSES])),
        frames=tuple(_frame(f) for f in report.frames[:MOST_FRAMES] if _may_leave(f)),
        handled=report.handled,
        place=Place(report.place),
        count=min(report.count, 1_000_000),
    )


def _may_leave(frame: Frame) -> bool:
    return bool(_MODULE.fullmatch(frame.module) and _FUNCTION.fullmatch(frame.function))


def _frame(frame: Frame) -> AnonymousFrame:
    return AnonymousFrame(module=frame.module, function=frame.function, line=frame.line)


def _span(request: RequestSpan) -> AnonymousSpan:
    return AnonymousSpan(
        method=Method(request.method),
        route=template_of(request.route),
        status=request.status,
        duration_ms=_two_digits(request.duration_ms),
        sampled=_two_digits(request.sampled),
    )


def _two_digits(number: float) -> float:
    return float(f"{number:.2g}")
