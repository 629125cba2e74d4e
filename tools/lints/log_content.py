"""No payload in a log: no model, document, record value or text of an exception as a field."""

import ast
from collections.abc import Iterator

from tools.lints.source import Finding, Source

_LEVELS = frozenset(["debug", "info", "warning", "error", "exception", "critical"])
_DUMPS = frozenset(["model_dump", "model_dump_json", "repr", "vars", "asdict"])
_FIELDS = frozenset(["value", "body", "payload", "document", "comment", "headers", "token"])


def check(source: Source) -> Iterator[Finding]:
    """Yield log calls that could carry content."""
    for call, name in source.calls():
        if name not in _LEVELS or not _is_logger(call.func):
            continue
        if not (call.args and isinstance(call.args[0], ast.Constant)):
            yield source.finding(call, "the event of a log line is a constant text")
        if len(call.args) > 1:
            yield source.finding(call, "log fields are named")
        for field in call.keywords:
            if field.arg is None or field.arg in _FIELDS or _dumped(field.value):
                yield source.finding(call, f"field {field.arg or '**'} may hold content")


def _is_logger(function: ast.expr) -> bool:
    owner = ast.unparse(function.value) if isinstance(function, ast.Attribute) else ""
    return owner.rpartition(".")[2].strip("_") in {"log", "logger"}


def _dumped(value: ast.expr) -> bool:
    """Whether a field's value is made by a dump, or is the text of an error."""
    if not isinstance(value, ast.Call):
        return False
    name = ast.unparse(value.func).rpartition(".")[2]
    return name in _DUMPS or (name == "str" and ast.unparse(value.args[0]) in {"error", "exc", "e"})
