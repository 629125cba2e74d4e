"""What both processors get of an event."""

from typing import Any

from contracts.telemetry import AnonymousEvent

_OUTSIDE_PROPERTIES = frozenset({"event_id", "name", "user", "hour"})


def properties(event: AnonymousEvent) -> dict[str, Any]:
    """Return the known fields beside identity, name and time."""
    # enums are rendered by orjson: a dump by the model takes three times as long
    return {
        name: value
        for name, value in event.__dict__.items()
        if value is not None and name not in _OUTSIDE_PROPERTIES
    }


def nobody(event: AnonymousEvent) -> str:
    """Return the identity of an event without a user: its Jira instance, else itself.

    Processors count identities; one per event would look like as many people.
    """
    return event.instance or event.event_id
