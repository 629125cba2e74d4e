"""Sends the archives of a project to Ostro, the library first; broken-off imports go on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import orjson

from contracts.transfer import Part
from tools.zephyr.api import Api, ApiError, Denied, Refused, Unreachable
from tools.zephyr.files import size_of
from tools.zephyr.kinds import CASES, CYCLES
from tools.zephyr.progress import Watcher
from tools.zephyr.strays import STRAYS
from tools.zephyr.workdir import Workdir

_SERVICES = {Part.LIBRARY: "testcases", Part.EXECUTIONS: "executions"}
_PIECE = 1 << 20
_CHECKED_WITHIN = 3_600.0
"""Seconds until the first line: Ostro reads the whole archive before it begins."""
_PAUSE = 5.0


async def check_target(api: Api, key: str) -> None:
    """Raise ``ApiError`` unless the target has the project, enabled."""
    found = await api.find(f"projects/{key}")
    if found is None or not found.get("enabled"):
        raise ApiError(
            f"the target has no enabled project {key}; enable it first, in Jira or with "
            f"python -m services.tenancy admin project enable {key} --tenant ID"
        )


async def known_elsewhere(api: Api, workdir: Workdir, keys: set[str]) -> set[str]:
    """Return which cases and cycles of other projects, that this one refers to, the target has."""
    found = set()
    for name, key in sorted(_foreign(workdir, keys)):
        with contextlib.suppress(Refused):  # a key of another form is no key there
            if await api.find(f"{name}/{key}") is not None:
                found.add(key)
    return found


class Import:
    """Sends archives, and tells how it goes."""

    def __init__(self, api: Api, base_url: str, watcher: Watcher) -> None:
        self._api = api
        self._base = base_url.rstrip("/")
        self._watcher = watcher

    async def send(self, part: Part, key: str, archive: Path, jira: str) -> dict[str, int]:
        """Import one part; return what was left out, by what it is.

        Raises ``Refused`` with Ostro's own words: nothing was changed then.
        """
        path = f"{self._base}/ostro/v1/{_SERVICES[part]}/projects/{key}/import"
        why = "not tried"
        for attempt in range(self._api.manners.attempts):
            try:
                last = await self._once(path, archive, jira, f"{key} import of {part}")
            except httpx.TransportError as error:
                why = type(error).__name__
            except _Later as later:
                why = str(later)
            else:
                if last.get("state") == "done":
                    left_out: dict[str, int] = last.get("leftOut") or {}
                    return left_out
                why = str(last.get("message") or "the answer broke off")
            self._watcher.note(f"{key}: the import of {part} goes on in a moment ({why})")
            await asyncio.sleep(min(60.0, _PAUSE * (attempt + 1)))
        raise Unreachable(f"the import of {part} did not end; the last: {why}")

    async def _once(self, path: str, archive: Path, jira: str, what: str) -> dict[str, Any]:
        size = str(size_of(archive))
        headers = {"content-type": "application/zip", "content-length": size}
        timeout = httpx.Timeout(self._api.manners.timeout, read=_CHECKED_WITHIN)
        last: dict[str, Any] = {}
        async with self._api.http.stream(
            "POST",
            path,
            params={"jira": jira},
            content=_pieces(archive),
            headers=headers,
            timeout=timeout,
        ) as answer:
            if not answer.is_success:
                await answer.aread()
                self._raise(answer, path)
            async for line in answer.aiter_lines():
                if line:
                    last = _parsed(line)
                    self._tell(what, last)
        return last

    def _tell(self, what: str, line: dict[str, Any]) -> None:
        done, total = sum(line["written"].values()), sum((line.get("total") or {}).values())
        if line["state"] == "writing" and not done:
            self._watcher.begin(what, 0, total or None)
        elif line["state"] == "writing":
            self._watcher.advance(what, done)

    def _raise(self, answer: httpx.Response, path: str) -> None:
        status = answer.status_code
        try:
            message = str(answer.json().get("message"))
        except (ValueError, AttributeError):
            message = answer.reason_phrase
        told = self._api.without_token(message)
        under_way = status == HTTPStatus.CONFLICT and "under way" in message
        if under_way or status == HTTPStatus.TOO_MANY_REQUESTS or status >= _SERVER:
            raise _Later(f"status {status}: {told}")
        if status == HTTPStatus.UNAUTHORIZED:
            raise Denied(f"{path} answered 401: the token of the target is not known there")
        raise Refused(status, path, told)


_SERVER = HTTPStatus.INTERNAL_SERVER_ERROR


class _Later(Exception):
    pass


def _parsed(line: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise _Later("an answer that is no JSON") from None
    return found


async def _pieces(archive: Path) -> AsyncIterator[bytes]:
    with archive.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece


def _foreign(workdir: Workdir, keys: set[str]) -> set[tuple[str, str]]:
    found = set()
    for row, _ in workdir.walk(CASES.details):
        for step in (row.get("script") or {}).get("steps") or []:
            key = str((step.get("testCase") or {}).get("testCaseKey") or "")
            if key and key.rpartition("-")[0] not in keys:
                found.add((CASES.name, key))
    for row, _ in workdir.walk(STRAYS):
        key = str((row["row"] or {}).get("key") or "")
        if row["path"] == CYCLES.name and key:
            found.add((CYCLES.name, key))
    return found
