"""Changes in Jira, published straight to Kafka: there is no document that could hold an outbox."""

import orjson

from contracts.jira import JiraChange
from contracts.topics import JIRA_CHANGE
from kit.kafka.client import Names
from kit.kafka.producer import Publisher
from kit.kafka.records import Outgoing
from kit.observability.tracing import traceparent

_SOURCE = "ostro/tenancy"
_TYPE = JIRA_CHANGE.type.encode()


class ChangePublisher:
    """Implements ``ChangeSink``."""

    def __init__(self, publisher: Publisher, names: Names) -> None:
        self._publisher = publisher
        self._topic = names.topic(JIRA_CHANGE)

    async def publish(self, tenant: str, event_id: str, change: JiraChange) -> None:
        """Send one event and wait for the acknowledgement."""
        await self._publisher.send([record(self._topic, tenant, event_id, change)])


def record(topic: str, tenant: str, event_id: str, change: JiraChange) -> Outgoing:
    """Build the record; the changes of one thing in Jira stand in one partition.

    The value is what ``Event[JiraChange]`` renders, byte for byte (a test compares them), without
    building the model: it is the dearest step on the way of a webhook.
    """
    subject = f"{change.entity.value}/{change.id}"
    parent = traceparent()
    value = orjson.dumps(
        {
            "specversion": "1.0",
            "id": event_id,
            "source": _SOURCE,
            "type": JIRA_CHANGE.type,
            "subject": subject,
            "time": change.at,
            "tenantid": tenant,
            "sequence": 0,
            "traceparent": parent,
            "data": change.__dict__,
        },
        option=orjson.OPT_UTC_Z,
    )
    headers = [
        ("ce_id", event_id.encode()),
        ("ce_type", _TYPE),
        ("ce_tenantid", tenant.encode()),
        ("content-type", b"application/json"),
    ]
    if parent:
        headers.append(("traceparent", parent.encode()))
    return Outgoing(topic, f"{tenant}/{subject}".encode(), value, tuple(headers))
