"""``python -m tools.docs`` writes the rendered documents; ``--check`` only says which are old."""

import argparse
import sys
from pathlib import Path

from tools.docs.pages import render

ROOT = Path(__file__).resolve().parents[2]


def stale(root: Path) -> dict[Path, str]:
    """Return the documents whose text on disk is not what the code renders, and that text."""
    return {
        path: text
        for path, text in render(root).items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    }


def main() -> int:
    """Write or check; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if one is old")
    only_check = parser.parse_args().check
    old = stale(ROOT)
    for path, text in old.items():
        if not only_check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{'old' if only_check else 'written'}: {path.relative_to(ROOT)}\n")
    return 1 if old and only_check else 0


if __name__ == "__main__":
    sys.exit(main())
