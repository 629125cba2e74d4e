"""BugSnag's Data Access API: prepare, look, confirm. Source: facts.md 5.4.

Only a tenant's pseudonym is sent as ``user.id``, so only tenants are deleted. Filters on names and
mails match parts of words; ``user.id`` with ``eq`` is the one that matches what it says.
"""

import re
from collections.abc import Sequence

from kit.clock import Clock
from services.telemetry.adapters.deletions.http import DeletionApi, object_of
from services.telemetry.domain.erasure import State
from services.telemetry.usecases.erasing import Asked, NotNow

PRIMARY, SECONDARY = "https://api.bugsnag.com", "https://api.bugsnag.smartbear.com"
_ID = re.compile("[A-Za-z0-9-]{1,64}")
# the vendor's texts do not list the states: words that they hold
_TO_CONFIRM = ("CONFIRMATION", "PREPARED")
_DONE = ("FINISHED", "COMPLETED", "DELETED")
_FAILED = ("FAIL", "EXPIRED", "CANCEL")


class BugsnagDeletion:
    """Implements ``usecases.erasing.Deleting``."""

    def __init__(self, url: str, token: str, project: str, clock: Clock) -> None:
        headers = {"authorization": f"token {token}", "x-version": "2"}
        self._api = DeletionApi(url, headers, clock)
        self._path = f"/projects/{project}/event_data_deletions"
        self.close = self._api.close

    async def request(self, pseudonyms: Sequence[str]) -> Asked:
        """Prepare the deletion of one id; nothing is deleted before it is confirmed."""
        (user,) = pseudonyms
        filters = {"user.id": [{"type": "eq", "value": user}]}
        reply = await self._api.call("POST", self._path, {"filters": filters})
        if reply.status not in {200, 201, 202}:
            return Asked(State.FAILED, reason=f"refused with status {reply.status}")
        found = object_of(reply).get("id")
        if not isinstance(found, str) or not _ID.fullmatch(found):
            raise NotNow("unknown answer")
        return Asked(State.PENDING, found)

    async def status(self, reference: str) -> Asked:
        """Return how far it is; confirm it when it waits for that."""
        reply = await self._api.call("GET", f"{self._path}/{reference}")
        if reply.status != 200:
            return Asked(State.FAILED, reason=f"status refused with {reply.status}")
        status = str(object_of(reply).get("status")).upper()
        if any(word in status for word in _DONE):
            return Asked(State.DONE, reference)
        if any(word in status for word in _FAILED):
            return Asked(State.FAILED, reference, "ended without deleting")
        if any(word in status for word in _TO_CONFIRM):
            confirmed = await self._api.call("POST", f"{self._path}/{reference}/confirm")
            if confirmed.status not in {200, 201, 202, 204}:
                reason = f"confirmation refused with status {confirmed.status}"
                return Asked(State.FAILED, reference, reason)
        return Asked(State.PENDING, reference)
