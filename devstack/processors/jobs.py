"""Jobs of deletion that the vendors run some time later, by the stand-ins' clock."""

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from devstack.processors.faults import Fault
from devstack.processors.message import Answer, Incoming

L = TypeVar("L", bound=BaseModel)


@dataclass(slots=True)
class Job:
    """What was asked for; `begun` is when its time starts to run, None while it does not."""

    id: str
    ids: list[str]
    begun: float | None
    more: dict[str, Any] = field(default_factory=dict)

    def over(self, now: float, seconds: float) -> bool:
        return self.begun is not None and now >= self.begun + seconds


class JobApi(Generic[L]):
    """What the stand-ins of these APIs share; `named` is what the vendor calls a job's users."""

    named: str
    scripted: frozenset[str] = frozenset()

    def __init__(self, vendors: type[L]) -> None:
        self._vendors = vendors
        self.reset()

    def reset(self) -> None:
        """No job, the vendor's limits."""
        self.limits = self._vendors()
        self._jobs: dict[str, Job] = {}
        self._now = 0.0

    def configure(self, changes: dict[str, Any]) -> dict[str, Any]:
        self.limits = self._vendors(**{**self.limits.model_dump(), **changes})
        return self.limits.model_dump()

    def visible(self) -> list[dict[str, Any]]:
        """The jobs, with the users they name."""
        return [{**self._shown(job), self.named: job.ids} for job in self._jobs.values()]

    def dropped(self) -> list[dict[str, Any]]:
        return []

    def play(self, _fault: Fault, _incoming: Incoming) -> Answer | None:
        return None

    def _shown(self, job: Job) -> dict[str, Any]:
        raise NotImplementedError
