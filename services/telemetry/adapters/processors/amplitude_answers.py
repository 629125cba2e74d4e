"""Amplitude's table of answers. Source: facts.md 1.2.

A 400 or 429 means that nothing of the request was taken; the body names events by index. Its text
echoes ids, so only our own words go on.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from services.telemetry.adapters.processors.http import Reply
from services.telemetry.domain.answers import Accepted, Answer, Partly, Retry, Split, Stop

_INVALID_KEY = "Invalid API key"
_FIELD_LISTS = {
    "events_with_invalid_fields": "invalid fields",
    "events_with_missing_fields": "missing fields",
    "events_with_invalid_id_lengths": "invalid id length",
}


def judge(reply: Reply, identities: Sequence[str], throttle: float, otherwise: Answer) -> Answer:
    """Read an answer. ``identities`` are the user or device ids of the request, in its order."""
    content = _object(reply.body)
    match reply.status:
        case 200:
            return _taken(content, len(identities))
        case 400:
            return _bad(content, len(identities), throttle)
        case 429:
            return _too_fast(content, identities, throttle)
        case _:
            return otherwise


def _taken(content: dict[str, Any] | None, sent: int) -> Answer:
    if content is None or content.get("code") != 200:
        return Retry("unknown answer")
    if content.get("events_ingested") != sent:
        # find out which one: halves, until a single one is named
        return Split("not ingested")
    return Accepted()


def _bad(content: dict[str, Any] | None, sent: int, throttle: float) -> Answer:
    content = content or {}
    if str(content.get("error", "")).startswith(_INVALID_KEY):
        return Stop("invalid API key")
    if content.get("missing_field") == "api_key":
        return Stop("no API key")
    refused: dict[int, str] = {}
    for name, reason in _FIELD_LISTS.items():
        by_field = content.get(name)
        if isinstance(by_field, dict):
            for indexes in by_field.values():
                refused |= dict.fromkeys(_indexes(indexes, sent), reason)
    refused |= dict.fromkeys(_indexes(content.get("silenced_events"), sent), "silenced")
    delayed = frozenset(_indexes(content.get("throttled_events"), sent)) - refused.keys()
    if not refused and not delayed:
        return Split("refused with status 400")
    return Partly(refused, delayed, throttle)


def _too_fast(content: dict[str, Any] | None, identities: Sequence[str], throttle: float) -> Answer:
    content = content or {}
    over_quota = _ids(content, "exceeded_daily_quota_users", "exceeded_daily_quota_devices")
    too_fast = _ids(content, "throttled_users", "throttled_devices")
    # a day's quota frees too late for a queue to wait for it: parked, to be replayed
    refused = {i: "daily quota" for i, who in enumerate(identities) if who in over_quota}
    delayed = set(_indexes(content.get("throttled_events"), len(identities)))
    delayed |= {i for i, who in enumerate(identities) if who in too_fast}
    delayed -= refused.keys()
    if not refused and not delayed:
        return Retry("status 429", throttle)
    return Partly(refused, frozenset(delayed), throttle)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return content if isinstance(content, dict) else None


def _indexes(found: Any, sent: int) -> Iterable[int]:
    if not isinstance(found, list):
        return ()
    return (i for i in found if isinstance(i, int) and not isinstance(i, bool) and 0 <= i < sent)


def _ids(content: dict[str, Any], *names: str) -> set[str]:
    return {key for name in names if isinstance(content.get(name), dict) for key in content[name]}
