"""What ``privacy-flow-inspector``, a program of somebody else, finds in what processors got.

It misses some forms that our scanner knows (SHA-512, hex, anything that is cut in two).
"""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.harness.canary_tokens import Kind, Planter, Token

INSTALLED = importlib.util.find_spec("privacy_flow_inspector") is not None
_MOST = 400
"""Values that it is told; its time grows with them."""


def chosen(planter: Planter) -> Sequence[Token]:
    """Return tokens of product events first, then some of every place."""
    of_events = [t for t in planter.planted if t.kind in {Kind.USAGE, Kind.ACCOUNT}]
    others = [t for t in planter.planted if t.kind not in {Kind.USAGE, Kind.ACCOUNT}]
    half = _MOST // 2
    return [*of_events[:: len(of_events) // half + 1], *others[:: len(others) // half + 1]]


def found_by_it(folder: Path, har: str, tokens: Sequence[Token]) -> set[str]:
    """Return the rules that found something; ``PFI-PERSONA`` for a planted value."""
    recorded, config, report = (folder / name for name in ("a.har", "a.toml", "a.json"))
    recorded.write_text(har)
    config.write_text(
        'version = 1\n[first_party]\ndomains = ["ostro.test"]\n'
        + "".join(
            f"[[persona]]\nlabel = {json.dumps(f'number {token.number}')}\n"
            f"value = {json.dumps(token.value, ensure_ascii=False)}\n"
            for token in tokens
        )
    )
    options = ["-q", "--fail-on", "never", "--config", str(config), "--json", str(report)]
    done = subprocess.run(
        [sys.executable, "-m", "privacy_flow_inspector", "scan", *options, str(recorded)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {finding["rule_id"] for finding in json.loads(report.read_text())["findings"]}
