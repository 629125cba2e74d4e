"""Changes in Jira, published straight to Kafka: there is no document that could hold an outbox."""

from contracts.envelope import Event
from contracts.jira import JiraChange
from contracts.topics import JIRA_CHANGE
from kit.kafka.client import Names
from kit.kafka.producer import Publisher
from kit.kafka.records import Outgoing, outgoing
from kit.observability.tracing import traceparent

_SOURCE = "ostro/tenancy"
_EVENT = Event[JiraChange]


class ChangePublisher:
    """Implements ``ChangeSink``."""

    def __init__(self, publisher: Publisher, names: Names) -> None:
        self._publisher = publisher
        self._topic = names.topic(JIRA_CHANGE)

    async def publish(self, tenant: str, event_id: str, change: JiraChange) -> None:
        """Send one event and wait for the acknowledgement."""
        await self._publisher.send([record(self._topic, tenant, event_id, change)])


def record(topic: str, tenant: str, event_id: str, change: JiraChange) -> Outgoing:
    """Build the record; the changes of one thing in Jira stand in one partition."""
    subject = f"{change.entity.value}/{change.id}"
    event = _EVENT(
        id=event_id,
        source=_SOURCE,
        type=JIRA_CHANGE.type,
        subject=subject,
        time=change.at,
        tenantid=tenant,
        traceparent=traceparent(),
        data=change,
    )
    return outgoing(topic, f"{tenant}/{subject}", event)
