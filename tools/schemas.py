"""Writes ``contracts/schemas/<type>.json``: ``python -m tools.schemas``.

Refuses a change that would break a reader; that needs a new major version of the type (a new
topic). ``--check`` only compares.
"""

import json
import sys
from pathlib import Path
from typing import Any

from contracts.envelope import Event
from contracts.topics import TOPICS, Topic
from tools.compat import breaks

FOLDER = Path(__file__).resolve().parents[1] / "contracts" / "schemas"


def schema_of(topic: Topic) -> dict[str, Any]:
    """Return the JSON Schema of the records of a topic."""
    event = Event[topic.payload]  # type: ignore[name-defined]
    schema: dict[str, Any] = event.model_json_schema()
    return schema


def committed(topic: Topic) -> dict[str, Any] | None:
    """Return the schema that stands in the repository, None for a new type."""
    path = FOLDER / f"{topic.type}.json"
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def faults() -> list[str]:
    """Return what would break a reader, over all types."""
    found: list[str] = []
    for topic in TOPICS:
        old = committed(topic)
        if old is not None:
            found += [f"{topic.type} {fault}" for fault in breaks(old, schema_of(topic))]
    return found


def stale() -> list[str]:
    """Return the names of files that differ from the models, are missing or left over."""
    known = {f"{topic.type}.json" for topic in TOPICS}
    differ = {f"{t.type}.json" for t in TOPICS if committed(t) != schema_of(t)}
    return sorted(differ | {path.name for path in FOLDER.glob("*.json") if path.name not in known})


def write() -> None:
    """Bring the files to the models."""
    for name in stale():
        (FOLDER / name).unlink(missing_ok=True)
    for topic in TOPICS:
        text = json.dumps(schema_of(topic), indent=2, ensure_ascii=False)
        (FOLDER / f"{topic.type}.json").write_text(text + "\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Write or check; return the exit code."""
    broken = faults()
    for fault in broken:
        sys.stderr.write(f"breaks a reader: {fault}\n")
    if broken:
        return 1
    outdated = stale()
    if "--check" not in arguments:
        write()
    for name in outdated:
        sys.stdout.write(f"{name}\n")
    return 1 if outdated and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
