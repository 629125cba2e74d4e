"""What hangs on a thing and does not stand in lists: script, steps, old versions, attachments."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tools.zephyr.api import Api, Refused
from tools.zephyr.files import kept
from tools.zephyr.kinds import CASES, EXECUTIONS, Walked, handle
from tools.zephyr.walks import every
from tools.zephyr.workdir import Row, Source


class DetailReader:
    """Reads the details of one thing after another; files go to ``files``, or nowhere at all."""

    def __init__(self, api: Api, wanted: Source, files: Path | None) -> None:
        self._api = api
        self._wanted = wanted
        self._files = files

    async def read(self, kind: Walked, row: Row) -> Row:
        """Return one row: id, key, and what there is of script, versions, steps, attachments.

        ``problems`` says what the source refused; the rest is there all the same.
        """
        found: Row = {"id": row["id"], "key": row.get("key"), "problems": []}
        if kind is CASES:
            await self._attempt(found, "script", lambda: self._script(row))
            if self._wanted.versions:
                await self._attempt(found, "versions", lambda: self._versions(row))
        if kind is EXECUTIONS and self._wanted.execution_steps:
            path = f"testexecutions/{handle(kind, row)}/teststeps"
            await self._attempt(found, "steps", lambda: every(self._api, path))
        if self._wanted.attachments:
            await self._attempt(found, "attachments", lambda: self._attachments(kind, row, found))
        return found

    async def _attempt(self, found: Row, name: str, read: Callable[[], Awaitable[Any]]) -> None:
        try:
            found[name] = await read()
        except Refused as refused:
            found["problems"].append(f"{name}: {refused}")

    async def _script(self, row: Row) -> Row | None:
        """The kind of a script is the end of its address; behind it may have changed since."""
        path = f"testcases/{row['key']}"
        address = str((row.get("testScript") or {}).get("self") or "")
        kinds = [self._steps, self._text]
        if address.rstrip("/").endswith("/testscript"):
            kinds.reverse()
        for read in kinds:
            try:
                return await read(path)
            except Refused as refused:
                if refused.status == HTTPStatus.NOT_FOUND:
                    return None
                if refused.status != HTTPStatus.UNPROCESSABLE_ENTITY:
                    raise
        return None

    async def _steps(self, path: str) -> Row:
        return {"type": "steps", "steps": await every(self._api, f"{path}/teststeps")}

    async def _text(self, path: str) -> Row:
        script = await self._api.get(f"{path}/testscript")
        return {"type": script["type"], "text": script["text"]}

    async def _versions(self, row: Row) -> list[Row]:
        """All versions, oldest first; those before the newest with their content."""
        path = f"testcases/{row['key']}/versions"
        numbers = sorted(
            (int(str(v["self"]).rstrip("/").rpartition("/")[2]), v.get("id"))
            for v in await every(self._api, path)
        )
        found: list[Row] = []
        for number, ident in numbers:
            old = number != numbers[-1][0]
            content = await self._api.find(f"{path}/{number}") if old else None
            found.append({"number": number, "id": ident, "content": content})
        return found

    async def _attachments(self, kind: Walked, row: Row, found: Row) -> list[Row]:
        path = f"{kind.name}/{handle(kind, row)}"
        files = await self._listed(path, f"{kind.name}-{row['id']}", None)
        if self._wanted.step_attachments:
            steps = found.get("steps") or (found.get("script") or {}).get("steps") or []
            for step in steps:
                if step.get("id") is not None:
                    name = f"{kind.name}-{row['id']}-{step['id']}"
                    files += await self._listed(f"{path}/teststeps/{step['id']}", name, step["id"])
        return files

    async def _listed(self, path: str, name: str, step: int | None) -> list[Row]:
        """Download what is attached at a path; 404 says that nothing is."""
        listed = await self._api.find(f"{path}/attachments")
        found: list[Row] = []
        for one in (listed or {}).get("attachments") or []:
            at = f"{path}/attachments/{quote(str(one['id']), safe='')}"
            target = self._files / f"{name}-{int(one['id'])}" if self._files else None
            size, digest = await self._file(at, target)
            found.append(
                {
                    "id": one["id"],
                    "step": step,
                    "name": one.get("name") or str(one["id"]),
                    "file": target.name if target else None,
                    "size": size,
                    "sha256": digest,
                }
            )
        return found

    async def _file(self, path: str, target: Path | None) -> tuple[int, str]:
        """A file that an earlier run brought whole is not asked for again."""
        known = kept(target) if target is not None else None
        return known or await self._api.download(path, target)
