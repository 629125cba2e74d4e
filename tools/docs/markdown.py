"""Markdown pieces."""

from collections.abc import Iterable, Sequence

NOTE = "Rendered from the code by `make docs`; edits here are lost."


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; cells are made safe."""
    lines = [_row(head), _row("---" for _ in head), *(_row(row) for row in rows)]
    return "\n".join(lines)


def page(title: str, *parts: str) -> str:
    """Return a whole page with the note that it is rendered."""
    return "\n\n".join([f"# {title}", NOTE, *parts]) + "\n"


def code(text: object) -> str:
    """Return inline code, nothing for nothing."""
    return f"`{text}`" if str(text) else ""


def codes(texts: Iterable[object], nothing: str = "none") -> str:
    """Return a list of inline code."""
    return ", ".join(code(t) for t in texts) or nothing


def one_line(text: str | None) -> str:
    """Return the first paragraph of a docstring as one line, its code marks as Markdown's."""
    first = (text or "").strip().split("\n\n")[0]
    return " ".join(first.split()).replace("``", "`")


def _row(cells: Iterable[object]) -> str:
    return "| " + " | ".join(str(c).replace("|", "\\|").replace("\n", " ") for c in cells) + " |"
