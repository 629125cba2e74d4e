"""Entries of the embedded outbox.

A document carries ``outbox: [entry, ...]``; an entry is ``{id, seq, type?, data?, trace?}``.
``seq`` orders entries of one document and finds pending ones by index. State topics are rendered
from the current document when sent, so their entries hold nothing more; facts carry their data.
"""

from collections.abc import Mapping
from typing import Any

from pymongo import ASCENDING, IndexModel

from kit.clock import Clock
from kit.ids import Ids
from kit.mongo import Document
from kit.observability.tracing import traceparent

FIELD = "outbox"
INDEX = IndexModel(
    [("outbox.seq", ASCENDING)],
    name="outbox",
    partialFilterExpression={"outbox.seq": {"$gt": 0}},
)
"""Empty once everything is relayed. Exempt from the tenant-first rule: the relay serves all."""


def entry(
    clock: Clock, ids: Ids, kind: str = "state", data: Mapping[str, Any] | None = None
) -> Document:
    """Build one pending entry; push it in the same write as the change it tells."""
    pending: Document = {
        "id": ids.uuid7(),
        "seq": int(clock.now().timestamp() * 1000),
        "kind": kind,
        "trace": traceparent(),
    }
    if data is not None:
        pending["data"] = dict(data)
    return pending
