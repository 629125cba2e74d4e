"""Golden examples: ``contracts/examples/<type>.json``, one or more records of each topic."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.topics import TOPICS, Topic
from kit.kafka.records import Record

FOLDER = Path(__file__).resolve().parents[2] / "contracts" / "examples"


@dataclass(frozen=True)
class Example:
    """One record. ``value`` None is a tombstone."""

    topic: Topic
    about: str
    key: str
    headers: dict[str, str]
    value: dict[str, Any] | None

    def __str__(self) -> str:
        return f"{self.topic.type}: {self.about}"

    def record(self, offset: int = 0) -> Record:
        """Return it as a consumer gets it."""
        value = None if self.value is None else json.dumps(self.value, ensure_ascii=False).encode()
        headers = {k: v.encode() for k, v in self.headers.items()}
        return Record(self.topic, 0, offset, self.key.encode(), value, headers, 1_700_000_000_000)


def examples_of(topic: Topic) -> list[Example]:
    """Return the examples of a topic; empty when it has none."""
    path = FOLDER / f"{topic.type}.json"
    if not path.exists():
        return []
    return [
        Example(topic, row["about"], row["key"], row.get("headers", {}), row["value"])
        for row in json.loads(path.read_text(encoding="utf-8"))
    ]


def all_examples() -> Iterator[Example]:
    """Yield every example."""
    for topic in TOPICS:
        yield from examples_of(topic)
