"""Amplitude's User Privacy API, v1: `/api/2/deletions/users` (facts.md 1.3), on a host of its own.

All that is asked for on a day is one job, which runs days later; here after `job_seconds`.
"""

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from pydantic import BaseModel, ConfigDict

from devstack.processors.jobs import Job, JobApi
from devstack.processors.message import Answer, Incoming, json_answer
from devstack.processors.windows import RateWindow

PATH = "/api/2/deletions/users"
_DAYS = 10


class Limits(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    ids: int = 100
    requests_per_second: int = 1
    job_seconds: float = 10 * 86_400.0
    unknown_ids: list[str] = []
    """Ids that no event ever had; all others are known."""


class AmplitudeDeletion(JobApi[Limits]):
    name = "amplitude-deletion"
    paths: tuple[str, ...] = (PATH, f"GET {PATH}")
    named = "user_ids"

    def __init__(self, api_key: str | None = None, secret_key: str | None = None) -> None:
        self._keys = (api_key, secret_key)
        super().__init__(Limits)

    def reset(self) -> None:
        super().reset()
        self._requests: RateWindow[str] = RateWindow(1.0)

    def error(self, status: int) -> Answer:
        return json_answer(status, {"error": {"type": "scripted", "message": f"status {status}"}})

    def answer(self, incoming: Incoming, *, store: bool = True) -> Answer:
        """200; 400 for a bad body, 401 or 403 for keys, 429 above one request a second."""
        self._now = incoming.at
        refused = self._refused(incoming)
        if refused is not None:
            return refused
        if incoming.method == "GET":
            return self._list(incoming)
        return self._asked(incoming, store=store)

    def _asked(self, incoming: Incoming, *, store: bool) -> Answer:
        try:
            body = incoming.json()
            ids = [*body.get("user_ids", ()), *map(str, body.get("amplitude_ids", ()))]
        except (ValueError, AttributeError, TypeError):
            return self.error(400)
        if not ids or len(ids) > self.limits.ids or not body.get("requester"):
            return self.error(400)
        unknown = [one for one in ids if one in self.limits.unknown_ids]
        lenient = {"ignore_invalid_id", "ignore_invalid_ids"} & body.keys()
        if unknown and not lenient:
            return json_answer(400, {"error": {"message": "invalid ids"}, "invalid_ids": unknown})
        known = [one for one in ids if one not in unknown]
        if not known:
            return json_answer(200, [{"amplitude_ids": [], "invalid_ids": unknown}])
        job = self._joined(incoming.at, known, store=store)
        return json_answer(200, [{**self._shown(job), "invalid_ids": unknown}])

    def _refused(self, incoming: Incoming) -> Answer | None:
        if self._requests.count("all", incoming.at) >= self.limits.requests_per_second:
            return self.error(429)
        self._requests.add("all", 1, incoming.at)
        scheme, _, credentials = incoming.headers.get("authorization", "").partition(" ")
        try:
            given = base64.b64decode(credentials, validate=True).decode().split(":", 1)
        except (binascii.Error, UnicodeDecodeError):
            given = []
        if scheme.lower() != "basic" or len(given) != 2:
            return self.error(401)
        wrong = any(
            want is not None and want != got for want, got in zip(self._keys, given, strict=True)
        )
        return self.error(403) if wrong else None

    def _joined(self, now: float, ids: list[str], *, store: bool) -> Job:
        day = (datetime.fromtimestamp(now, UTC) + timedelta(days=_DAYS)).date().isoformat()
        job = self._jobs.get(day) or Job(day, [], now)
        if store:
            self._jobs[day] = job
            job.ids += [one for one in ids if one not in job.ids]
        return job

    def _list(self, incoming: Incoming) -> Answer:
        query = parse_qs(incoming.query)
        first, last = (query.get(name, [""])[0] for name in ("start_day", "end_day"))
        if not first or not last:
            return self.error(400)
        found = [self._shown(job) for day, job in self._jobs.items() if first <= day <= last]
        return json_answer(200, found)

    def _shown(self, job: Job) -> dict[str, Any]:
        done = job.over(self._now, self.limits.job_seconds)
        numbers = [{"amplitude_id": 1000 + n} for n in range(len(job.ids))]
        return {"day": job.id, "status": "done" if done else "staging", "amplitude_ids": numbers}
