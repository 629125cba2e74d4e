"""What a processor gets and what it answers."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Incoming:
    """`path` is the one inside the processor's prefix; `body` is already unpacked from gzip."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    at: float
    client: str
    gzipped: bool = False

    def json(self) -> Any:
        """Raises ValueError."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    stream: AsyncIterator[bytes] | None = None
    """Instead of the body: goes on until one side has enough."""


def json_answer(status: int, content: Any, **headers: str) -> Answer:
    """Header names with underscores instead of dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(
        status, json.dumps(content).encode(), {"content-type": "application/json", **named}
    )
