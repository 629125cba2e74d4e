"""Amplitude's User Privacy API, v1: ``/api/2/deletions/users``. Source: facts.md 1.3.

A job of the vendor's is a day: whatever is asked for before it begins joins it. It runs ten days
later or more, so a reference is that day.
"""

import base64
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from kit.clock import Clock
from services.telemetry.adapters.deletions.http import DeletionApi, content_of
from services.telemetry.adapters.processors.http import Reply
from services.telemetry.domain.erasure import State
from services.telemetry.usecases.erasing import Asked, NotNow

PATH = "/api/2/deletions/users"
_SECONDS_BETWEEN = 1.1
UNKNOWN = "it knows none of the ids"


class AmplitudeDeletion:
    """Implements ``usecases.erasing.Deleting``."""

    def __init__(
        self, url: str, api_key: str, secret_key: str, requester: str, clock: Clock
    ) -> None:
        credentials = base64.b64encode(f"{api_key}:{secret_key}".encode()).decode()
        headers = {"authorization": f"Basic {credentials}"}
        self._api = DeletionApi(url, headers, clock, _SECONDS_BETWEEN)
        self._requester = requester
        self.close = self._api.close

    async def request(self, pseudonyms: Sequence[str]) -> Asked:
        """Ask; ids that Amplitude does not know are passed over, else one would spoil them all."""
        body = {
            "user_ids": list(pseudonyms),
            "requester": self._requester,
            # the vendor's pages spell it both ways
            "ignore_invalid_id": "True",
            "ignore_invalid_ids": "True",
        }
        reply = await self._api.call("POST", PATH, body)
        if reply.status != 200:
            return Asked(State.FAILED, reason=f"refused with status {reply.status}")
        jobs = list(_jobs(reply))
        for job in jobs:
            if job.get("amplitude_ids"):
                return Asked(_state(job), _day(job))
        if any(job.get("invalid_ids") for job in jobs) or not jobs:
            return Asked(State.DONE, reason=UNKNOWN)
        return Asked(_state(jobs[0]), _day(jobs[0]))

    async def status(self, reference: str) -> Asked:
        """Return how far the job of the day is."""
        reply = await self._api.call("GET", PATH, start_day=reference, end_day=reference)
        if reply.status != 200:
            return Asked(State.FAILED, reason=f"status refused with {reply.status}")
        for job in _jobs(reply):
            if job.get("day") == reference:
                return Asked(_state(job), reference)
        return Asked(State.FAILED, reason="the job is gone: somebody has revoked it")


def _jobs(reply: Reply) -> Iterator[dict[str, Any]]:
    content = content_of(reply)
    for job in content if isinstance(content, list) else [content]:
        if isinstance(job, dict):
            yield job


def _state(job: dict[str, Any]) -> State:
    return State.DONE if job.get("status") == "done" else State.PENDING


def _day(job: dict[str, Any]) -> str:
    try:
        return date.fromisoformat(str(job.get("day"))).isoformat()
    except ValueError:
        raise NotNow("unknown answer") from None
