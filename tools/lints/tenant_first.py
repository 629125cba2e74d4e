"""The tenant is first in every MongoDB filter of a service (see ``filters`` for what counts)."""

import ast
from collections.abc import Iterator

from tools.lints.filters import is_scoped
from tools.lints.source import Finding, Source

_METHODS = frozenset(
    (
        *("find", "find_one", "find_one_and_update", "count_documents", "distinct", "aggregate"),
        *(f"{verb}_{n}" for verb in ("update", "delete", "replace") for n in ("one", "many")),
        *("UpdateOne", "UpdateMany", "ReplaceOne", "DeleteOne", "DeleteMany"),
    )
)


def check(source: Source) -> Iterator[Finding]:
    """Yield filters that may reach another tenant's documents."""
    if not source.within("services/*/adapters/mongo"):
        return
    for call, name in source.calls():
        if name not in _METHODS or _is_own(call):
            continue
        if not call.args or not is_scoped(source, call.args[0], call):
            yield source.finding(call, f"{name}() without the tenant first")


def _is_own(call: ast.Call) -> bool:
    """Whether it is a method of the repository itself, which is looked at where it stands."""
    return isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "self"
