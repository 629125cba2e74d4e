"""BugSnag's Data Access API, deletions of events (facts.md 5.4), on a host of its own.

Nothing is deleted before it is confirmed; then it takes `job_seconds`.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict

from devstack.processors.jobs import Job, JobApi
from devstack.processors.message import Answer, Incoming, json_answer
from devstack.processors.windows import RateWindow

_BASE = "/projects/{project}/event_data_deletions"


class Limits(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    requests_per_minute: int = 60
    job_seconds: float = 3_600.0


class BugsnagData(JobApi[Limits]):
    name = "bugsnag-data"
    paths: tuple[str, ...] = (_BASE, f"GET {_BASE}/{{id}}", f"{_BASE}/{{id}}/confirm")
    named = "users"

    def __init__(self, token: str | None = None) -> None:
        self._token = token
        super().__init__(Limits)

    def reset(self) -> None:
        super().reset()
        self._requests: RateWindow[str] = RateWindow(60.0)

    def error(self, status: int) -> Answer:
        return json_answer(status, {"errors": [f"status {status}"]})

    def answer(self, incoming: Incoming, *, store: bool = True) -> Answer:
        """200; 400 without filters, 401 for the token, 404, 429 above the minute's rate."""
        self._now = incoming.at
        if incoming.headers.get("x-version") != "2":
            return self.error(400)
        scheme, _, token = incoming.headers.get("authorization", "").partition(" ")
        if scheme != "token" or not token or self._token not in (None, token):
            return self.error(401)
        if self._requests.count("all", incoming.at) >= self.limits.requests_per_minute:
            headers = {"Retry_After": "60", "X_RateLimit_Remaining": "0"}
            return json_answer(429, {"errors": ["Rate limit exceeded"]}, **headers)
        self._requests.add("all", 1, incoming.at)
        parts = incoming.path.split("/")
        if len(parts) == 4:
            return self._prepared(incoming, store=store)
        job = self._jobs.get(parts[4])
        if job is None:
            return self.error(404)
        if parts[-1] == "confirm" and store and job.begun is None:
            job.begun = incoming.at
        return json_answer(200, self._shown(job))

    def _prepared(self, incoming: Incoming, *, store: bool) -> Answer:
        try:
            wanted = incoming.json()["filters"]["user.id"]
            users = [one["value"] for one in wanted if one["type"] == "eq"]
        except (ValueError, KeyError, TypeError):
            users = []
        if not users:
            return json_answer(400, {"errors": ["filters must be provided"]})
        job = Job(f"{len(self._jobs) + 1:024x}", users, None)
        if store:
            self._jobs[job.id] = job
        return json_answer(200, self._shown(job))

    def _shown(self, job: Job) -> dict[str, Any]:
        if job.begun is None:
            status = "AWAITING_CONFIRMATION"
        else:
            over = job.over(self._now, self.limits.job_seconds)
            status = "FINISHED" if over else "ACCEPTED"
        return {"id": job.id, "status": status, "total": 0}
