"""Judging events one by one: what the 400 names by index, and what is kept of a good one."""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

from devstack.processors.amplitude.limits import Limits

BLOCKED_IDS = frozenset(
    {
        "",
        "anonymous",
        "nil",
        "none",
        "null",
        "n/a",
        "na",
        "undefined",
        "unknown",
        "00000000-0000-0000-0000-000000000000",
        "{}",
        "lmy47d",
        "0",
        "-1",
    }
)
RESERVED_PREFIX = "[Amplitude]"
IDS = ("user_id", "device_id")
OBJECTS = ("event_properties", "user_properties", "groups", "group_properties", "plan")
INTEGERS = ("time", "event_id", "session_id")
TEXTS = (
    "event_type",
    "insert_id",
    "app_version",
    "platform",
    "os_name",
    "os_version",
    "device_brand",
    "device_manufacturer",
    "device_model",
    "carrier",
    "country",
    "region",
    "city",
    "dma",
    "language",
    "ip",
    "library",
    "idfa",
    "idfv",
    "adid",
    "android_id",
    "productId",
    "revenueType",
    "partner_id",
)
OTHER = ("location_lat", "location_lng", "price", "quantity", "revenue")
KNOWN = frozenset({*IDS, *OBJECTS, *INTEGERS, *TEXTS, *OTHER, "$skip_user_properties_sync"})

Indexes = dict[str, list[int]]


@dataclass(slots=True)
class Verdict:
    """Field name to the indexes of the events it is wrong in."""

    missing: Indexes = field(default_factory=dict)
    invalid: Indexes = field(default_factory=dict)
    short_ids: Indexes = field(default_factory=dict)

    @property
    def good(self) -> bool:
        return not (self.missing or self.invalid or self.short_ids)

    def body(self) -> dict[str, Any]:
        """The 400 of a partly bad batch; nothing of it was taken."""
        content: dict[str, Any] = {"code": 400, "error": "Request missing required field"}
        if not self.missing:
            content["error"] = "Invalid field values on some events"
        named = {
            "events_with_missing_fields": self.missing,
            "events_with_invalid_fields": self.invalid,
            "events_with_invalid_id_lengths": self.short_ids,
        }
        return content | {name: indexes for name, indexes in named.items() if indexes}


def _note(place: Indexes, name: str, index: int) -> None:
    place.setdefault(name, []).append(index)


def _depth(value: Any) -> int:
    """Nesting of objects and lists, without recursion: the input is hostile."""
    deepest, pending = 0, [(value, 0)]
    while pending:
        current, depth = pending.pop()
        deepest = max(deepest, depth)
        if isinstance(current, dict):
            pending += [(inner, depth + 1) for inner in current.values()]
        elif isinstance(current, list):
            pending += [(inner, depth + 1) for inner in current]
    return deepest


def _judge_ids(event: dict[str, Any], index: int, least: int, verdict: Verdict) -> None:
    """A short id is taken out of the event; without any id left the event is refused."""
    short, usable, wrong = [], 0, False
    for name in IDS:
        value = event.get(name)
        if value is None:
            continue
        if not isinstance(value, str) or value.lower() in BLOCKED_IDS:
            _note(verdict.invalid, name, index)
            wrong = True
        elif len(value) < least:
            short.append(name)
        else:
            usable += 1
    if usable or wrong:
        return
    for name in short or IDS:
        _note(verdict.short_ids if short else verdict.missing, name, index)


def _judge_fields(event: dict[str, Any], index: int, limits: Limits, verdict: Verdict) -> None:
    event_type = event.get("event_type")
    if not event_type:
        _note(verdict.missing, "event_type", index)
    elif str(event_type).startswith(RESERVED_PREFIX):
        _note(verdict.invalid, "event_type", index)
    for name in INTEGERS:
        value = event.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            _note(verdict.invalid, name, index)
    for name in TEXTS:
        if not isinstance(event.get(name), str | None):
            _note(verdict.invalid, name, index)
    if limits.refused_ids is not None and re.match(limits.refused_ids, str(event.get("insert_id"))):
        _note(verdict.invalid, "insert_id", index)
    for name in OBJECTS:
        value = event.get(name)
        if not isinstance(value, dict | None) or _depth(value) > limits.max_depth:
            _note(verdict.invalid, name, index)


def judge(events: list[Any], limits: Limits, least: int) -> Verdict:
    verdict = Verdict()
    for index, event in enumerate(events):
        if isinstance(event, dict):
            _judge_ids(event, index, least, verdict)
            _judge_fields(event, index, limits, verdict)
        else:
            _note(verdict.invalid, "event", index)
    return verdict


def derived_device(event: dict[str, Any]) -> str:
    """Without a device_id the vendor makes one from the user_id."""
    given = event.get("device_id")
    return str(given) if given else hashlib.sha256(str(event["user_id"]).encode()).hexdigest()[:36]


def _cut(value: Any, most: int) -> Any:
    if isinstance(value, str):
        return value[:most]
    if isinstance(value, list):
        return [_cut(inner, most) for inner in value]
    if isinstance(value, dict):
        return {name: _cut(inner, most) for name, inner in value.items()}
    return value


def kept(event: dict[str, Any], limits: Limits, least: int, at: float, client: str) -> Any:
    """The event as the vendor shows it; what the stand-in noticed is under `$standin`."""
    shown = {name: _cut(event[name], limits.max_string) for name in event if name in KNOWN}
    for name in IDS:
        if len(shown.get(name) or "") < least:
            shown.pop(name, None)
    notes: dict[str, Any] = {"ignored_keys": sorted(set(event) - KNOWN)}
    if "device_id" not in shown:
        shown["device_id"] = derived_device(shown)
        notes["device_id_derived"] = True
    shown.setdefault("time", int(at * 1000))
    if shown.pop("ip", None) == "$remote":
        notes["ip_address"] = client
    elif event.get("ip"):
        notes["ip_address"] = event["ip"]
    shown["$standin"] = notes
    return shown
