"""OpenTelemetry: W3C context through HTTP and Kafka; exported only where a collector is named."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import Link, Span, SpanKind, StatusCode

from kit.version import VERSION

_TRACER = trace.get_tracer("ostro", VERSION)


def configure(service: str, endpoint: str | None) -> None:
    """Set the global tracer provider once per process."""
    provider = TracerProvider(
        # without a collector there are ids, so that records and logs can be joined, but no spans
        sampler=None if endpoint is not None else ALWAYS_OFF,
        resource=Resource.create({"service.name": f"ostro-{service}", "service.version": VERSION}),
    )
    if endpoint is not None:
        exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + "/v1/traces")
        provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)


def sampled() -> bool:
    """Whether spans go anywhere."""
    sampler = getattr(trace.get_tracer_provider(), "sampler", ALWAYS_OFF)
    return sampler is not ALWAYS_OFF


def traceparent() -> str | None:
    """Return the current W3C ``traceparent``, None outside a span."""
    if not trace.get_current_span().get_span_context().is_valid:
        return None
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent")


@contextmanager
def _span(name: str, kind: SpanKind, **options: Any) -> Iterator[Span]:
    """Start a span that names an exception and does not quote it: its text may hold content."""
    with _TRACER.start_as_current_span(
        name, kind=kind, record_exception=False, set_status_on_exception=False, **options
    ) as span:
        try:
            yield span
        except Exception as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(StatusCode.ERROR)
            raise


@contextmanager
def server_span(name: str, headers: Mapping[str, str]) -> Iterator[Span]:
    """Span of one HTTP request, child of the caller's."""
    context = propagate.extract({k: headers[k] for k in ("traceparent",) if k in headers})
    with _span(name, SpanKind.SERVER, context=context) as span:
        yield span


@contextmanager
def client_span(name: str) -> Iterator[Span]:
    """Span of one call to another service."""
    with _span(name, SpanKind.CLIENT) as span:
        yield span


@contextmanager
def batch_span(name: str, parents: Iterable[str]) -> Iterator[Span]:
    """Span of one consumed batch, linked to the traces of its records (at most 32)."""
    links = []
    for parent in list(dict.fromkeys(parents))[:32]:
        context = propagate.extract({"traceparent": parent})
        remote = trace.get_current_span(context).get_span_context()
        if remote.is_valid:
            links.append(Link(remote))
    with _span(name, SpanKind.CONSUMER, links=links) as span:
        yield span
