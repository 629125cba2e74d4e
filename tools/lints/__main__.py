"""Runs every rule over the code that ships; exit code 1 when one is broken."""

import sys
from collections.abc import Iterator
from pathlib import Path

from tools.lints import injected, kafka_calls, log_content, tenant_first
from tools.lints.exemptions import EXEMPT
from tools.lints.source import Finding, Source

FOLDERS = ("contracts", "kit", "services")
RULES = {
    "tenant-first": tenant_first.check,
    "kafka-calls": kafka_calls.check,
    "injected": injected.check,
    "log-content": log_content.check,
}


def findings(source: Source) -> Iterator[tuple[str, Finding]]:
    """Yield (rule, finding), exemptions included."""
    for rule, check in RULES.items():
        for finding in sorted(check(source), key=lambda found: found.line):
            yield rule, finding


def main(root: Path) -> int:
    """Print every breach and every exemption that is no longer needed."""
    used: set[tuple[str, str, str]] = set()
    breaches: list[str] = []
    count = 0
    for path in sorted(p for folder in FOLDERS for p in (root / folder).rglob("*.py")):
        count += 1
        source = Source(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
        for rule, finding in findings(source):
            key = (rule, finding.path, finding.function)
            used.add(key)
            if key not in EXEMPT:
                breaches.append(f"{rule}: {finding}")
    breaches += [f"exemption not needed: {' '.join(key)}" for key in sorted(EXEMPT.keys() - used)]
    summary = f"{count} files, {len(RULES)} rules, {len(EXEMPT)} exemptions"
    sys.stdout.write("\n".join([summary, *breaches]) + "\n")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parents[2]))
