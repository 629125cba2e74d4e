"""The two upload endpoints: request checks in the vendor's order, then storage with dedup."""

from typing import Any

from devstack.processors.amplitude.events import derived_device, judge, kept
from devstack.processors.amplitude.limits import BATCH, HTTP_V2, Limits, of_endpoint
from devstack.processors.amplitude.throttle import Throttle, TooMany, counted
from devstack.processors.faults import Fault
from devstack.processors.message import Answer, Incoming, json_answer
from devstack.processors.windows import SeenWithin
from devstack.standin.clock import iso
from devstack.standin.journal import Journal


class Refused(Exception):
    """The request gets this answer and nothing of it is taken."""

    def __init__(self, status: int, **content: Any) -> None:
        super().__init__(status)
        self.answer = json_answer(status, {"code": status, **content})


class Amplitude:
    name = "amplitude"
    paths: tuple[str, ...] = (HTTP_V2, BATCH)
    scripted = frozenset({"invalid_events", "invalid_key", "throttle", "quota", "silence"})

    def __init__(self, api_key: str | None = None) -> None:
        self._api_key = api_key
        self.reset()

    def reset(self) -> None:
        """Nothing seen, nothing kept, the vendor's limits."""
        self.limits = Limits()
        self._seen: SeenWithin[tuple[str, str]] = SeenWithin(self.limits.dedup_seconds)
        self._throttle = Throttle(self.limits.rate_window_seconds)
        self._visible: Journal[dict[str, Any]] = Journal(self.limits.kept_events)
        self._dropped: Journal[dict[str, Any]] = Journal(self.limits.kept_events)

    def configure(self, changes: dict[str, Any]) -> dict[str, Any]:
        """Changed limits begin with empty rate windows."""
        self.limits = Limits(**{**self.limits.model_dump(), **changes})
        self._seen.seconds = self.limits.dedup_seconds
        self._throttle = Throttle(self.limits.rate_window_seconds)
        return self.limits.model_dump()

    def visible(self) -> list[dict[str, Any]]:
        return [entry.value for entry in self._visible.after(0)]

    def dropped(self) -> list[dict[str, Any]]:
        return [entry.value for entry in self._dropped.after(0)]

    def error(self, status: int) -> Answer:
        return json_answer(status, {"code": status, "error": "scripted by the stand-in"})

    def answer(self, incoming: Incoming, *, store: bool = True) -> Answer:
        """200, or 400, 413, 429 with the body the vendor documents."""
        try:
            events, least = self._read(incoming)
        except Refused as refused:
            return refused.answer
        verdict = judge(events, self.limits, least)
        if not verdict.good:
            return json_answer(400, verdict.body())
        endpoint = of_endpoint(self.limits, incoming.path)
        too_many = self._throttle.check(incoming.path, events, endpoint, incoming.at)
        if too_many:
            return json_answer(429, too_many.body(events))
        if store:
            self._throttle.add(incoming.path, events, incoming.at)
            for event in events:
                self._take(event, least, incoming)
        return json_answer(
            200,
            {
                "code": 200,
                "events_ingested": len(events),
                "payload_size_bytes": len(incoming.body),
                "server_upload_time": int(incoming.at * 1000),
            },
        )

    def _read(self, incoming: Incoming) -> tuple[list[Any], int]:
        """Events and the least id length. Raises Refused."""
        endpoint = of_endpoint(self.limits, incoming.path)
        media = incoming.headers.get("content-type", "").partition(";")[0].strip()
        if media != "application/json":
            raise Refused(400, error="Content-Type must be application/json")
        if len(incoming.body) > endpoint.max_bytes:
            raise Refused(413, error="Payload too large")
        request = self._object(incoming)
        key, events = request.get("api_key"), request.get("events")
        if not isinstance(key, str) or not key:
            raise Refused(400, error="Request missing required field", missing_field="api_key")
        if self._api_key is not None and key != self._api_key:
            raise Refused(400, error=f"Invalid API key: {key}")
        if not isinstance(events, list) or not events:
            raise Refused(400, error="Request missing required field", missing_field="events")
        if len(events) > endpoint.max_events:
            raise Refused(413, error="Too many events in request")
        options = request.get("options")
        least = options.get("min_id_length") if isinstance(options, dict) else None
        return events, least if isinstance(least, int) else self.limits.min_id_length

    @staticmethod
    def _object(incoming: Incoming) -> dict[str, Any]:
        try:
            request = incoming.json()
        except ValueError as error:
            raise Refused(400, error="Invalid JSON request body") from error
        if not isinstance(request, dict):
            raise Refused(400, error="Invalid JSON request body")
        return request

    def _take(self, event: dict[str, Any], least: int, incoming: Incoming) -> None:
        shown = kept(event, self.limits, least, incoming.at, incoming.client)
        insert_id = event.get("insert_id")
        key = (derived_device(shown), str(insert_id))
        if insert_id and not self._seen.is_new(key, incoming.at):
            self._dropped.add(
                {"reason": "duplicate insert_id", "time": iso(incoming.at), "event": shown}
            )
            return
        self._visible.add(shown)

    def play(self, fault: Fault, incoming: Incoming) -> Answer | None:
        try:
            events, _ = self._read(incoming)
        except Refused:
            return None
        if not all(isinstance(event, dict) for event in events):
            return None
        match fault.kind:
            case "invalid_key":
                return json_answer(400, {"code": 400, "error": "Invalid API key: (yours)"})
            case "invalid_events":
                return self._invalid(fault, events)
            case "silence":
                return self._silenced(fault, events)
            case _:
                return self._throttled(fault, events, incoming.path)

    @staticmethod
    def _invalid(fault: Fault, events: list[Any]) -> Answer | None:
        indexes = [index for index in fault.indexes if index < len(events)]
        if not indexes:
            return None
        content = {"code": 400, "error": "Invalid field values on some events"}
        return json_answer(400, content | {"events_with_invalid_fields": {fault.field: indexes}})

    @staticmethod
    def _silenced(fault: Fault, events: list[Any]) -> Answer | None:
        concerned = [
            index for index, event in enumerate(events) if derived_or_none(event) in fault.ids
        ]
        if not concerned:
            return None
        devices = [one for one in fault.ids if one in map(derived_or_none, events)]
        content: dict[str, Any] = {"code": 400, "error": "Events silenced"}
        content |= {"silenced_devices": devices, "silenced_events": concerned}
        return json_answer(400, content)

    def _throttled(self, fault: Fault, events: list[Any], path: str) -> Answer | None:
        threshold = of_endpoint(self.limits, path).events_per_second
        hit = [key for key in counted(events) if fault.names(key[1])]
        if not hit:
            return None
        found = TooMany(threshold)
        if fault.kind == "quota":
            found.quotas = dict.fromkeys(hit, self.limits.batch_events_per_day + 1)
        else:
            found.rates = dict.fromkeys(hit, threshold + 1)
        return json_answer(429, found.body(events))


def derived_or_none(event: dict[str, Any]) -> str | None:
    """The device an event counts for, None when it names nobody."""
    named = event.get("device_id") or event.get("user_id")
    return derived_device(event) if named else None
