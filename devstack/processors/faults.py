"""The fault matrix: a script of bad answers for each processor."""

import re
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal[
    "status",
    "non_json",
    "drop",
    "close",
    "close_after_store",
    "late",
    "slow_body",
    "half",
    "redirect",
    "reject_gzip",
    "invalid_events",
    "invalid_key",
    "throttle",
    "quota",
    "silence",
]

KINDS: dict[Kind, str] = {
    "status": "answer `status` (with `headers`, `body`, `retry_after`); not stored unless `stored`",
    "non_json": "200 with an HTML body; stored unless `stored` is false",
    "drop": "the usual success, but nothing is kept",
    "close": "the connection is closed without an answer; nothing is kept",
    "close_after_store": "kept, then closed without an answer: delivered but unacknowledged",
    "late": "kept, answered after `seconds`",
    "slow_body": "kept, the body of the answer takes `seconds`",
    "half": "kept, half of the answer, then the connection closes",
    "redirect": "`status` (default 307) to `location`; not stored",
    "reject_gzip": "415 for a body with Content-Encoding gzip; others are not concerned",
    "invalid_events": "Amplitude: 400 that lists `indexes` under `field`",
    "invalid_key": "Amplitude: 400 Invalid API key",
    "throttle": "Amplitude: 429 that lists the events of the users or devices in `ids`",
    "quota": "Amplitude: 429 with the exceeded daily quota of `ids`",
    "silence": "Amplitude: 400 that lists the events of the silenced devices in `ids`",
}
_STORED_BY_DEFAULT = frozenset({"non_json", "close_after_store", "late", "slow_body", "half"})


class Fault(BaseModel):
    """Applies to the next `times` requests that it concerns (None: until reset)."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    times: int | None = 1
    skip: int = Field(default=0, description="requests let through before the first")
    path: str | None = Field(default=None, description="only requests with this path")
    status: int | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    body: Any = None
    retry_after: float | None = None
    stored: bool | None = None
    taken: bool = Field(
        default=False, description="of those that keep: only requests that the vendor takes"
    )
    seconds: float = 2.0
    location: str = "http://127.0.0.1:9/"
    ids: list[str] = Field(default_factory=list)
    pattern: str | None = Field(
        default=None, description="ids that begin so (a regular expression), beside `ids`"
    )
    indexes: list[int] = Field(default_factory=list)
    field: str = "event_properties"

    @property
    def stores(self) -> bool:
        return self.kind in _STORED_BY_DEFAULT if self.stored is None else self.stored

    @property
    def live(self) -> bool:
        return self.times is None or self.times > 0

    def names(self, ident: str) -> bool:
        """Whether an id is one of `ids`, or of the pattern."""
        by_pattern = self.pattern is not None and re.match(self.pattern, ident) is not None
        return by_pattern or ident in self.ids

    def use(self) -> None:
        if self.times is not None:
            self.times -= 1


class Script:
    """The faults of one processor, first come first served."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def extend(self, faults: list[Fault]) -> None:
        self._faults.extend(faults)

    def clear(self) -> None:
        self._faults.clear()

    def shown(self) -> list[dict[str, Any]]:
        return [fault.model_dump(mode="json") for fault in self._faults if fault.live]

    def candidates(self, path: str) -> Iterator[Fault]:
        """Faults that may concern a request; one still skipping counts it and is passed over."""
        for fault in self._faults:
            if not fault.live or fault.path not in (None, path):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            yield fault
