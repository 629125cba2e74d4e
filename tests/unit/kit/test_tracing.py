"""Spans name an exception and never quote it."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Span, StatusCode

from kit.observability import tracing

TEXT = "customer content"
SPANS: dict[str, Callable[[], AbstractContextManager[Span]]] = {
    "server": lambda: tracing.server_span("GET", {}),
    "client": lambda: tracing.client_span("GET tenancy"),
    "batch": lambda: tracing.batch_span("process group", []),
}


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    found, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(found))
    monkeypatch.setattr(tracing, "_TRACER", provider.get_tracer("test"))
    return found


@pytest.mark.parametrize("kind", SPANS)
def test_an_exception_is_named_not_quoted(exporter: InMemorySpanExporter, kind: str) -> None:
    with pytest.raises(ValueError, match=TEXT), SPANS[kind]():
        raise ValueError(TEXT)
    (span,) = exporter.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes is not None
    assert span.attributes["error.type"] == "ValueError"
    assert TEXT not in span.to_json()


@pytest.mark.parametrize("kind", SPANS)
def test_without_one_nothing_is_wrong(exporter: InMemorySpanExporter, kind: str) -> None:
    with SPANS[kind]():
        pass
    (span,) = exporter.get_finished_spans()
    assert span.status.status_code is StatusCode.UNSET
    assert "error.type" not in (span.attributes or {})
