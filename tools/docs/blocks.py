"""Rendered blocks inside pages that are written by hand.

``<!-- rendered: NAME -->`` to ``<!-- end -->`` is replaced by what NAME renders.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from contracts.routes import ROUTES
from tools.docs import catalogue, events, flags, internal, promised
from tools.docs.markdown import code, table

_BLOCK = re.compile(r"(<!-- rendered: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def render(root: Path) -> dict[Path, str]:
    """Return every page of ``docs/`` that has blocks, with the blocks renewed."""
    found = {}
    for page in sorted((root / "docs").rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        if _BLOCK.search(text):
            found[page] = _BLOCK.sub(lambda m: f"{m[1]}\n{_render(m[2], root)}\n\n{m[3]}", text)
    return found


def _render(name: str, root: Path) -> str:
    blocks: dict[str, Callable[[], str]] = {
        "topics": events.topics_table,
        "routes": _routes,
        "internal": internal.render,
        "flags": flags.flags_table,
        "anonymizer-rules": catalogue.rules_table,
        "anonymizer-withheld": catalogue.withheld_table,
        "promised": promised.promised_table,
        "decisions": lambda: _decisions(root),
    }
    return blocks[name]()


def _routes() -> str:
    return table(("path", "owner"), ((code(r.pattern), r.owner) for r in ROUTES))


def _decisions(root: Path) -> str:
    return table(("decision", "status"), _adrs(root / "docs" / "adr"))


def _adrs(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.glob("[0-9]*.md")):
        text = path.read_text(encoding="utf-8")
        title = re.search(r"^# (.+)$", text, re.MULTILINE)
        status = re.search(r"^Status: (.+)$", text, re.MULTILINE)
        if title is None or status is None:
            raise ValueError(f"{path.name} needs a title and a status")
        yield f"[{title[1]}]({path.name})", status[1]
