"""The hand-written and rendered pages of the repository, taken apart."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        ROOT / "deploy" / "README.md",
        *(ROOT / "devstack").rglob("*.md"),
    ]
)

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)")
_SPAN = re.compile(r"`([^`\n]+)`")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def name_of(page: Path) -> str:
    """Return a page's path for people."""
    return str(page.relative_to(ROOT))


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of one language."""
    return [text for kind, text in _FENCE.findall(page.read_text()) if kind == language]


def shell_block(page: Path, name: str) -> str:
    """Return the shell block that is marked ``<!-- tested: name -->``."""
    found = re.search(
        rf"<!-- tested: {name} -->\n```sh\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL
    )
    assert found, f"{name_of(page)} has no block {name}"
    return found[1]


def prose(page: Path) -> str:
    """Return the text without fenced blocks."""
    return _FENCE.sub("", page.read_text())


def links(page: Path) -> list[str]:
    """Return link targets."""
    return _LINK.findall(prose(page))


def spans(page: Path) -> list[str]:
    """Return inline code."""
    return _SPAN.findall(prose(page))


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings, as GitHub makes them."""
    found = set()
    for heading in _HEADING.findall(prose(page)):
        text = re.sub(r"[^\w\- ]", "", heading.strip().lower())
        found.add(text.replace(" ", "-"))
    return found
