"""Segment's Public API, regulations (facts.md 2.3), on a host of its own.

A regulation is INITIALIZED, RUNNING and then what `final_status` says, after `job_seconds`.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict

from devstack.processors.jobs import Job, JobApi
from devstack.processors.message import Answer, Incoming, json_answer

_TYPES = frozenset(
    {"SUPPRESS_WITH_DELETE", "DELETE_ONLY", "DELETE_INTERNAL", "SUPPRESS_ONLY", "UNSUPPRESS"}
)


class Limits(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    ids: int = 5_000
    job_seconds: float = 86_400.0
    final_status: str = "FINISHED"
    destination_status: str = "FINISHED"


class SegmentRegulations(JobApi[Limits]):
    name = "segment-regulations"
    paths: tuple[str, ...] = ("/regulations", "GET /regulations/{id}")
    named = "subjectIds"

    def __init__(self, token: str | None = None) -> None:
        self._token = token
        super().__init__(Limits)

    def error(self, status: int) -> Answer:
        return json_answer(status, {"errors": [{"type": "scripted", "message": f"{status}"}]})

    def answer(self, incoming: Incoming, *, store: bool = True) -> Answer:
        """200; 401 for the token, 404 for an unknown regulation, 422 for a bad body."""
        self._now = incoming.at
        scheme, _, token = incoming.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not token or self._token not in (None, token):
            return self.error(401)
        if incoming.method == "GET":
            job = self._jobs.get(incoming.path.rpartition("/")[2])
            if job is None:
                return self.error(404)
            return json_answer(200, {"data": {"regulation": self._shown(job)}})
        try:
            body = incoming.json()
            ids = body["subjectIds"]
            good = body["regulationType"] in _TYPES and body["subjectType"] == "USER_ID"
        except (ValueError, KeyError, TypeError):
            return self.error(422)
        if not good or not isinstance(ids, list) or not 0 < len(ids) <= self.limits.ids:
            return self.error(422)
        job = Job(f"reg_{len(self._jobs) + 1}", ids, incoming.at)
        if store:
            self._jobs[job.id] = job
        return json_answer(200, {"data": {"regulateId": job.id}})

    def _shown(self, job: Job) -> dict[str, Any]:
        over = job.over(self._now, self.limits.job_seconds)
        destination = self.limits.destination_status if over else "RUNNING"
        return {
            "id": job.id,
            "overallStatus": self.limits.final_status if over else "RUNNING",
            "streamStatus": [
                {
                    "id": "source",
                    "destinationStatus": [
                        {"id": "destination", "status": destination, "errString": "stand-in"}
                    ],
                }
            ],
        }
