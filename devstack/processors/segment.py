"""Segment's tracking API: `POST /v1/batch` (facts.md 2).

Answers 200 to almost everything; what it did not like is silently missing from `visible`.
"""

import base64
import binascii
import json
import re
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from devstack.processors.faults import Fault
from devstack.processors.message import Answer, Incoming, json_answer
from devstack.processors.windows import RateWindow, SeenWithin
from devstack.standin.clock import iso
from devstack.standin.journal import Journal

BATCH_PATH = "/v1/batch"
TYPES = frozenset({"track", "identify", "page", "screen", "group", "alias"})
KEPT = (
    "type",
    "userId",
    "anonymousId",
    "previousId",
    "groupId",
    "event",
    "name",
    "properties",
    "traits",
    "context",
    "integrations",
    "timestamp",
    "messageId",
)


class Limits(BaseModel):
    """Vendor's numbers; its SDK counts a KB as 1024 bytes."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    request_bytes: int = 500 << 10
    event_bytes: int = 32 << 10
    batch_events: int = 2500
    message_id_length: int = 99
    requests_per_second: int = 1000
    dedup_seconds: float = 24 * 3600
    kept_events: int = 200_000
    refused_ids: str | None = None
    """A regular expression: a batch with a messageId that begins so is a 400, which names none."""


def _moment(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def corrected_time(message: dict[str, Any], sent_at: object, received: datetime) -> datetime:
    """timestamp = receivedAt - (sentAt - originalTimestamp): the sender's clock is not trusted."""
    original, sent = _moment(message.get("timestamp")), _moment(message.get("sentAt") or sent_at)
    if original is None:
        return received
    return received - (sent - original) if sent is not None else original


class Unreadable(Exception):
    """400: the only requests of which the sender hears."""


class Segment:
    name = "segment"
    paths: tuple[str, ...] = (BATCH_PATH,)
    scripted: frozenset[str] = frozenset()

    def __init__(self, write_key: str | None = None) -> None:
        self._write_key = write_key
        self.reset()

    def reset(self) -> None:
        """Nothing seen, nothing kept, the vendor's limits."""
        self.limits = Limits()
        self._seen: SeenWithin[str] = SeenWithin(self.limits.dedup_seconds)
        self._requests: RateWindow[str] = RateWindow(1.0)
        self._visible: Journal[dict[str, Any]] = Journal(self.limits.kept_events)
        self._dropped: Journal[dict[str, Any]] = Journal(self.limits.kept_events)

    def configure(self, changes: dict[str, Any]) -> dict[str, Any]:
        self.limits = Limits(**{**self.limits.model_dump(), **changes})
        self._seen.seconds = self.limits.dedup_seconds
        return self.limits.model_dump()

    def visible(self) -> list[dict[str, Any]]:
        return [entry.value for entry in self._visible.after(0)]

    def dropped(self) -> list[dict[str, Any]]:
        return [entry.value for entry in self._dropped.after(0)]

    def play(self, _fault: Fault, _incoming: Incoming) -> Answer | None:
        return None

    def error(self, status: int) -> Answer:
        return json_answer(status, {"success": status < 400})

    def answer(self, incoming: Incoming, *, store: bool = True) -> Answer:
        """200, 400 for invalid JSON and oversize, 401 without any key, 429 above the rate."""
        if self._requests.count("all", incoming.at) >= self.limits.requests_per_second:
            return json_answer(429, {"success": False}, Retry_After="1", X_RateLimit_Reset="1")
        self._requests.add("all", 1, incoming.at)
        try:
            envelope, batch = self._read(incoming)
        except Unreadable as error:
            return json_answer(400, {"success": False, "message": str(error)})
        key = self._given_key(incoming, envelope)
        if key is None:
            return json_answer(401, {"success": False, "message": "missing write key"})
        if store:
            self._take(incoming, envelope, batch, key)
        return json_answer(200, {"success": True})

    def _read(self, incoming: Incoming) -> tuple[dict[str, Any], list[Any]]:
        if len(incoming.body) > self.limits.request_bytes:
            raise Unreadable("exceeds max request size")
        try:
            envelope = incoming.json()
        except ValueError as error:
            raise Unreadable("malformed JSON") from error
        batch = envelope.get("batch") if isinstance(envelope, dict) else None
        if not isinstance(batch, list):
            raise Unreadable("malformed JSON")
        if any(_size(message) > self.limits.event_bytes for message in batch):
            raise Unreadable("exceeds max message size")
        refused = self.limits.refused_ids
        if refused is not None and any(re.match(refused, _id(message)) for message in batch):
            raise Unreadable("malformed JSON")
        return envelope, batch

    @staticmethod
    def _given_key(incoming: Incoming, envelope: dict[str, Any]) -> str | None:
        scheme, _, credentials = incoming.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                decoded = base64.b64decode(credentials, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                return None
            return decoded.partition(":")[0] or None
        in_body = envelope.get("writeKey")
        return in_body if isinstance(in_body, str) and in_body else None

    def _take(
        self, incoming: Incoming, envelope: dict[str, Any], batch: list[Any], key: str
    ) -> None:
        if self._write_key is not None and key != self._write_key:
            self._drop("unknown write key, or one of another region", len(batch), incoming)
            return
        if len(batch) > self.limits.batch_events:
            self._drop("too many events in a batch", len(batch), incoming)
            return
        for message in batch:
            self._take_one(incoming, envelope, message)

    def _take_one(self, incoming: Incoming, envelope: dict[str, Any], message: Any) -> None:
        reason = self._fault_of(message)
        if reason is None and not self._is_new(message, incoming.at):
            reason = "duplicate messageId"
        if reason is not None:
            self._drop(reason, 1, incoming, message)
            return
        received = datetime.fromtimestamp(incoming.at, UTC)
        shown = {name: message[name] for name in KEPT if message.get(name) is not None}
        shown["originalTimestamp"] = message.get("timestamp")
        shown["timestamp"] = _text(corrected_time(message, envelope.get("sentAt"), received))
        shown["receivedAt"] = _text(received)
        context = {**(envelope.get("context") or {}), **(message.get("context") or {})}
        if context.pop("direct", False):  # the vendor stores the caller's address then
            context["ip"] = incoming.client
        shown["context"] = context
        self._visible.add(shown)

    def _fault_of(self, message: Any) -> str | None:
        if not isinstance(message, dict) or message.get("type") not in TYPES:
            return "no or unknown type"
        if not message.get("userId") and not message.get("anonymousId"):
            return "no_user_anon_id"
        if message["type"] == "track" and not message.get("event"):
            return "track without an event name"
        message_id = message.get("messageId", "")
        if not isinstance(message_id, str) or len(message_id) > self.limits.message_id_length:
            return "messageId too long"
        return None

    def _is_new(self, message: dict[str, Any], now: float) -> bool:
        """Without a messageId the vendor makes one up, so nothing is a duplicate then."""
        message_id = message.get("messageId")
        return not message_id or self._seen.is_new(message_id, now)

    def _drop(self, reason: str, events: int, incoming: Incoming, message: Any = None) -> None:
        self._dropped.add(
            {"reason": reason, "events": events, "time": iso(incoming.at), "message": message}
        )


def _size(message: Any) -> int:
    return len(json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode())


def _id(message: Any) -> str:
    return str(message.get("messageId")) if isinstance(message, dict) else ""


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
