"""Beamer's REST API v0. Source: facts.md section 3.

Only what may be repeated is sent: reads, the upsert by ``PUT`` and the deletion of one user; there
is no ``POST``. Without a filter ``DELETE /users`` removes everybody, so it is not sent without one.
"""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol

import httpx
import orjson

from contracts.telemetry import PSEUDONYM_PATTERN
from services.telemetry.adapters.processors.http import is_loopback
from services.telemetry.domain.erasure import State
from services.telemetry.usecases.erasing import Asked, NotNow
from services.telemetry.usecases.notices import NoAnswer, Post

_DEADLINE_SECONDS = 10.0
_CIRCUIT = timedelta(minutes=30)
_PLAN_SECONDS = 3_600.0
_POSTS = "10"
_CONTENT_CHARACTERS = 5_000
_QUIETLY = {"ignoreRequestDetails": "true", "saveViews": "false"}
"""Else Beamer stores our server's address and browser as the user's, and counts a view."""


class Quota(Protocol):
    """Requests of all processes together."""

    async def take(self, *, last: bool = False) -> None:
        """Count one; raise ``NoAnswer``. ``last``: it may use what notices must leave over."""
        ...

    async def close_for(self, span: timedelta) -> None:
        """Let nobody ask for a while."""
        ...


class Beamer:
    """Implements ``usecases.notices.Beamer`` and ``usecases.erasing.Deleting``."""

    def __init__(
        self, base_url: str, api_key: str, quota: Quota, alarm: Callable[[str | None], None]
    ) -> None:
        self._base = base_url.rstrip("/")
        self._quota = quota
        self._alarm = alarm
        self._http = httpx.AsyncClient(
            headers={"beamer-api-key": api_key, "user-agent": "ostro-telemetry"},
            timeout=httpx.Timeout(_DEADLINE_SECONDS, connect=5.0),
            trust_env=not is_loopback(httpx.URL(base_url).host),
        )

    async def upsert(self, user: str, attributes: Mapping[str, str]) -> None:
        """Make a user known by pseudonym and attributes; no mail, no name."""
        await self._call("PUT", "/users", body={"userId": _one(user), **attributes})

    async def posts(self) -> Sequence[Post]:
        """Return the ten newest."""
        query = {"maxResults": _POSTS, "published": "true", **_QUIETLY}
        found = _json(await self._call("GET", "/posts", query))
        if not isinstance(found, list):
            raise NoAnswer("unknown answer")
        return [post for entry in found if (post := _post(entry)) is not None]

    async def unread(self, user: str) -> int:
        """Return how many the user has not seen."""
        found = _json(await self._call("GET", "/unread/count", {"userId": _one(user), **_QUIETLY}))
        count = found.get("count") if isinstance(found, dict) else found
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise NoAnswer("unknown answer")
        return count

    async def request(self, pseudonyms: Sequence[str]) -> Asked:
        """Delete one user, at once; one that Beamer does not know is gone as well."""
        (user,) = pseudonyms
        try:
            await self._call("DELETE", "/users", {"userId": _one(user)}, last=True)
        except NoAnswer as no:
            cause = str(no)
            if cause == "status 404":
                return Asked(State.DONE, reason="it knows no such user")
            raise NotNow(cause, _PLAN_SECONDS if cause.startswith("answers") else None) from None
        return Asked(State.DONE)

    async def status(self, reference: str) -> Asked:  # noqa: ARG002  nothing is left to wait for
        """Return that it is done: deletion is not a job here."""
        return Asked(State.DONE)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        *,
        last: bool = False,
    ) -> bytes:
        await self._quota.take(last=last)
        headers = {} if body is None else {"content-type": "application/json"}
        content = None if body is None else orjson.dumps(body)
        try:
            async with asyncio.timeout(_DEADLINE_SECONDS):
                response = await self._http.request(
                    method, self._base + path, params=query, content=content, headers=headers
                )
        except (httpx.TimeoutException, TimeoutError):
            raise NoAnswer("timeout") from None
        except (httpx.TransportError, httpx.DecodingError, OSError):
            raise NoAnswer("connection") from None
        self._http.cookies.clear()
        await self._judge(response.status_code)
        return response.content

    async def _judge(self, status: int) -> None:
        """Errors are bare JSON strings that may say anything: the status alone is told on."""
        if status in {401, 403}:
            # a wrong key, or a plan without this: somebody has to do something
            self._alarm(f"beamer: answers {status}")
            raise NoAnswer(f"answers {status}")
        self._alarm(None)
        if status == 429:
            # a second's or the month's quota, and nobody says which
            await self._quota.close_for(_CIRCUIT)
        if not 200 <= status < 300:
            raise NoAnswer(f"status {status}")


def _one(user: str) -> str:
    """Return the pseudonym of exactly one user; raise ``ValueError`` for anything else."""
    if not re.fullmatch(PSEUDONYM_PATTERN, user):
        raise ValueError("not a pseudonym")
    return user


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise NoAnswer("unknown answer") from None


def _post(entry: Any) -> Post | None:
    if not isinstance(entry, dict):
        return None
    translations = entry.get("translations")
    if not isinstance(translations, list) or not translations:
        return None
    text = translations[0]
    if not isinstance(text, dict) or not isinstance(text.get("title"), str):
        return None
    url = text.get("linkUrl")
    return Post(
        str(entry.get("id", "")),
        str(entry.get("date", "")),
        str(entry.get("category", "")),
        text["title"],
        str(text.get("content") or "")[:_CONTENT_CHARACTERS],
        # pages make links of it
        url if isinstance(url, str) and url.startswith("https://") else None,
    )
