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


def known_as(event: AnonymousEvent) -> str | None:
    """Return what an event counts for: its user, else its Jira instance, else None.

    Sent as a user, because no processor can delete by a device or an anonymous id.
    """
    return event.user or event.instance
