"""Publishes chunks: the envelope is written around rows that are already serialised.

What is built here equals ``Event[ResultChunk]``; a test holds the two together.
"""

from collections.abc import Sequence

import orjson

from contracts.topics import RESULT
from kit.clock import Clock
from kit.ids import stable_uuid
from kit.kafka.client import Names
from kit.kafka.producer import Publisher
from kit.kafka.records import Outgoing
from kit.observability.tracing import traceparent
from services.executions.usecases.uploadports import ChunkContext

SOURCE = "ostro/executions"


class ChunkPublisher:
    """Sends chunks with the upload and the chunk's number in headers."""

    def __init__(self, publisher: Publisher, names: Names, clock: Clock) -> None:
        self._publisher = publisher
        self._topic = names.topic(RESULT)
        self._clock = clock

    async def send(
        self, context: ChunkContext, first: int, chunks: Sequence[Sequence[bytes]]
    ) -> None:
        """Return when Kafka has them all; raise ``Unavailable`` otherwise."""
        trace = traceparent()
        await self._publisher.send(
            [self._record(context, first + i, rows, trace) for i, rows in enumerate(chunks)]
        )

    def _record(
        self, context: ChunkContext, number: int, rows: Sequence[bytes], trace: str | None
    ) -> Outgoing:
        subject = f"{context.upload}/{number}"
        now = self._clock.now()
        event_id = stable_uuid(RESULT.name, subject)
        event = {
            "specversion": "1.0",
            "id": event_id,
            "source": SOURCE,
            "type": RESULT.type,
            "subject": subject,
            "time": now,
            "tenantid": context.tenant,
            "sequence": number,
            "traceparent": trace,
        }
        chunk = {
            "upload": context.upload,
            "chunk": number,
            "project": context.project,
            "cycle": context.cycle,
            "first_id": context.first_id,
            "jira_version": context.jira_version,
            "automated": True,
            "executed_at": now,
        }
        value = b"".join(
            (
                orjson.dumps(event)[:-1],
                b',"data":',
                orjson.dumps(chunk)[:-1],
                b',"rows":[',
                b",".join(rows),
                b"]}}",
            )
        )
        headers = [
            ("upload", context.upload.encode()),
            ("chunk", str(number).encode()),
            ("ce_id", event_id.encode()),
            ("ce_type", RESULT.type.encode()),
            ("ce_tenantid", context.tenant.encode()),
        ]
        if trace is not None:
            headers.append(("traceparent", trace.encode()))
        key = f"{context.tenant}/{subject}".encode()
        return Outgoing(self._topic, key, value, tuple(headers))
