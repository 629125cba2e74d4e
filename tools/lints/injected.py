"""Time, ids and randomness are injected into the inside of a service."""

import ast
from collections.abc import Iterator

from tools.lints.source import Finding, Source

_BANNED = frozenset(
    (
        *("datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
        *("time.time", "time.time_ns", "time.monotonic"),
        *("uuid.uuid1", "uuid.uuid4", "uuid1", "uuid4", "os.urandom"),
    )
)
_MODULES = frozenset(["random", "secrets"])


def check(source: Source) -> Iterator[Finding]:
    """Yield reads of the clock and of chance in domain and usecases."""
    if not source.within("services/*/domain", "services/*/usecases"):
        return
    for node in ast.walk(source.tree):
        match node:
            case ast.Call(func=function) if _is_banned(ast.unparse(function)):
                yield source.finding(node, f"{ast.unparse(function)}() is injected here")
            case ast.Import(names=names) if any(n.name in _MODULES for n in names):
                yield source.finding(node, f"{names[0].name} is injected here")
            case ast.ImportFrom(module=str(module)) if module in _MODULES:
                yield source.finding(node, f"{module} is injected here")


def _is_banned(name: str) -> bool:
    return name in _BANNED or name.removeprefix("datetime.") in _BANNED
