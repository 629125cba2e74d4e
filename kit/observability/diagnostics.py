"""What this process tells of itself: errors, its start, a sample of its requests.

Notes are kept in bounded memory and taken by ``kit.diagnostics``; noting never raises and never
waits. Of an exception only types and our own frames are read: not its message, arguments or notes,
no locals, no lines of source, no paths of files.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType

from contracts.diagnostics import (
    MOST_CAUSES,
    MOST_FRAMES,
    OPERATOR,
    Diagnostic,
    ErrorReport,
    Frame,
    Place,
    RequestSpan,
)
from kit.clock import Clock
from kit.observability.metrics import DIAGNOSTICS
from kit.version import VERSION

OUR_PACKAGES = ("contracts", "kit", "services")
MOST_ERRORS = 200
"""Different errors that are remembered at a time."""
ERROR_PAUSE = timedelta(seconds=20)
"""One error at one place is told three times a minute at most, with a count."""
WINDOW = timedelta(seconds=10)
MOST_SPANS = 30
"""Routes, methods and classes of status of a window; a request of each is kept."""
_FORGET = timedelta(minutes=2)
_TOLD = "_ostro_told"

CONCERNED: ContextVar[str | None] = ContextVar("concerned", default=None)
"""The tenant whose request or record is being worked on, if a credential or header says so."""
RECORDER: ContextVar["Recorder | None"] = ContextVar("recorder", default=None)
"""Of the service that the running task belongs to."""


@dataclass(frozen=True, slots=True)
class Noted:
    """One thing to publish. ``tenant`` is ``OPERATOR`` where none is concerned."""

    tenant: str
    at: datetime
    diagnostic: Diagnostic


@dataclass(slots=True)
class _Error:
    report: ErrorReport
    count: int
    seen: datetime
    next: datetime


@dataclass(slots=True)
class _Stratum:
    seen: int = 0
    kept: tuple[str, datetime, RequestSpan] | None = None


@dataclass
class Recorder:
    """The notes of one service in one process. ``below``: a random integer in [0, limit)."""

    service: str
    clock: Clock
    below: Callable[[int], int]
    _errors: dict[tuple[object, ...], _Error] = field(default_factory=dict)
    _strata: dict[tuple[str, str, int], _Stratum] = field(default_factory=dict)
    _window_ends: datetime | None = None
    _starts: list[datetime] = field(default_factory=list)

    def started(self) -> None:
        """Note that the process started."""
        self._starts.append(self.clock.now())

    def error(self, error: BaseException, place: Place, *, handled: bool) -> None:
        """Note an error; one that was noted already, by whoever saw it first, is not counted."""
        try:
            if getattr(error, _TOLD, False):
                return
            _mark(error)
            self._note(report_of(error, place, handled=handled))
        except Exception:  # noqa: BLE001  whatever is wrong with it, the caller has its own worries
            DIAGNOSTICS.labels("unreadable").inc()

    def _note(self, report: ErrorReport) -> None:
        tenant, now = CONCERNED.get() or OPERATOR, self.clock.now()
        innermost = report.frames[0] if report.frames else None
        spot = (innermost.module, innermost.function, innermost.line) if innermost else None
        key = (tenant, report.error_class, spot, report.place, report.handled)
        known = self._errors.get(key)
        if known is not None:
            known.count += 1
            known.seen = now
        elif len(self._errors) >= MOST_ERRORS:
            DIAGNOSTICS.labels("full").inc()
        else:
            self._errors[key] = _Error(report, 1, now, now)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Note an answered request; one of each route, method and class of status is kept."""
        key = (method, route, status // 100)
        stratum = self._strata.get(key)
        if stratum is None:
            if len(self._strata) >= MOST_SPANS:
                return
            stratum = self._strata[key] = _Stratum()
        stratum.seen += 1
        # each of them with the same chance
        if stratum.seen == 1 or self.below(stratum.seen) == 0:
            span = RequestSpan(
                method=method, route=route, status=status, duration_ms=round(seconds * 1000, 1)
            )
            stratum.kept = CONCERNED.get() or OPERATOR, self.clock.now(), span

    def take(self) -> list[Noted]:
        """Return what is to be published now."""
        now = self.clock.now()
        return [*self._taken_starts(), *self._taken_errors(now), *self._taken_spans(now)]

    def rest(self) -> list[Noted]:
        """Return all that is left, when the process ends."""
        far = self.clock.now() + _FORGET
        return [*self._taken_starts(), *self._taken_errors(far), *self._taken_spans(far)]

    def _taken_starts(self) -> Iterator[Noted]:
        starts, self._starts = self._starts, []
        for at in starts:
            yield Noted(OPERATOR, at, self._diagnostic(starts=1))

    def _taken_errors(self, now: datetime) -> Iterator[Noted]:
        # a copy at once: log lines of other threads are noted as well
        for key, error in list(self._errors.items()):
            if error.count and error.next <= now:
                report = error.report.model_copy(update={"count": error.count})
                error.count, error.next = 0, now + ERROR_PAUSE
                yield Noted(str(key[0]), error.seen, self._diagnostic(error=report))
            elif not error.count and error.seen + _FORGET < now:
                self._errors.pop(key, None)

    def _taken_spans(self, now: datetime) -> Iterator[Noted]:
        if self._window_ends is not None and now < self._window_ends:
            return
        strata, self._strata = self._strata, {}
        self._window_ends = now + WINDOW
        for stratum in strata.values():
            if stratum.kept is not None:
                tenant, at, span = stratum.kept
                share = span.model_copy(update={"sampled": 1 / stratum.seen})
                yield Noted(tenant, at, self._diagnostic(request=share))

    def _diagnostic(self, **part: object) -> Diagnostic:
        return Diagnostic.model_validate({"service": self.service, "release": VERSION, **part})


def note(error: BaseException, place: Place, *, handled: bool) -> None:
    """Note an error for the service that the running task belongs to, if it belongs to one."""
    recorder = RECORDER.get()
    if recorder is not None:
        recorder.error(error, place, handled=handled)


def begin_request(recorder: Recorder | None) -> None:
    """Begin with nobody's work: a server may reuse the context of the request before."""
    CONCERNED.set(None)
    RECORDER.set(recorder)


@contextmanager
def concerning(tenant: str | None) -> Iterator[None]:
    """Say whose work this is."""
    token = CONCERNED.set(tenant)
    try:
        yield
    finally:
        CONCERNED.reset(token)


def report_of(error: BaseException, place: Place, *, handled: bool) -> ErrorReport:
    """Read types and our own frames, and nothing else."""
    return ErrorReport(
        error_class=class_name(type(error)),
        causes=[class_name(type(cause)) for cause in _causes(error)],
        frames=frames_of(error.__traceback__),
        handled=handled,
        place=place.value,
    )


def class_name(kind: type) -> str:
    """Return the dotted name of the nearest type that a module holds under its name.

    A type that was made at run time may be called after what a customer wrote.
    """
    for base in kind.__mro__:
        module, name = base.__module__, base.__qualname__
        if _held(module, name) is base:
            return name if module == "builtins" else f"{module}.{name}"
    return "Exception"


def _held(module: str, name: str) -> object:
    found: object = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and len(found) < MOST_CAUSES:
        following = current.__cause__
        if following is None and not current.__suppress_context__:
            following = current.__context__
        if following is None or following is error or following in found:
            break
        found.append(following)
        current = following
    return found


def frames_of(trace: TracebackType | None) -> list[Frame]:
    """Return our own frames, the innermost first."""
    found: list[Frame] = []
    while trace is not None:
        frame = trace.tb_frame
        module = str(frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] in OUR_PACKAGES:
            function = frame.f_code.co_name
            found.append(Frame(module=module, function=function, line=trace.tb_lineno))
        trace = trace.tb_next
    return found[: -MOST_FRAMES - 1 : -1]


def _mark(error: BaseException) -> None:
    try:
        setattr(error, _TOLD, True)
    except AttributeError:  # a type with slots: seen twice it counts twice
        return
