"""Beamer's REST API v0 below `/v0` (facts.md 3).

Errors are bare JSON strings. `DELETE /users` without a filter removes everybody, as at the vendor;
a read that names a user without `ignoreRequestDetails=true` leaves the caller's address there.
"""

import json
from typing import Any
from urllib.parse import parse_qs

from pydantic import BaseModel, ConfigDict

from devstack.processors.faults import Fault
from devstack.processors.message import Answer, Incoming, json_answer
from devstack.processors.windows import RateWindow
from devstack.standin.clock import iso

POSTS, UNREAD, USERS = "/v0/posts", "/v0/unread/count", "/v0/users"
_MONTH = 30 * 86_400.0
_NEWS = [
    {
        "id": "1",
        "date": "2026-11-20T09:00:00Z",
        "category": "new",
        "published": True,
        "translations": [
            {
                "language": "EN",
                "title": "Test player on small screens",
                "content": "The test player fits phones now.",
                "linkUrl": "https://example.com/news/1",
            }
        ],
    },
]


class Limits(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    requests_per_second: int = 30
    requests_per_month: int = 1_000
    plan_has_users: bool = True
    posts: list[dict[str, Any]] = _NEWS


class Beamer:
    name = "beamer"
    paths: tuple[str, ...] = (
        *(f"GET {path}" for path in (POSTS, UNREAD, USERS)),
        *(f"{method} {USERS}" for method in ("PUT", "DELETE")),
        USERS,
    )
    scripted: frozenset[str] = frozenset()

    def __init__(self, api_key: str | None = None) -> None:
        self._api_key = api_key
        self.reset()

    def reset(self) -> None:
        """No users, the demo's posts, the vendor's limits."""
        self.limits = Limits()
        self._second: RateWindow[str] = RateWindow(1.0)
        self._month: RateWindow[str] = RateWindow(_MONTH)
        self._users: dict[str, dict[str, Any]] = {}

    def configure(self, changes: dict[str, Any]) -> dict[str, Any]:
        self.limits = Limits(**{**self.limits.model_dump(), **changes})
        return self.limits.model_dump()

    def visible(self) -> list[dict[str, Any]]:
        """The users."""
        return list(self._users.values())

    def dropped(self) -> list[dict[str, Any]]:
        return []

    def play(self, _fault: Fault, _incoming: Incoming) -> Answer | None:
        return None

    def error(self, status: int) -> Answer:
        return json_answer(status, f"The request was refused with status {status}.")

    def answer(self, incoming: Incoming, *, store: bool = True) -> Answer:
        """200; bare strings with 400, 401, 403 for the plan, 404 and 429."""
        if not incoming.headers.get("beamer-api-key") or self._api_key not in (
            None,
            incoming.headers["beamer-api-key"],
        ):
            return json_answer(401, "The provided API key is not valid.")
        limits = self.limits
        if self._too_many(incoming.at):
            return json_answer(429, "Too many requests.")
        query = {name: found[0] for name, found in parse_qs(incoming.query).items()}
        if incoming.path == USERS:
            if not limits.plan_has_users:
                return json_answer(403, "Your plan does not include this.")
            return self._of_users(incoming, query, store=store)
        self._details(incoming, query)
        if incoming.path == UNREAD:
            return json_answer(200, {"count": len(limits.posts)})
        return json_answer(200, limits.posts[: min(10, int(query.get("maxResults", "10")))])

    def _too_many(self, now: float) -> bool:
        limits = self.limits
        for window, most in (
            (self._second, limits.requests_per_second),
            (self._month, limits.requests_per_month),
        ):
            if window.count("all", now) >= most:
                return True
            window.add("all", 1, now)
        return False

    def _of_users(self, incoming: Incoming, query: dict[str, str], *, store: bool) -> Answer:
        if incoming.method == "GET":
            return json_answer(200, self.visible())
        if incoming.method == "DELETE":
            return self._deleted(query)
        try:
            body = json.loads(incoming.body)
            user = body["userId"]
        except (ValueError, KeyError, TypeError):
            return json_answer(400, "The body is not valid.")
        if store:
            known = self._users.setdefault(user, {"firstSeen": iso(incoming.at)})
            known |= {**body, "lastSeen": iso(incoming.at)}
        return json_answer(200, {"userId": user})

    def _deleted(self, query: dict[str, str]) -> Answer:
        # the vendor's trap: every user that matches, and without a filter all of them do
        wanted = query.get("userId")
        gone = [user for user in self._users if wanted in (None, user)]
        if not gone:
            return json_answer(404, "The user was not found.")
        for user in gone:
            del self._users[user]
        return json_answer(200, {"deleted": len(gone)})

    def _details(self, incoming: Incoming, query: dict[str, str]) -> None:
        user = self._users.get(query.get("userId", ""))
        if user is not None and query.get("ignoreRequestDetails") != "true":
            user |= {"ip": incoming.client, "browser": incoming.headers.get("user-agent", "")}
