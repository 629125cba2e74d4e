"""Bad days of a site's REST API, ordered by tests."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class RestFault(BaseModel):
    """Answers calls below `path` with this instead, `times` times (None: until cleared)."""

    model_config = ConfigDict(extra="forbid")

    path: str = "/rest/"
    status: int = 503
    times: int | None = 1
    headers: dict[str, str] = Field(default_factory=dict)
    body: Any = None
    seconds: float = Field(default=0.0, description="delay before the answer")


class FaultList:
    def __init__(self) -> None:
        self._faults: list[RestFault] = []

    def add(self, fault: RestFault) -> None:
        self._faults.append(fault)

    def clear(self) -> None:
        self._faults.clear()

    def take(self, path: str) -> RestFault | None:
        """The first fault that applies, used up by one."""
        for fault in self._faults:
            if path.startswith(fault.path) and fault.times != 0:
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None
