"""A patient client of the public API, for the source and the target alike.

Reads and nothing else: writes of the copy are in ``importing``. Never more than ``parallel``
requests at once; what is worth another try (no connection, time-out, 429, 5xx, an answer that
breaks off) is tried again with growing pauses, or after what Retry-After says. When one request is
told to wait, all wait. No text of an error holds the token.
"""

import asyncio
import base64
import hashlib
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

T = TypeVar("T")

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_LONGEST_PAUSE = 60.0
_LONGEST_RETRY_AFTER = 600.0
_PIECE = 1 << 18
_JWT_PARTS = 3


class ApiError(Exception):
    """A request failed for good; the text names method, path and status, never the token."""


class Denied(ApiError):
    """401: the token is not known here."""


class Refused(ApiError):
    """Any other status that another try would not change."""

    def __init__(self, status: int, path: str, message: str) -> None:
        super().__init__(f"{path} answered {status}: {message}")
        self.status = status


class Unreachable(ApiError):
    """Every attempt failed."""


class _TryAgain(Exception):
    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


@dataclass(frozen=True)
class Manners:
    """How the account is asked: requests at once, attempts, seconds for one answer."""

    parallel: int = 4
    attempts: int = 10
    timeout: float = 60.0
    first_pause: float = 0.5


@dataclass
class Api:
    """One account at one base URL; ``calls`` and ``waits`` count requests and pauses."""

    http: httpx.AsyncClient
    manners: Manners
    token: str = field(repr=False)
    calls: int = 0
    waits: int = 0
    _turns: asyncio.Semaphore = field(init=False)
    _not_before: float = 0.0

    def __post_init__(self) -> None:
        self._turns = asyncio.Semaphore(self.manners.parallel)

    async def get(self, path: str, **query: Any) -> Any:
        """Return the JSON of an answer.

        Raises ``Denied``, ``Refused``, ``Unreachable``.
        """

        async def once() -> Any:
            answer = await self.http.get(path, params=_query(query))
            self._check(answer, path)
            try:
                return answer.json()
            except ValueError:
                raise _TryAgain("an answer that is no JSON") from None

        return await self._patiently(path, once)

    async def find(self, path: str, **query: Any) -> Any | None:
        """Return the JSON of an answer; None for 404."""
        try:
            return await self.get(path, **query)
        except Refused as refused:
            if refused.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def now(self) -> datetime:
        """Return the time of the server, or ours where it tells none. Also tests the token."""

        async def once() -> str | None:
            answer = await self.http.get("healthcheck")
            self._check(answer, "healthcheck")
            date: str | None = answer.headers.get("date")
            return date

        told = await self._patiently("healthcheck", once)
        if told is None:
            return datetime.now(UTC)
        return parsedate_to_datetime(told).astimezone(UTC)

    async def download(self, path: str, target: Path | None) -> tuple[int, str]:
        """Stream a file to ``target`` (or nowhere); return its bytes and SHA-256.

        The file has its name only when it is whole. A store elsewhere may be redirected to; it
        does not get the token (httpx drops it at another host).
        """
        part = target.with_name(f"{target.name}.part") if target else None

        async def once() -> tuple[int, str]:
            async with self.http.stream("GET", path, follow_redirects=True) as answer:
                if not answer.is_success:
                    await answer.aread()
                self._check(answer, path)
                return await _stored(answer, part)

        found = await self._patiently(path, once)
        if part is not None and target is not None:
            part.replace(target)
        return found

    async def _patiently(self, path: str, once: Callable[[], Awaitable[T]]) -> T:
        why = "not tried"
        for attempt in range(self.manners.attempts):
            try:
                async with self._turn():
                    return await once()
            except _TryAgain as again:
                why, pause = str(again), again.after
            except httpx.TransportError as error:
                why, pause = type(error).__name__, None
            if pause is None:
                grown = min(_LONGEST_PAUSE, self.manners.first_pause * 2.0**attempt)
                pause = grown * random.uniform(0.5, 1.0)  # noqa: S311  jitter, no secret
            self._all_wait(pause)
        raise Unreachable(f"{path}: {self.manners.attempts} attempts, the last: {why}")

    def _all_wait(self, seconds: float) -> None:
        self.waits += 1
        self._not_before = max(self._not_before, asyncio.get_running_loop().time() + seconds)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        async with self._turns:
            # again, because others may have been told to wait longer meanwhile
            while (left := self._not_before - asyncio.get_running_loop().time()) > 0:  # noqa: ASYNC110  a time, no event
                await asyncio.sleep(left)
            self.calls += 1
            yield

    def _check(self, answer: httpx.Response, path: str) -> None:
        status = answer.status_code
        if answer.is_success:
            return
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise _TryAgain(f"status {status}", _retry_after(answer))
        if status == HTTPStatus.UNAUTHORIZED:
            raise Denied(
                f"{path} answered 401: the token is not known at {self.http.base_url.host}; "
                "a token is good in its own region alone"
            )
        raise Refused(status, path, self.without_token(_message(answer)))

    def without_token(self, text: str) -> str:
        """Return the text; where somebody repeated our token, stars."""
        return text.replace(self.token, "***")


@asynccontextmanager
async def opened(base_url: str, token: str, manners: Manners) -> AsyncIterator[Api]:
    """Open a client of the account at ``base_url`` (with ``/v2``)."""
    address = urlsplit(base_url)
    if address.scheme not in {"http", "https"} or not address.hostname:
        raise ApiError(f"{base_url} is no http(s) address")
    async with httpx.AsyncClient(
        base_url=base_url.rstrip("/") + "/",
        headers={"authorization": f"Bearer {token}", "accept": "application/json"},
        timeout=httpx.Timeout(manners.timeout),
        limits=httpx.Limits(max_connections=manners.parallel),
        trust_env=address.hostname not in _LOOPBACK,
    ) as http:
        yield Api(http, manners, token)


@asynccontextmanager
async def tasks() -> AsyncIterator[asyncio.TaskGroup]:
    """Open a group of tasks; when one fails the others end, and its own failure is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as failures:
        first: BaseException = failures
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None


def read_token(path: Path) -> str:
    """Return the token that a file holds.

    Raises ``ApiError`` where there is none, or where it cannot be a token.
    """
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ApiError(f"the token file {path} cannot be read: {type(error).__name__}") from None
    if not text or not text.isprintable() or " " in text:
        raise ApiError(f"the token file {path} holds no token")
    return text


def site_of(token: str) -> str | None:
    """Return the Jira site that a token names (``context.baseUrl``); None where it names none.

    The token is not checked: whoever it was given to does that.
    """
    parts = token.split(".")
    if len(parts) != _JWT_PARTS:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        url = claims["context"]["baseUrl"]
    except (ValueError, KeyError, TypeError):
        return None
    return str(url).rstrip("/") or None


async def _stored(answer: httpx.Response, part: Path | None) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    file = part.open("wb") if part else None
    try:
        async for piece in answer.aiter_bytes(_PIECE):
            size += len(piece)
            digest.update(piece)
            if file is not None:
                file.write(piece)
    finally:
        if file is not None:
            file.close()
    return size, digest.hexdigest()


def _query(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _retry_after(answer: httpx.Response) -> float | None:
    """Seconds of Retry-After, which is a number or a date."""
    told = answer.headers.get("retry-after", "")
    if told.isdigit():
        return min(float(told), _LONGEST_RETRY_AFTER)
    try:
        seconds = (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError):
        return None
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER)


def _message(answer: httpx.Response) -> str:
    """What an error says, one line of at most 300 characters."""
    try:
        body = answer.json()
    except ValueError:
        return answer.reason_phrase
    told = body.get("message") or body.get("error") if isinstance(body, dict) else None
    return " ".join(str(told or answer.reason_phrase).split())[:300]
