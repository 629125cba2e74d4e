"""Whoever writes test executions claims their ids: lists count by summaries (ADR 0024)."""

import ast
from pathlib import Path

import pytest

_ADAPTERS = Path("services/executions/adapters/mongo")
_WRITES = {"insert_one", "insert_many", "insert_new", "insert_marked"} | {
    f"{verb}_{number}" for verb in ("update", "delete", "replace") for number in ("one", "many")
}


def _names(tree: ast.AST) -> set[str]:
    return {
        name
        for node in ast.walk(tree)
        for name in (
            getattr(node, "attr", None),
            getattr(node, "id", None),
            node.value if isinstance(node, ast.Constant) else None,
        )
        if isinstance(name, str)
    }


@pytest.mark.parametrize("path", sorted(_ADAPTERS.glob("*.py")), ids=lambda p: p.stem)
def test_modules_that_write_executions_know_claims(path: Path) -> None:
    names = _names(ast.parse(path.read_text()))
    writes_executions = names & _WRITES and names & {"_executions", "test_executions"}
    if writes_executions or path.stem in {"executionwrites", "shelving", "projectwrites"}:
        assert names & {"_claims", "claims"}, f"{path} writes executions without a claim"
