"""States of flags, published as telemetry does."""

from datetime import UTC, datetime
from typing import Any

from contracts.envelope import Event
from contracts.flags import EVERYBODY, FlagState
from contracts.topics import FLAG_STATE
from kit.ids import SystemIds
from kit.kafka.client import Names
from kit.kafka.records import Outgoing, outgoing, tombstone


def flag_state(names: Names, values: dict[str, Any] | None, tenant: str = EVERYBODY) -> Outgoing:
    """Return the record; without values it says that the tenant has no state of its own."""
    topic, now = names.topic(FLAG_STATE), datetime.now(UTC)
    sequence = int(now.timestamp() * 1000)
    if values is None:
        return tombstone(topic, tenant, sequence)
    event = Event[FlagState](
        id=SystemIds().uuid7(),
        source="ostro/telemetry",
        type=FLAG_STATE.type,
        subject=tenant,
        time=now,
        tenantid=tenant,
        sequence=sequence,
        data=FlagState(values=values),
    )
    return outgoing(topic, tenant, event)
