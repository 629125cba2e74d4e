"""Per user and device rates, and the 429 that names who is too fast."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from devstack.processors.amplitude.events import IDS
from devstack.processors.amplitude.limits import EndpointLimits
from devstack.processors.windows import RateWindow

Key = tuple[str, str]
DAY_SECONDS = 86400.0


def counted(events: list[dict[str, Any]]) -> Counter[Key]:
    """How many events each user and device has in the request."""
    return Counter(
        (name, event[name]) for event in events for name in IDS if isinstance(event.get(name), str)
    )


@dataclass(slots=True)
class TooMany:
    """Rates and exceeded daily counts by (field, id)."""

    eps_threshold: int
    rates: dict[Key, int] = field(default_factory=dict)
    quotas: dict[Key, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.rates or self.quotas)

    def body(self, events: list[dict[str, Any]]) -> dict[str, Any]:
        """The whole request is refused; indexes not listed may be sent again at once."""
        hit = self.rates.keys() | self.quotas.keys()
        content: dict[str, Any] = {
            "code": 429,
            "error": "Too many requests for some devices and users",
            "eps_threshold": self.eps_threshold,
            "throttled_devices": _of("device_id", self.rates),
            "throttled_users": _of("user_id", self.rates),
            "throttled_events": [
                index
                for index, event in enumerate(events)
                if any((name, event.get(name)) in hit for name in IDS)
            ],
        }
        if self.quotas:
            content["exceeded_daily_quota_devices"] = _of("device_id", self.quotas)
            content["exceeded_daily_quota_users"] = _of("user_id", self.quotas)
        return content


def _of(name: str, found: dict[Key, int]) -> dict[str, int]:
    return {value: number for (kind, value), number in found.items() if kind == name}


class Throttle:
    def __init__(self, window_seconds: float) -> None:
        self._window: RateWindow[tuple[str, Key]] = RateWindow(window_seconds)
        self._day: RateWindow[tuple[str, Key]] = RateWindow(DAY_SECONDS)

    def check(
        self, path: str, events: list[dict[str, Any]], limits: EndpointLimits, now: float
    ) -> TooMany:
        """The average over the window, with this request, against the limit of the endpoint."""
        found = TooMany(limits.events_per_second)
        for key, number in counted(events).items():
            total = self._window.count((path, key), now) + number
            if total > limits.events_per_second * self._window.seconds:
                found.rates[key] = round(total / self._window.seconds)
            if limits.events_per_day is not None:
                today = self._day.count((path, key), now) + number
                if today > limits.events_per_day:
                    found.quotas[key] = today
        return found

    def add(self, path: str, events: list[dict[str, Any]], now: float) -> None:
        for key, number in counted(events).items():
            self._window.add((path, key), number, now)
            self._day.add((path, key), number, now)
