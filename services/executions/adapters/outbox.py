"""Renders pending events of uploads and ledger rows for the relay."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from contracts.base import Contract
from contracts.envelope import Event
from contracts.executions import ResultsRecorded, UploadEnded
from contracts.topics import RECORDED, UPLOAD, USAGE, Topic
from contracts.usage import ProductEvent
from kit.kafka.client import Names
from kit.kafka.records import Outgoing, outgoing
from kit.outbox.relay import Source
from services.executions.adapters.chunks import SOURCE
from services.executions.adapters.mongo import ledger, uploads


def sources(names: Names) -> list[Source]:
    """Return what the relay of executions drains."""
    renderer = _Renderer(names)
    return [
        Source(uploads.COLLECTION, renderer.upload),
        Source(ledger.COLLECTION, renderer.ledger_row, single_event=True),
    ]


class _Renderer:
    def __init__(self, names: Names) -> None:
        self._names = names

    def upload(self, document: Mapping[str, Any], pending: Mapping[str, Any]) -> Sequence[Outgoing]:
        tenant, upload = document["tenant"], document["_id"]
        if pending["kind"] == uploads.USAGE:
            used = ProductEvent.model_validate(pending["data"])
            return [self._event(USAGE, tenant, tenant, upload, pending, used)]
        ended = UploadEnded.model_validate(pending["data"])
        return [self._event(UPLOAD, tenant, f"{tenant}/{upload}", upload, pending, ended)]

    def ledger_row(
        self, document: Mapping[str, Any], pending: Mapping[str, Any]
    ) -> Sequence[Outgoing]:
        tenant = document["tenant"]
        recorded = ResultsRecorded.model_validate(pending["data"])
        key = f"{tenant}/{recorded.cycle}"
        return [self._event(RECORDED, tenant, key, document["_id"], pending, recorded)]

    def _event(
        self,
        topic: Topic,
        tenant: str,
        key: str,
        subject: str,
        pending: Mapping[str, Any],
        data: Contract,
    ) -> Outgoing:
        event = Event[topic.payload](  # type: ignore[name-defined]
            id=pending["id"],
            source=SOURCE,
            type=topic.type,
            subject=subject,
            time=datetime.fromtimestamp(pending["seq"] / 1000, UTC),
            tenantid=tenant,
            traceparent=pending["trace"],
            data=data,
        )
        return outgoing(self._names.topic(topic), key, event)
