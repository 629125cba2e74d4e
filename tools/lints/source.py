"""A parsed source file and what a rule says about it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Finding:
    """One breach of a rule, in the function that encloses it."""

    path: str
    line: int
    function: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.function}: {self.message}"


class Source:
    """One file. ``path`` is relative to the repository."""

    def __init__(self, path: str, text: str) -> None:
        self.path = PurePosixPath(path)
        self.tree = ast.parse(text)
        self._owners: dict[ast.AST, str] = {}
        self._scopes: dict[ast.AST, Function] = {}
        self._own(self.tree, "", None)

    def _own(self, node: ast.AST, name: str, scope: Function | None) -> None:
        for child in ast.iter_child_nodes(node):
            inner, function = name, scope
            if isinstance(child, Function | ast.ClassDef):
                inner = f"{name}.{child.name}" if name else child.name
            if isinstance(child, Function):
                function = child
            self._owners[child] = inner
            if function is not None:
                self._scopes[child] = function
            self._own(child, inner, function)

    def within(self, *folders: str) -> bool:
        """Whether the file stands in one of the folders; ``*`` is one part of a path."""
        parts = self.path.parts
        return any(
            len(wanted) < len(parts)
            and all(w in {"*", p} for w, p in zip(wanted, parts, strict=False))
            for wanted in (PurePosixPath(folder).parts for folder in folders)
        )

    def scope(self, node: ast.AST) -> Function | None:
        """Return the function around a node."""
        return self._scopes.get(node)

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        """Yield every call with the last part of its name."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                function = node.func
                name = function.attr if isinstance(function, ast.Attribute) else ""
                yield node, function.id if isinstance(function, ast.Name) else name

    def finding(self, node: ast.expr | ast.stmt, message: str) -> Finding:
        """Say what is wrong where."""
        return Finding(str(self.path), node.lineno, self._owners.get(node, "") or "module", message)
