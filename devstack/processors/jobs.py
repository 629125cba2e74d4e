"""Jobs of deletion that the vendors run some time later, by the stand-ins' clock."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Job:
    """What was asked for; `begun` is when its time starts to run, None while it does not."""

    id: str
    ids: list[str]
    begun: float | None
    more: dict[str, Any] = field(default_factory=dict)

    def over(self, now: float, seconds: float) -> bool:
        return self.begun is not None and now >= self.begun + seconds
