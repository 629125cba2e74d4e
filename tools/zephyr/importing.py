"""Sends the archives of a project to Ostro, the library first; broken-off imports go on."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any

import httpx
import orjson

from contracts.transfer import Part
from kit.transfer.archive import without_files
from tools.transfer.client import told
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

    async def check(
        self, part: Part, key: str, archive: Path, jira: str, library: Path | None = None
    ) -> str:
        """Ask whether a part would be taken; return Ostro's word for what an import would do.

        ``library`` is the archive that is imported before this part. Raises ``Refused`` with
        Ostro's own words. Nothing is changed.
        """
        with tempfile.TemporaryFile(dir=archive.parent) as rows:
            if library is not None:
                with library.open("rb") as whole:
                    await asyncio.to_thread(without_files, whole, rows)
            ahead = rows.tell()

            async def once() -> dict[str, Any]:
                rows.seek(0)
                more = {"libraryBytes": str(ahead)} if ahead else {}
                answer = await self._api.http.post(
                    self._path(part, key, "import/check"),
                    params={"jira": jira} | more,
                    content=_pieces(rows, archive),
                    headers=_headers(ahead + size_of(archive)),
                    timeout=self._timeout,
                )
                self._raise(answer)
                return _parsed(answer.text)

            return str((await self._tried(once, f"{key}: the check of {part}"))["state"])

    async def send(self, part: Part, key: str, archive: Path, jira: str) -> dict[str, int]:
        """Import one part; return what was left out, by what it is.

        Raises ``Refused`` with Ostro's own words: nothing was changed then.
        """

        async def once() -> dict[str, Any]:
            last = await self._once(part, key, archive, jira)
            if last.get("state") != "done":
                raise _Later(str(last.get("message") or "the answer broke off"))
            return last

        last = await self._tried(once, f"{key}: the import of {part}")
        left_out: dict[str, int] = last.get("leftOut") or {}
        return left_out

    async def _tried(
        self, once: Callable[[], Awaitable[dict[str, Any]]], what: str
    ) -> dict[str, Any]:
        why = "not tried"
        for attempt in range(self._api.manners.attempts):
            try:
                return await once()
            except httpx.TransportError as error:
                why = type(error).__name__
            except _Later as later:
                why = str(later)
            self._watcher.note(f"{what} goes on in a moment ({why})")
            await asyncio.sleep(min(60.0, _PAUSE * (attempt + 1)))
        raise Unreachable(f"{what} did not end; the last: {why}")

    async def _once(self, part: Part, key: str, archive: Path, jira: str) -> dict[str, Any]:
        last: dict[str, Any] = {}
        async with self._api.http.stream(
            "POST",
            self._path(part, key, "import"),
            params={"jira": jira},
            content=_pieces(None, archive),
            headers=_headers(size_of(archive)),
            timeout=self._timeout,
        ) as answer:
            if not answer.is_success:
                await answer.aread()
                self._raise(answer)
            async for line in answer.aiter_lines():
                if line:
                    last = _parsed(line)
                    self._tell(f"{key} import of {part}", last)
        return last

    def _path(self, part: Part, key: str, what: str) -> str:
        return f"{self._base}/ostro/v1/{_SERVICES[part]}/projects/{key}/{what}"

    @property
    def _timeout(self) -> httpx.Timeout:
        return httpx.Timeout(self._api.manners.timeout, read=_CHECKED_WITHIN)

    def _tell(self, what: str, line: dict[str, Any]) -> None:
        done, total = sum(line["written"].values()), sum((line.get("total") or {}).values())
        if line["state"] == "writing" and not done:
            self._watcher.begin(what, 0, total or None)
        elif line["state"] == "writing":
            self._watcher.advance(what, done)

    def _raise(self, answer: httpx.Response) -> None:
        status, path = answer.status_code, answer.request.url.path
        if answer.is_success:
            return
        try:
            message = told(answer.json())
        except (ValueError, KeyError, TypeError):
            message = answer.reason_phrase
        message = self._api.without_token(message)
        under_way = status == HTTPStatus.CONFLICT and "under way" in message
        if under_way or status == HTTPStatus.TOO_MANY_REQUESTS or status >= _SERVER:
            raise _Later(f"status {status}: {message}")
        if status == HTTPStatus.UNAUTHORIZED:
            raise Denied(f"{path} answered 401: the token of the target is not known there")
        raise Refused(status, path, message)


_SERVER = HTTPStatus.INTERNAL_SERVER_ERROR


class _Later(Exception):
    pass


def _parsed(line: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise _Later("an answer that is no JSON") from None
    return found


def _headers(size: int) -> dict[str, str]:
    return {"content-type": "application/zip", "content-length": str(size)}


async def _pieces(ahead: IO[bytes] | None, archive: Path) -> AsyncIterator[bytes]:
    while ahead is not None and (piece := await asyncio.to_thread(ahead.read, _PIECE)):
        yield piece
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
