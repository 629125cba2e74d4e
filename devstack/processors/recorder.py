"""Every request that any stand-in got, in bounded memory."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from devstack.processors.message import Incoming
from devstack.standin.clock import iso
from devstack.standin.journal import Journal

_OVERHEAD_BYTES = 1_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """`status` None: the connection was closed without a whole answer."""

    processor: str
    incoming: Incoming
    status: int | None
    fault: str | None

    def shown(self, seq: int) -> dict[str, Any]:
        request = self.incoming
        content: dict[str, Any] = {
            "seq": seq,
            "time": iso(request.at),
            "processor": self.processor,
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "headers": request.headers,
            "status": self.status,
            "fault": self.fault,
        }
        try:
            content["body"] = json.loads(request.body) if request.body else None
        except ValueError:
            content["body_base64"] = base64.b64encode(request.body).decode()
        return content


class Recorder:
    def __init__(self, max_requests: int, max_bytes: int) -> None:
        self._journal: Journal[Recorded] = Journal(
            max_requests, max_bytes, lambda one: len(one.incoming.body) + _OVERHEAD_BYTES
        )

    def add(self, recorded: Recorded) -> None:
        self._journal.add(recorded)

    def clear(self) -> None:
        self._journal.clear()

    def listing(self, processor: str | None, after: int) -> dict[str, Any]:
        """`last` is the number to ask `after` next; `dropped` counts what left the memory."""
        return {
            "requests": [
                entry.value.shown(entry.seq)
                for entry in self._journal.after(after)
                if processor in (None, entry.value.processor)
            ],
            "last": self._journal.last,
            "dropped": self._journal.dropped,
        }
