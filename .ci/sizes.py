"""Size gate: files up to 500 lines, functions up to 60, every function fully typed."""
# ruff: noqa: INP001  a script, not a package

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

FOLDERS = ("contracts", "kit", "services", "devstack", "tools", "bench", "tests", ".ci")
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.Module) -> Iterator[Function]:
    """Return every function and method, nested ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def lines_of(function: Function) -> int:
    """Return the lines from ``def`` to the end of the body."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def is_typed(function: Function) -> bool:
    """Say whether the result and every parameter (self and cls aside) have an annotation."""
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    named = [argument for argument in every if argument and argument.arg not in {"self", "cls"}]
    return function.returns is not None and all(argument.annotation for argument in named)


def main(root: Path) -> int:
    """Print the maxima and every breach; return the exit code."""
    breaches: list[str] = []
    files: list[tuple[int, str]] = []
    sizes: list[tuple[int, str]] = []
    typed = 0
    for path in sorted(file for folder in FOLDERS for file in (root / folder).rglob("*.py")):
        if path.is_relative_to(root / "tests" / "data"):
            continue  # others' programs, kept as they are
        text = path.read_text(encoding="utf-8")
        name = str(path.relative_to(root))
        files.append((text.count("\n"), name))
        for function in functions(ast.parse(text)):
            where = f"{name}:{function.lineno} {function.name}"
            sizes.append((lines_of(function), where))
            typed += is_typed(function)
            if not is_typed(function):
                breaches.append(f"{where} is not fully typed")
    breaches += [f"{name} has {n} lines" for n, name in files if n > MAX_FILE_LINES]
    breaches += [f"{where} has {n} lines" for n, where in sizes if n > MAX_FUNCTION_LINES]
    summary = (
        f"{len(files)} files, median {median(n for n, _ in files):.0f} lines, "
        f"largest {max(files)}; largest function {max(sizes)}; "
        f"typed {typed}/{len(sizes)} functions"
    )
    sys.stdout.write("\n".join([summary, *breaches]) + "\n")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parents[1]))
