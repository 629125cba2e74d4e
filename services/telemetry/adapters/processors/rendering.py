"""What both processors get of an event."""

from typing import Any

from contracts.telemetry import AnonymousEvent

_OUTSIDE_PROPERTIES = {"event_id", "name", "user", "hour"}


def properties(event: AnonymousEvent) -> dict[str, Any]:
    """Return the known fields beside identity, name and time."""
    return event.model_dump(mode="json", exclude=_OUTSIDE_PROPERTIES, exclude_none=True)


def nobody(event: AnonymousEvent) -> str:
    """Return the identity of an event without a user: its Jira instance, else itself.

    Processors count identities; one per event would look like as many people.
    """
    return event.instance or event.event_id
