"""``docs/metrics.md``: every metric of every service."""

from collections.abc import Iterator
from types import ModuleType

from prometheus_client import Counter, Gauge, Histogram

from kit.observability import metrics as kit_metrics
from services.telemetry import metrics as telemetry_metrics
from services.tenancy import metrics as tenancy_metrics
from tools.docs.markdown import code, codes, page, table

Metric = Counter | Gauge | Histogram
MODULES: dict[str, ModuleType] = {
    "Every service": kit_metrics,
    "tenancy": tenancy_metrics,
    "telemetry": telemetry_metrics,
}

_INTRO = """\
Prometheus format, at `/metrics` of the internal listener of each process. Labels are our own names
(routes are templates, never paths); no tenant, key or text of a customer is a label."""


def render() -> str:
    """Return the page."""
    return page("Metrics", _INTRO, *(_section(n, m) for n, m in MODULES.items()))


def metrics_of(module: ModuleType) -> Iterator[Metric]:
    """Yield the metrics that a module defines, in its order."""
    for value in vars(module).values():
        if isinstance(value, Counter | Gauge | Histogram):
            yield value


def _section(name: str, module: ModuleType) -> str:
    rows = ((code(n), kind, codes(labels, ""), text) for n, kind, labels, text in _rows(module))
    return f"## {name}\n\n" + table(("name", "type", "labels", "meaning"), rows)


def _rows(module: ModuleType) -> Iterator[tuple[str, str, tuple[str, ...], str]]:
    for metric in metrics_of(module):
        described = metric.describe()
        family = next(iter(described))
        suffix = "_total" if family.type == "counter" else ""
        labels = metric._labelnames  # noqa: SLF001  the client shows them nowhere else
        yield family.name + suffix, family.type, labels, family.documentation
