"""Segment's Public API, regulations: delete, and drop what comes later. Source: facts.md 2.3."""

import re
from collections.abc import Sequence
from typing import Any

from kit.clock import Clock
from services.telemetry.adapters.deletions.http import DeletionApi, object_of
from services.telemetry.domain.erasure import State
from services.telemetry.usecases.erasing import Asked, NotNow

PATH = "/regulations"
_MEDIA_TYPE = "application/vnd.segment.v1+json"
_ID = re.compile("[A-Za-z0-9_-]{1,64}")
_STATES = {
    "FINISHED": State.DONE,
    "FAILED": State.FAILED,
    "PARTIAL_SUCCESS": State.FAILED,
    "INVALID": State.FAILED,
    "NOT_SUPPORTED": State.NOT_SUPPORTED,
}


class SegmentDeletion:
    """Implements ``usecases.erasing.Deleting``."""

    def __init__(self, url: str, token: str, clock: Clock) -> None:
        headers = {"authorization": f"Bearer {token}", "accept": _MEDIA_TYPE}
        self._api = DeletionApi(url, headers, clock)
        self.close = self._api.close

    async def request(self, pseudonyms: Sequence[str]) -> Asked:
        """Ask for a regulation of user ids: there is none for anonymous ones."""
        body = {
            "regulationType": "SUPPRESS_WITH_DELETE",
            "subjectType": "USER_ID",
            "subjectIds": list(pseudonyms),
        }
        reply = await self._api.call("POST", PATH, body, _MEDIA_TYPE)
        if reply.status not in {200, 201}:
            return Asked(State.FAILED, reason=f"refused with status {reply.status}")
        found = _data(object_of(reply)).get("regulateId")
        if not isinstance(found, str) or not _ID.fullmatch(found):
            raise NotNow("unknown answer")
        return Asked(State.PENDING, found)

    async def status(self, reference: str) -> Asked:
        """Return the overall status; a failure may be one destination's that cannot delete."""
        reply = await self._api.call("GET", f"{PATH}/{reference}")
        if reply.status != 200:
            return Asked(State.FAILED, reason=f"status refused with {reply.status}")
        data = _data(object_of(reply))
        regulation = data.get("regulation", data)
        if not isinstance(regulation, dict):
            raise NotNow("unknown answer")
        state = _STATES.get(str(regulation.get("overallStatus")), State.PENDING)
        return Asked(state, reference, _streams(regulation) if state is State.FAILED else None)


def _data(content: dict[str, Any]) -> dict[str, Any]:
    data = content.get("data")
    return data if isinstance(data, dict) else content


def _streams(regulation: dict[str, Any]) -> str:
    """Tell the streams and destinations that are not finished; the vendor's own words stay out."""
    told: list[str] = []
    for stream in _objects(regulation.get("streamStatus")):
        name = stream.get("id", "?")
        for destination in _objects(stream.get("destinationStatus")):
            status = str(destination.get("status"))
            if status != "FINISHED":
                told.append(f"{name}/{destination.get('id', '?')} {status}")
    return "; ".join(told)[:500] or f"{regulation.get('overallStatus')}"


def _objects(found: Any) -> list[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
