"""Kafka only by our recipe: see the dangerous constructs in CONTRIBUTING.md."""

from collections.abc import Iterator

from tools.lints.source import Finding, Source

_CONSUMER = "kit/kafka/consumer.py"


def check(source: Source) -> Iterator[Finding]:
    """Yield calls that lose records or order."""
    for call, name in source.calls():
        if name == "publish_batch":
            yield source.finding(call, "publish_batch() sends all records to one partition")
        if name == "commit" and not call.args and not call.keywords:
            yield source.finding(call, "commit() without offsets commits what is still in hand")
        if name in {"subscriber", "KafkaBroker"} and str(source.path) != _CONSUMER:
            yield source.finding(call, f"{name}() stands in {_CONSUMER} alone")
