"""LaunchDarkly for server SDKs: the stream `GET /all`, polling, events (facts.md 4).

The vendor has a host for each; here all are paths below one prefix. Flags are set by
`PUT /control/flags/{key}` and reach every open stream at once.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

from pydantic import BaseModel, ConfigDict

from devstack.processors.faults import Fault
from devstack.processors.message import Answer, Incoming, json_answer
from devstack.standin.clock import iso
from devstack.standin.journal import Journal

STREAM_PATH, POLL_PATH = "/all", "/sdk/latest-all"
EVENTS_PATH, DIAGNOSTIC_PATH = "/bulk", "/diagnostic"
PAYLOAD_ID = "x-launchdarkly-payload-id"
_PUT = "put"


class Limits(BaseModel):
    """The vendor publishes no limits of size; the heartbeat is a comment in the stream."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    request_bytes: int = 10 << 20
    heartbeat_seconds: float = 30.0
    kept_events: int = 200_000


class LaunchDarkly:
    name = "launchdarkly"
    paths: tuple[str, ...] = (
        f"GET {STREAM_PATH}",
        f"GET {POLL_PATH}",
        EVENTS_PATH,
        DIAGNOSTIC_PATH,
    )
    scripted: frozenset[str] = frozenset()

    def __init__(self, sdk_key: str | None = None) -> None:
        self._sdk_key = sdk_key
        self._version = 0
        self._flags: dict[str, dict[str, Any]] = {}
        self._streams: set[asyncio.Queue[bytes | None]] = set()
        self.reset()

    def reset(self) -> None:
        """No flags, nothing kept; clients learn of it."""
        self.limits = Limits()
        self._visible: Journal[dict[str, Any]] = Journal(self.limits.kept_events)
        self._dropped: Journal[dict[str, Any]] = Journal(self.limits.kept_events)
        self._seen: set[str] = set()
        if self._flags:
            self._flags = {}
            self._tell(_PUT, self._everything())

    def configure(self, changes: dict[str, Any]) -> dict[str, Any]:
        self.limits = Limits(**{**self.limits.model_dump(), **changes})
        return self.limits.model_dump()

    def visible(self) -> list[dict[str, Any]]:
        return [entry.value for entry in self._visible.after(0)]

    def dropped(self) -> list[dict[str, Any]]:
        return [entry.value for entry in self._dropped.after(0)]

    def flags(self) -> dict[str, dict[str, Any]]:
        """By key, as the SDK gets them."""
        return self._flags

    def streams(self) -> int:
        """Number of clients that listen now."""
        return len(self._streams)

    def set_flag(self, key: str, rules: dict[str, Any]) -> dict[str, Any]:
        """Set a flag's rules, as the vendor's SDK API writes them; clients get a patch."""
        self._version += 1
        flag = {"salt": key, **rules, "key": key, "version": self._version}
        self._flags[key] = flag
        self._tell("patch", {"path": f"/flags/{key}", "data": flag})
        return flag

    def remove_flag(self, key: str) -> bool:
        if self._flags.pop(key, None) is None:
            return False
        self._version += 1
        self._tell("delete", {"path": f"/flags/{key}", "version": self._version})
        return True

    def hang_up(self) -> int:
        """Close every stream; clients come back by themselves."""
        for queue in self._streams:
            queue.put_nowait(None)
        return len(self._streams)

    def play(self, _fault: Fault, _incoming: Incoming) -> Answer | None:
        return None

    def error(self, status: int) -> Answer:
        return json_answer(status, {"code": str(status), "message": "scripted"})

    def answer(self, incoming: Incoming, *, store: bool = True) -> Answer:
        """401 for another key; 202 for what is sent, as the vendor takes it: unread."""
        key = incoming.headers.get("authorization", "")
        if not key or (self._sdk_key is not None and key != self._sdk_key):
            return json_answer(401, {"code": "unauthorized", "message": "Invalid SDK key"})
        if incoming.path == STREAM_PATH:
            headers = {"content-type": "text/event-stream", "cache-control": "no-cache"}
            return Answer(200, headers=headers, stream=self._stream())
        if incoming.path == POLL_PATH:
            return self._poll(incoming)
        return self._take(incoming, store=store)

    def _poll(self, incoming: Incoming) -> Answer:
        body = json.dumps({"flags": self._flags, "segments": {}}, sort_keys=True)
        etag = f'"{hashlib.sha256(body.encode()).hexdigest()[:16]}"'
        if incoming.headers.get("if-none-match") == etag:
            return Answer(304, headers={"etag": etag})
        return json_answer(200, json.loads(body), ETag=etag)

    def _take(self, incoming: Incoming, *, store: bool) -> Answer:
        if len(incoming.body) > self.limits.request_bytes:
            return json_answer(413, {"code": "payload_too_large", "message": "too large"})
        try:
            content = incoming.json()
        except ValueError:
            return json_answer(400, {"code": "invalid_request", "message": "malformed JSON"})
        events = content if isinstance(content, list) else [content]
        payload = incoming.headers.get(PAYLOAD_ID)
        if store and payload is not None and payload in self._seen:
            why = {"reason": "duplicate payload id", "events": len(events)}
            self._dropped.add({**why, "time": iso(incoming.at)})
        elif store:
            if payload is not None:
                self._seen.add(payload)
            for event in events:
                self._visible.add({"path": incoming.path, "event": event})
        return Answer(202)

    def _everything(self) -> dict[str, Any]:
        return {"path": "/", "data": {"flags": self._flags, "segments": {}}}

    def _tell(self, name: str, content: dict[str, Any]) -> None:
        for queue in self._streams:
            queue.put_nowait(_event(name, content))

    async def _stream(self) -> AsyncIterator[bytes]:
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        queue.put_nowait(_event(_PUT, self._everything()))
        self._streams.add(queue)
        try:
            while True:
                try:
                    async with asyncio.timeout(self.limits.heartbeat_seconds):
                        event = await queue.get()
                except TimeoutError:
                    event = b":\n"
                if event is None:
                    return
                yield event
        finally:
            self._streams.discard(queue)


def fixed(value: Any) -> dict[str, Any]:
    """Rules that give one value to everybody."""
    return {"on": True, "variations": [value], "fallthrough": {"variation": 0}}


def _event(name: str, content: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(content)}\n\n".encode()
