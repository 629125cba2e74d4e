"""``python -m tests.conformance`` writes ``docs/conformance.md``; ``--check`` says if it is old."""

import argparse
import sys
from pathlib import Path

from tests.conformance.table import render

PAGE = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"


def main() -> int:
    """Write or check; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if it is old")
    only_check = parser.parse_args().check
    text = render()
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    if not only_check:
        PAGE.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{'old' if only_check else 'written'}: docs/{PAGE.name}\n")
    return 1 if only_check else 0


if __name__ == "__main__":
    sys.exit(main())
